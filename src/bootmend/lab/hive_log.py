"""What a crash leaves of a hive: a primary with the old content, marked dirty, and logs with the new.

Windows writes changes to the logs at once and to the primary up to an hour later. `crash` makes
that state as Windows 8.1 and later leave it, older entries behind the last one and all;
`crash_old_format` makes it as Windows up to 8 did. Replaying gives the new content exactly.
"""

from __future__ import annotations

from collections.abc import Iterable

from bootmend.errors import Misuse
from bootmend.formats.hive.baseblock import BASE_SIZE, PAGE, SECTOR, TYPE_NEW_LOG, BaseBlock, stamp
from bootmend.formats.hive.marvin import marvin32
from bootmend.formats.hive.newlog import ENTRY, PAGE_REFERENCE

ENTRIES = 3
"""Flushes that changes inside the old hive are spread over in each log, where as many pages changed."""


def crash(old: bytes, new: bytes, split: bool = True) -> tuple[bytes, bytes, bytes]:
    """(primary, LOG1, LOG2) of a crash on Windows 8.1 or later, between `old` and `new`.

    `old` is a clean hive, `new` a later version of it, as large or larger. The changes are spread over
    LOG1 and LOG2, or all in LOG1 and LOG2 empty. Raises Misuse where there is no change.
    """
    before, after = _two(old, new)
    dirty = _changed(old, new, before, after)
    # New bins come whole and last: the hive is one, if an old one, after every single flush.
    inside = [page for page in dirty if page < before.size]
    wanted = min(ENTRIES * 2 if split else ENTRIES, len(inside))
    flushes = [{page: _page(new, page) for page in inside[at::wanted]} for at in range(wanted)]
    flushes.append({page: _page(new, page) for page in dirty if page >= before.size})
    # Before all, one page as it was, which a later flush writes again: only the right order of entries ends in `new`.
    flushes.insert(0, {page: _page(old, page) for page in inside[-1:]})
    flushes = [pages for pages in flushes if pages]
    number = before.sequences[1] + 1
    entries: list[bytes] = []
    for at, pages in enumerate(flushes):
        size = before.size if max(pages) < before.size else after.size
        entries.append(_entry(number + at, size, sorted(pages.items())))
    half = (len(entries) + 1) // 2 if split else len(entries)
    older = _entry(max(before.sequences[1] - 1, 0), before.size, [(dirty[0], bytes(PAGE))])
    log1 = _log(old, number, [*entries[:half], older])
    log2 = _log(old, number + half, [*entries[half:], older]) if split else b""
    return _dirty(old), log1, log2


def crash_old_format(old: bytes, new: bytes) -> tuple[bytes, bytes, bytes]:
    """(primary, LOG1, LOG2) of a crash on Windows 7 or 8, between `old` and `new`; LOG2 is empty."""
    before, after = _two(old, new)
    dirty = set(_changed(old, new, before, after))
    log = bytearray(old[:SECTOR])
    log[28:32] = (1).to_bytes(4, "little")
    stamp(log, sequence=before.sequences[1] + 1, size=after.size)
    log += b"DIRT" + bytes(0xFF if page in dirty else 0 for page in range(0, after.size, PAGE))
    log += bytes(-len(log) % SECTOR)
    for page in sorted(dirty):
        log += _page(new, page)
    return _dirty(old), bytes(log), b""


def _two(old: bytes, new: bytes) -> tuple[BaseBlock, BaseBlock]:
    before, after = BaseBlock.parse(old, "the old hive"), BaseBlock.parse(new, "the new hive")
    if before.dirty or after.size < before.size:
        raise Misuse("a crash needs a clean hive and a later version of it, as large or larger")
    return before, after


def _changed(old: bytes, new: bytes, before: BaseBlock, after: BaseBlock) -> list[int]:
    pages = [at for at in range(0, after.size, PAGE) if at >= before.size or _page(old, at) != _page(new, at)]
    if not pages:
        raise Misuse("the two hives do not differ")
    return pages


def _page(hive: bytes, at: int) -> bytes:
    return hive[BASE_SIZE + at : BASE_SIZE + at + PAGE]


def _dirty(old: bytes) -> bytes:
    primary = bytearray(old)
    second = int.from_bytes(old[8:12], "little")
    stamp(primary, sequence=(second + 1, second))
    return bytes(primary)


def _log(old: bytes, number: int, entries: Iterable[bytes]) -> bytes:
    log = bytearray(old[:SECTOR])
    log[28:32] = TYPE_NEW_LOG.to_bytes(4, "little")
    stamp(log, sequence=number)
    for entry in entries:
        log += entry
    return bytes(log + bytes(-len(log) % PAGE))


def _entry(number: int, size: int, pages: list[tuple[int, bytes]]) -> bytes:
    body = b"".join(PAGE_REFERENCE.pack(at, len(content)) for at, content in pages)
    body += b"".join(content for _, content in pages)
    body += bytes(-(ENTRY.size + len(body)) % SECTOR)
    length = ENTRY.size + len(body)
    head = ENTRY.pack(b"HvLE", length, 0, number, size, len(pages), marvin32(body), 0)
    return head[:32] + marvin32(head[:32]).to_bytes(8, "little") + body
