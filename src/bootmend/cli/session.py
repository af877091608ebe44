"""What every command on a disk does first: nobody else at it, nothing half done, what the user gave."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bootmend.cli.note import note
from bootmend.cli.options import shows_progress
from bootmend.commit import exclusive, journal_folder, pending, recover
from bootmend.disk.container import open_disk
from bootmend.disk.device import BlockDevice
from bootmend.disk.url import is_url
from bootmend.errors import InputError, Refused
from bootmend.repair import donor_of
from bootmend.signing.roots import Trust
from bootmend.texts import say
from bootmend.volumes.partitions import read_partitions
from bootmend.windows.donor import DiskDonor, Donor, FolderDonor, Given
from bootmend.windows.image import Image

TRUST_VARIABLE = "BOOTMEND_TRUST"


def settle(source: str, journal_dir: Path | None) -> None:
    """Puts right what an interrupted commit or undo left on the disk, before anyone reads it."""
    try:
        folder = journal_folder(source, journal_dir)
    except Refused:
        return
    if not pending(folder):
        return
    with exclusive(source), open_disk(source, writable=True) as device:
        for done in recover(device, folder, identity=identity_of(device)):
            note(say("cli.recovered", journal=done.journal, what=say(f"cli.recovered_{done.what}")))


def identity_of(device: BlockDevice) -> dict[str, str]:
    """What tells this disk from others in a journal: the id in its partition table."""
    disk_id = read_partitions(device).disk_id
    return {"disk": disk_id} if disk_id else {}


def roots_given(trusted: Sequence[Path]) -> list[bytes]:
    """The root certificates named on the command line and in BOOTMEND_TRUST."""
    named = [Path(word) for word in os.environ.get(TRUST_VARIABLE, "").split(":") if word]
    return [_read(path) for path in [*named, *trusted]]


@contextmanager
def given(trusted: Sequence[Path], donors: Sequence[str | Path]) -> Iterator[Given]:
    """Roots and donors named on the command line and in BOOTMEND_TRUST; donors stay open meanwhile."""
    trust = Trust(roots_given(trusted))
    devices: list[BlockDevice] = []
    images: list[Image] = []
    opened: list[Donor] = []
    try:
        for path in donors:
            if not is_url(str(path)) and Path(path).is_dir():
                opened.append(FolderDonor(Path(path)))
                continue
            device = open_disk(str(path))
            devices.append(device)
            image, windows = donor_of(device, Given(trust))
            images.append(image)
            opened.append(DiskDonor(image, windows.volume, windows.path, windows.version.text))
        yield Given(trust, tuple(opened))
    finally:
        for image in images:
            image.close()
        for device in devices:
            device.close()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(say("cli.no_certificate", path=path, why=error.strerror)) from error


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """A line on the terminal that says what is being done."""
    if not shows_progress():
        yield lambda _: None
        return
    from rich.console import Console

    with Console(stderr=True).status("") as status:
        yield status.update
