"""How NTFS compares names: UTF-16 code units through the volume's own $UpCase table."""

from __future__ import annotations

from array import array
from collections.abc import Callable

from bootmend.errors import ParseError

UPCASE_BYTES = 128 << 10


class Names:
    """Makes comparison keys; loads the table (`load` gives its 128 KiB) only for a name that is not ASCII."""

    def __init__(self, load: Callable[[], bytes], volume: str) -> None:
        self._load = load
        self._volume = volume
        self._table: dict[int, int] | None = None

    def key(self, name: str) -> bytes:
        """Equal for names that differ in case only; ordered as a folder's index is."""
        if name.isascii():
            return name.upper().encode("utf-16-be")
        return name.translate(self._upcase()).encode("utf-16-be", "surrogatepass")

    def _upcase(self) -> dict[int, int]:
        if self._table is None:
            raw = self._load()
            if len(raw) != UPCASE_BYTES:
                raise ParseError(f"{self._volume}\\$UpCase", 0, f"{UPCASE_BYTES} bytes", str(len(raw)))
            units = array("H", raw)
            self._table = {low: up for low, up in enumerate(units) if low != up and not 0xD800 <= low <= 0xDFFF}
        return self._table


def units(name: str) -> bytes:
    """The name as it stands in file records."""
    return name.encode("utf-16-le", "surrogatepass")
