"""What is wrong with a FAT volume, before anything new is written to it.

A cluster that two files own, or a chain that leads nowhere, is harmless to a reader of other
files, but giving such clusters back or out again destroys one of their owners. Clusters that
nobody owns only waste room and are no damage here.
"""

from __future__ import annotations

from bootmend.errors import ParseError
from bootmend.texts import say
from bootmend.volumes.fat.directory import Record
from bootmend.volumes.fat.reader import FatReader

_MOST_TOLD = 20


def find_damage(reader: FatReader) -> list[str]:
    """Sentences, at most 20. Time and memory are bounded by the volume's clusters: each is visited once."""
    found: list[str] = []
    if not reader.table.copies_agree():
        found.append(say("volumes.fat_copies_differ"))
    owned = bytearray(reader.geometry.clusters + 2)
    waiting: list[tuple[str, Record]] = [("", reader.root)]
    while waiting and len(found) < _MOST_TOLD:
        path, record = waiting.pop()
        sound = _claim(reader, path, record, owned, found)
        if not (sound and record.directory):
            continue
        try:
            inside = reader.directory(record).records()
        except ParseError as error:
            found.append(str(error))
            continue
        waiting += [(f"{path}\\{one.name}", one) for one in inside]
    return found


def _claim(reader: FatReader, path: str, record: Record, owned: bytearray, found: list[str]) -> bool:
    """Marks the record's clusters as owned; False, with a sentence, where they cannot be."""
    if record.first_cluster == 0 and (record.size == 0 or record is reader.root):
        if record.directory and record is not reader.root:
            found.append(say("volumes.fat_no_cluster", path=path))
            return False
        return True
    try:
        clusters = reader.table.chain(record.first_cluster, reader.geometry.clusters)
    except ParseError as error:
        found.append(f"{path}: {error}")
        return False
    if len(clusters) * reader.geometry.cluster_size < record.size:
        found.append(say("volumes.fat_short_chain", path=path))
        return False
    if any(owned[cluster] for cluster in clusters):
        found.append(say("volumes.fat_shared_cluster", path=path))
        return False
    for cluster in clusters:
        owned[cluster] = 1
    return True
