"""Which catalogs of a machine list a hash: a multi-map, since one file often stands in many catalogs.

Built without cryptography from every catalog of the store. A hit proves nothing until the catalog's own
signature is verified, which `audit.py` does for the few catalogs that are hit.
"""

from __future__ import annotations

from bootmend.errors import ParseError
from bootmend.signing.trustlist import member_hashes


class CatalogIndex:
    """Hash (20 or 32 bytes) -> names of the catalogs that list it; `len()` is the number of different hashes."""

    def __init__(self) -> None:
        self.names: list[str] = []
        """Every readable catalog, in the order added."""
        self.unreadable: dict[str, str] = {}
        """Name -> why it cannot be read. The rest of the store is indexed all the same."""
        self._first: dict[bytes, int] = {}
        self._more: dict[bytes, list[int]] = {}
        self.listed = 0
        """Entries of all catalogs together, each in memory: whoever fills an index off a disk bounds it."""

    def add(self, name: str, data: bytes) -> None:
        """Index the catalog `data`; one that cannot be read is remembered in `unreadable`."""
        try:
            hashes = dict.fromkeys(member_hashes(data, name))
        except ParseError as error:
            self.unreadable[name] = str(error)
            return
        self.listed += len(hashes)
        number = len(self.names)
        self.names.append(name)
        known = self._first.keys() & hashes.keys()
        for digest in known:
            self._more.setdefault(digest, []).append(number)
            del hashes[digest]
        self._first.update(dict.fromkeys(hashes, number))

    def lookup(self, digest: bytes) -> tuple[str, ...]:
        """The names of all catalogs that list `digest`, in the order they were added; empty where none does."""
        first = self._first.get(digest)
        if first is None:
            return ()
        return tuple(self.names[number] for number in (first, *self._more.get(digest, ())))

    def __len__(self) -> int:
        return len(self._first)

    def __contains__(self, digest: bytes) -> bool:
        return digest in self._first
