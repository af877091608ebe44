"""The state of the $LogFile, from its two restart pages; nothing is replayed here.

Format: the "LFS" pages of the linux-ntfs project's notes: RSTR page header, restart area, clients.
"""

from __future__ import annotations

from dataclasses import dataclass

from bootmend.binary import View
from bootmend.errors import ParseError
from bootmend.volumes.ntfs.records import undo_fixups
from bootmend.volumes.volume import File

NO_CLIENT = 0xFFFF
VOLUME_IS_CLEAN = 0x0002
MIN_PAGE, MAX_PAGE = 512, 65536
EMPTY = b"\xff" * 4


@dataclass(frozen=True, slots=True)
class Journal:
    """`state`: clean, unclean, reset (all 0xFF: nothing to replay), unreadable; `lsn` of the newer restart page."""

    state: str
    version: str = ""
    lsn: int = 0


@dataclass(frozen=True, slots=True)
class RestartPage:
    """One restart page, fixups undone: `area` is where the restart area starts in `page`."""

    page: View
    system_page_size: int
    log_page_size: int
    version: str
    area: int
    lsn: int
    client_in_use: int
    flags: int

    @property
    def clean(self) -> bool:
        """No client has the log open, or it was closed by a proper dismount."""
        return self.client_in_use == NO_CLIENT or bool(self.flags & VOLUME_IS_CLEAN)


def read_journal(log: File, name: str) -> Journal:
    """Never raises on broken content: that is the state `unreadable`."""
    head = log.read(0, 2 * MAX_PAGE)
    if head and head.count(0xFF) == len(head):
        return Journal("reset")
    pages = restart_pages(head, name)
    if not pages:
        return Journal("unreadable")
    newest = max(pages, key=lambda page: page.lsn)
    return Journal("clean" if newest.clean else "unclean", newest.version, newest.lsn)


def restart_pages(head: bytes, name: str) -> list[RestartPage]:
    """The sound ones of the two; `head` is the start of the log, at least two system pages."""
    found: list[RestartPage] = []
    size = MAX_PAGE
    at = 0
    while at + MIN_PAGE <= len(head) and at <= size and len(found) < 2:
        try:
            page = _restart_page(View(head, f"{name}\\$LogFile"), at)
        except ParseError:
            at = at * 2 or MIN_PAGE
            continue
        found.append(page)
        size = page.system_page_size
        at = at + size if at == 0 else size + 1
    return found


def _restart_page(log: View, at: int) -> RestartPage:
    size = log.u32(at + 0x10, "the system page size")
    if not MIN_PAGE <= size <= MAX_PAGE or size & (size - 1):
        raise log.fail(at + 0x10, "a system page size", str(size))
    page = undo_fixups(log.sub(at, size, "a whole restart page"), b"RSTR")
    area = page.u16(0x18)
    if area < 0x1E or area % 8:
        raise page.fail(0x18, "the offset of the restart area", f"{area:#x}")
    return RestartPage(
        page,
        size,
        page.u32(0x14),
        f"{page.u16(0x1C)}.{page.u16(0x1A)}",
        area,
        lsn=page.u64(area, "the current LSN"),
        client_in_use=page.u16(area + 0x0C),
        flags=page.u16(area + 0x0E),
    )
