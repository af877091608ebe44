"""The five hives of System32\\config that no start does without, and what of them Windows could not load.

    SYSTEM                             read by the boot loader, which then starts no kernel
    SOFTWARE, SAM, SECURITY, DEFAULT   loaded by the kernel, which stops where one cannot be

A hive is judged as Windows would see it, after a replay of its logs. One that is dirty and whose logs cannot
be applied is no fault as long as it reads: Windows may know a way. A hive that is kept where it cannot be
looked at (a link, EFS), or is too large to be read here, is not judged.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from bootmend.errors import DeviceError, InputError, Missing, ParseError, Refused, Unequipped
from bootmend.findings import HiveFile
from bootmend.formats.hive import check
from bootmend.texts import say
from bootmend.volumes.volume import Elsewhere
from bootmend.windows.installation import Windows
from bootmend.windows.registry import BIN_START, MAX_HIVE, LoadedHive, load_hive

NAMES = ("SYSTEM", "SOFTWARE", "SAM", "SECURITY", "DEFAULT")
CONFIG = "System32\\config"
REGBACK = f"{CONFIG}\\RegBack"


class HiveTrouble(Enum):
    """Why Windows cannot load a hive."""

    MISSING = "missing"
    EMPTY = "empty"
    """0 bytes."""
    NO_HIVE = "no hive"
    """No base block, or no root key, and no log that gives them back."""
    TRUNCATED = "truncated"
    """The file ends before its hive bins do."""
    BROKEN_BIN = "broken bin"
    """A hive bin behind the first is none: Windows may mend the hive when it loads it, and lose what stood there."""


@dataclass(frozen=True, slots=True)
class ConfigHive:
    """One of the hives; `what` says in words what is wrong."""

    name: str
    file: HiveFile
    trouble: HiveTrouble | None
    what: str = ""

    @property
    def exists(self) -> bool:
        return self.trouble is not HiveTrouble.MISSING


def config_hives(windows: Windows) -> Iterator[ConfigHive]:
    """The hives of this Windows in the order in which they are loaded."""
    for name in NAMES:
        yield _judge(windows, name)


def config_file(windows: Windows, name: str) -> HiveFile:
    return HiveFile(windows.volume, f"{windows.path}\\{CONFIG}\\{name}")


def _judge(windows: Windows, name: str) -> ConfigHive:
    file = config_file(windows, name)
    try:
        entry = windows.image.volume(file.volume).stat(file.path)
        if entry.directory:
            return ConfigHive(name, file, HiveTrouble.MISSING, say("rules_kernel.hive_folder"))
        if entry.size == 0:
            return ConfigHive(name, file, HiveTrouble.EMPTY, say("rules_kernel.hive_empty"))
        if entry.size > MAX_HIVE:
            return ConfigHive(name, file, None)
        return ConfigHive(name, file, *_trouble_of(_load(windows, name)))
    except Unequipped:
        raise
    except Elsewhere:
        return ConfigHive(name, file, None)
    except Missing:
        return ConfigHive(name, file, HiveTrouble.MISSING, say("rules_kernel.hive_missing"))
    except (ParseError, DeviceError) as error:
        return ConfigHive(name, file, HiveTrouble.NO_HIVE, str(error))
    except (InputError, Refused):
        return ConfigHive(name, file, None)


def _load(windows: Windows, name: str) -> LoadedHive:
    """SYSTEM and SOFTWARE are read once for all that asks."""
    if name == "SYSTEM":
        return windows.system
    if name == "SOFTWARE":
        if isinstance(windows.software, InputError):
            raise windows.software
        return windows.software
    file = config_file(windows, name)
    return load_hive(windows.image, file.volume, file.path)


def _trouble_of(loaded: LoadedHive) -> tuple[HiveTrouble | None, str]:
    if loaded.cut_off is not None:
        return HiveTrouble.TRUNCATED, str(loaded.cut_off)
    error = loaded.broken_bin
    if error is None:
        return None, ""
    first = error.offset < BIN_START + 32
    return (HiveTrouble.NO_HIVE if first else HiveTrouble.BROKEN_BIN), str(error)


@dataclass(frozen=True, slots=True)
class Backup:
    """The copies in RegBack: all of them load, or `reason` says why none is taken."""

    files: dict[str, HiveFile]
    reason: str = ""


def regback(windows: Windows) -> Backup:
    """What Windows' own nightly copies hold, each read and checked whole.

    They are taken together or not at all: SYSTEM and SOFTWARE must be there, SAM and SECURITY both or neither,
    and every one that is there must be clean and sound. Since Windows 10 1803 the files have 0 bytes.
    """
    files: dict[str, HiveFile] = {}
    for name in NAMES:
        file = HiveFile(windows.volume, f"{windows.path}\\{REGBACK}\\{name}")
        try:
            entry = windows.image.volume(file.volume).stat(file.path)
            if entry.directory or entry.size == 0:
                continue
            loaded = load_hive(windows.image, file.volume, file.path)
        except Unequipped:
            raise
        except Missing:
            continue
        except (InputError, Refused) as error:
            return Backup({}, str(error))
        if loaded.hive.dirty or not check(loaded.primary, loaded.where).sound:
            return Backup({}, say("rules_kernel.backup_unsound", where=file.where))
        files[name] = file
    return Backup(files, _incomplete(files))


def _incomplete(files: dict[str, HiveFile]) -> str:
    if not files:
        return say("rules_kernel.backup_empty")
    lacking = [name for name in ("SYSTEM", "SOFTWARE") if name not in files]
    if ("SAM" in files) != ("SECURITY" in files):
        lacking.append("SAM" if "SAM" not in files else "SECURITY")
    return say("rules_kernel.backup_lacks", names=", ".join(lacking)) if lacking else ""
