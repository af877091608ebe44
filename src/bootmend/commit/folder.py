"""Where the journals of a disk lie: beside it, or where the user says."""

from __future__ import annotations

import stat
from pathlib import Path

from bootmend.errors import InputError, Refused
from bootmend.texts import say


def journal_folder(source: str, journal_dir: Path | None = None) -> Path:
    """`journal_dir` where given, else DISK.bootmend beside the file that `source` leads to.

    Refused for a block device and for a URL without `journal_dir`: nothing can lie beside them.
    Creates nothing.
    """
    if journal_dir is not None:
        return journal_dir
    if "://" in source or _is_device(Path(source)):
        raise Refused(say("commit.no_place", source=source.partition("?")[0]), say("commit.no_place_next"))
    # A symbolic link and its target are one disk, and must share one history.
    try:
        path = Path(source).resolve()
        return path.with_name(path.name + ".bootmend")
    except (OSError, RuntimeError, ValueError) as error:  # a ring of links; a name such as "/"
        raise InputError(say("disk.missing", path=source)) from error


def _is_device(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return stat.S_ISBLK(mode) or stat.S_ISCHR(mode)
