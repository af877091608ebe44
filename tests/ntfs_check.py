"""An NTFS checker of our own for tests: what chkdsk's first passes look at.

Clusters of all files against $Bitmap, records against the $MFT's bitmap, names in folders against
the names in file records, link counts. An empty list means that nothing is wrong.
"""

from __future__ import annotations

from collections import Counter

from bootmend.disk.device import BlockDevice
from bootmend.errors import ParseError
from bootmend.volumes.ntfs.boot import read_boot
from bootmend.volumes.ntfs.index import Folders
from bootmend.volumes.ntfs.mft import FIRST_USER_RECORD, MFT, NUMBER, FileRecord, Mft
from bootmend.volumes.ntfs.names import Names
from bootmend.volumes.ntfs.records import BITMAP, DATA, FILE_NAME, IN_USE, INDEX_ROOT, parse_record
from bootmend.volumes.ntfs.runs import decode_runs

BAD_CLUSTERS, BITMAP_FILE = 8, 6


def faults(device: BlockDevice) -> list[str]:
    boot = read_boot(device, "check")
    mft = Mft(device, boot, "check")
    found: list[str] = []
    owner: dict[int, int] = {}
    files: dict[int, FileRecord] = {}
    used = set()
    for number in range(mft.count):
        try:
            record = parse_record(mft.raw(number), number)
        except ParseError as error:
            if any(mft.raw(number).data):  # else it was never used
                found.append(str(error))
            continue
        if not record.flags & IN_USE:
            continue
        used.add(number)
        for part in record.attributes:
            if part.pairs is None or number == BAD_CLUSTERS:
                continue
            for run in decode_runs(part.pairs, part.first_vcn, part.last_vcn, boot.clusters):
                for cluster in range(run.lcn or 0, (run.lcn or 0) + run.length if run.lcn is not None else 0):
                    if cluster in owner:
                        found.append(f"cluster {cluster} belongs to records {owner[cluster]} and {number}")
                    owner[cluster] = number
        if not record.base:
            files[number] = mft.file(number)
    found += _bitmap(mft, BITMAP_FILE, DATA, set(owner), boot.clusters, "cluster")
    found += _bitmap(mft, MFT, BITMAP, used, mft.count, "record")
    return found + _names(mft, files)


def _bitmap(mft: Mft, number: int, kind: int, used: set[int], count: int, what: str) -> list[str]:
    stream = mft.stream(mft.file(number), kind)
    assert stream is not None
    bits = stream.read(0, stream.size)
    marked = {at for at in range(min(count, 8 * len(bits))) if bits[at >> 3] >> (at & 7) & 1}
    if what == "record":  # 12 to 15 are reserved; whether they count as used differs
        marked -= set(range(FIRST_USER_RECORD))
        used = used - set(range(FIRST_USER_RECORD))
    return [f"{what} {at}: marked {at in marked}, used {at in used}" for at in sorted(marked ^ used)][:20]


def _names(mft: Mft, files: dict[int, FileRecord]) -> list[str]:
    found: list[str] = []
    folders = Folders(mft, Names(lambda: b"", "check"))
    in_folders: Counter[tuple[int, int, str]] = Counter()
    for number, file in files.items():
        if file.first(INDEX_ROOT, "$I30") is None:
            continue
        order = []
        for entry in folders.walk(file):
            in_folders[number, entry.reference & NUMBER, entry.name] += 1
            order.append(entry.name)
        if all(name.isascii() for name in order) and order != sorted(order, key=lambda name: (name.upper(), name)):
            found.append(f"folder {number} is out of order")
    in_files: Counter[tuple[int, int, str]] = Counter()
    for number, file in files.items():
        names = [part for part in file.attributes if part.type == FILE_NAME and part.value is not None]
        for part in names:
            assert part.value is not None
            name = part.value.utf16(0x42, 2 * part.value.u8(0x40))
            in_files[part.value.u64(0) & NUMBER, number, name] += 1
        if number >= FIRST_USER_RECORD and file.base.links != len(names):
            found.append(f"record {number}: {file.base.links} links, {len(names)} names")
    return found + [
        f"{one}: in folders and in files differ" for one in (in_folders - in_files) + (in_files - in_folders)
    ]
