"""Names of keys as reg.exe takes them: `HKLM\\SYSTEM\\Select`, and names a script gave to hives it loaded.

A disk has no user who is logged on and no hardware that was found, so of the registry's roots only
HKEY_LOCAL_MACHINE and HKEY_USERS stand on it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bootmend.errors import Misuse, Refused
from bootmend.texts import say

LOCAL_MACHINE, USERS = "HKEY_LOCAL_MACHINE", "HKEY_USERS"
ROOTS = {"HKLM": LOCAL_MACHINE, LOCAL_MACHINE: LOCAL_MACHINE, "HKU": USERS, USERS: USERS}
SHORT = {LOCAL_MACHINE: "HKLM", USERS: "HKU"}
_LIVE_ROOTS = {
    "HKCU": "reg.current_user",
    "HKEY_CURRENT_USER": "reg.current_user",
    "HKCR": "reg.classes_root",
    "HKEY_CLASSES_ROOT": "reg.classes_root",
    "HKCC": "reg.current_config",
    "HKEY_CURRENT_CONFIG": "reg.current_config",
    "HKPD": "reg.live_root",
    "HKEY_PERFORMANCE_DATA": "reg.live_root",
    "HKDD": "reg.live_root",
    "HKEY_DYN_DATA": "reg.live_root",
}

CONFIG_HIVES: dict[str, dict[str, str]] = {
    LOCAL_MACHINE: {name: name for name in ("SYSTEM", "SOFTWARE", "SAM", "SECURITY", "COMPONENTS", "DRIVERS", "ELAM")},
    USERS: {".DEFAULT": "DEFAULT", "S-1-5-18": "DEFAULT"},
}
"""By root: the names of hives in upper case, and the file of each in System32\\config."""
BCD_HIVE = "BCD00000000"
_GUESSED = ("SYSTEM", "SOFTWARE", "COMPONENTS", "SECURITY", "SAM")
_VAGUE_SET = re.compile(r"ControlSet0{0,2}[x?*n]+|<[^<>]*ControlSet[^<>]*>", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"<[^<>]*>")


@dataclass(frozen=True, slots=True)
class KeyName:
    """A key by its root, the hive below it and the path in that hive, cased as typed."""

    root: str
    """HKEY_LOCAL_MACHINE or HKEY_USERS."""
    hive: str
    """Such as SYSTEM; empty for the root itself."""
    path: str = ""

    def __str__(self) -> str:
        return "\\".join(part for part in (self.root, self.hive, self.path) if part)

    def below(self, path: str) -> KeyName:
        return KeyName(self.root, self.hive, "\\".join(part for part in (self.path, path) if part))


@dataclass(frozen=True, slots=True)
class HivePlace:
    """A hive file: its volume's number and path."""

    volume: int
    path: str

    @property
    def file(self) -> tuple[int, str]:
        """Equal for two spellings of one file."""
        return self.volume, self.path.lower()


class LoadedNames:
    """What `reg load` called the hives it loaded, for as long as one script runs.

    Outside a script (`guess`) nothing was loaded, and a name like BROKENSYSTEM says which hive is meant.
    """

    def __init__(self, *, guess: bool = False) -> None:
        self.guess = guess
        self._places: dict[tuple[str, str], HivePlace] = {}

    def load(self, key: KeyName, place: HivePlace) -> None:
        """Raises Refused where the name is taken already."""
        if self.find(key) is not None:
            raise Refused(say("reg.loaded_already", at=key), say("reg.loaded_already_next", at=key))
        self._places[key.root, key.hive.upper()] = place

    def unload(self, key: KeyName) -> bool:
        """Whether there was such a name."""
        return self._places.pop((key.root, key.hive.upper()), None) is not None

    def find(self, key: KeyName) -> HivePlace | None:
        return self._places.get((key.root, key.hive.upper()))


def parse_key(word: str) -> KeyName:
    """The key that `word` names. Raises Misuse where it is no key's name, Refused for what no disk holds."""
    if word.startswith("\\\\"):
        raise Refused(say("reg.remote", word=word), say("reg.remote_next"))
    root, _, rest = word.partition("\\")
    known = ROOTS.get(root.upper())
    if known is None:
        raise _unknown_root(word, root)
    if rest.endswith("\\"):
        rest = rest[:-1]
    elif not rest and word.endswith("\\"):
        raise Misuse(say("reg.empty_part", word=word))
    parts = rest.split("\\") if rest else []
    if not all(parts):
        raise Misuse(say("reg.empty_part", word=word))
    hive, path = (parts[0], "\\".join(parts[1:])) if parts else ("", "")
    # Further down a key may well be called <Any>; only what stands for a hive or a control set is a placeholder.
    if _PLACEHOLDER.fullmatch(hive):
        raise Misuse(say("reg.placeholder", word=hive))
    for part in parts[1:2]:
        if _VAGUE_SET.fullmatch(part):
            raise Misuse(say("reg.vague_set", part=part))
    return KeyName(known, hive, path)


def _unknown_root(word: str, root: str) -> Misuse | Refused:
    upper = root.upper()
    if upper in _LIVE_ROOTS:
        return Refused(say(_LIVE_ROOTS[upper], root=root), say("reg.live_root_next"))
    for known in sorted((*ROOTS, *_LIVE_ROOTS), key=len, reverse=True):
        if upper.startswith(known):
            after = word[len(known) :]
            eaten = say("reg.slashes" if after.startswith("/") else "reg.backslashes", word=word)
            return Misuse(eaten)
    return Misuse(say("reg.no_root", word=word))


def guessed_hive(name: str) -> str | None:
    """The hive that a made-up name such as BROKENSYSTEM or OFFLINE_SOFTWARE stands for; None where it is not clear."""
    fits = [hive for hive in _GUESSED if hive in name.upper()]
    return fits[0] if len(fits) == 1 else None


def split_path(path: str) -> tuple[str, str]:
    """A Windows path of a file on the disk, as drive (a letter, a volume's number or nothing) and path.

    Raises Misuse for a placeholder and for a path that does not begin at the root of its drive.
    """
    if path.startswith("<"):
        raise Misuse(say("reg.placeholder", word=path.partition(":")[0]))
    drive, colon, rest = path.partition(":")
    if not colon:
        drive, rest = "", path
    letter = len(drive) == 1 and drive.isascii() and drive.isalpha()
    number = drive.isascii() and drive.isdecimal() and len(drive) < 4
    if len(rest) < 2 or not rest.startswith("\\") or rest.startswith("\\\\") or (drive and not letter and not number):
        raise Misuse(say("reg.bad_path", path=path))
    return drive, rest
