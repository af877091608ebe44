"""New names, new content and less of both on a FAT volume.

Everything a step needs (names, free clusters, slots) is looked up before its first write, so
a step that is refused has changed nothing. Clusters are overwritten where they are, and the
device is an overlay: a crash is the journal's business, not ours.
"""

from __future__ import annotations

import struct

from bootmend.errors import Misuse, Refused
from bootmend.texts import say
from bootmend.volumes.fat.check import find_damage
from bootmend.volumes.fat.directory import SLOT, Directory, Record, pack_record
from bootmend.volumes.fat.names import alias, check_name, fold, long_slots
from bootmend.volumes.fat.reader import FatReader
from bootmend.volumes.fat.times import dos_now
from bootmend.volumes.volume import ARCHIVE, DIRECTORY, SETTABLE

_MOST_BYTES = 0xFFFFFFFF


class FatWriter:
    """The writing half of a volume. Refused if the volume is damaged: only a sound one may be changed."""

    def __init__(self, reader: FatReader) -> None:
        self._reader = reader
        self._geometry = reader.geometry
        self._table = reader.table
        self._device = reader.device
        damage = find_damage(reader)
        if damage:
            raise Refused(say("volumes.fat_damaged", volume=reader.name, what=damage[0]), say("volumes.run_chkdsk"))

    def create(self, path: str, data: bytes) -> None:
        folder, _, name = self._new_place(path)
        self._check_size(data)
        moment = dos_now()
        slots = self._slots(folder, name, pack_record(bytes(11), ARCHIVE, 0, 0, moment))
        clusters = self._grow(folder, len(slots), self._count(data))
        self._table.link(clusters)
        self._put(clusters, data)
        slots[-1] = _with_content(slots[-1], clusters, len(data))
        folder.insert(slots)
        folder.save()

    def mkdir(self, path: str) -> None:
        folder, trail, name = self._new_place(path)
        moment = dos_now()
        slots = self._slots(folder, name, pack_record(bytes(11), DIRECTORY, 0, 0, moment))
        clusters = self._grow(folder, len(slots), 1)
        self._table.link(clusters)
        above = trail[-1].first_cluster if len(trail) > 1 else 0  # ".." of a folder in the root is 0 on every FAT
        own = pack_record(b".".ljust(11), DIRECTORY, clusters[0], 0, moment)
        self._put(clusters, own + pack_record(b"..".ljust(11), DIRECTORY, above, 0, moment))
        slots[-1] = _with_content(slots[-1], clusters, 0)
        folder.insert(slots)
        folder.save()

    def replace(self, path: str, data: bytes) -> None:
        """On the clusters the file has; more at the end, or fewer, as it needs."""
        record = self._reader.file(path)
        self._check_size(data)
        folder = self._reader.directory(self._reader.trail(path)[-2])
        old = self._owned(record)
        count = self._count(data)
        fresh = self._table.find_free(max(count - len(old), 0))
        self._table.link(fresh, old[-1] if old else 0)
        if count < len(old):
            self._table.free(old[count:], old[count - 1] if count else 0)
        clusters = (old + fresh)[:count]
        self._put(clusters, data)
        folder.rewrite(record, _with_time(_with_content(record.raw, clusters, len(data)), dos_now()))
        folder.save()

    def delete(self, path: str) -> None:
        """A file, or an empty folder."""
        trail = self._reader.trail(path)
        if len(trail) == 1:
            raise Misuse(say("volumes.not_the_root"))
        record = trail[-1]
        if record.directory and self._reader.directory(record).records():
            raise Refused(say("volumes.not_empty", path=f"{self._reader.name}{path}"))
        folder = self._reader.directory(trail[-2])
        clusters = self._owned(record)
        folder.erase(record)
        folder.save()
        self._table.free(clusters)

    def rename(self, path: str, new_path: str) -> None:
        """Moves the record; the content stays where it is. A folder's ``..`` follows it."""
        trail = self._reader.trail(path)
        record = trail[-1]
        above, _, name = new_path.rstrip("\\").rpartition("\\")
        new_trail = self._reader.trail(above)
        if len(trail) == 1:
            raise Misuse(say("volumes.not_the_root"))
        if any(one.directory and one.first_cluster == record.first_cluster for one in new_trail[1:]):
            raise Misuse(say("volumes.into_itself", path=f"{self._reader.name}{path}"))
        check_name(name)
        target = self._reader.folder(above)
        same = new_trail[-1].first_cluster == trail[-2].first_cluster
        source = target if same else self._reader.directory(trail[-2])
        twin = self._reader.lookup(target, name)
        if twin is not None and not (same and twin.slots == record.slots):
            raise Misuse(say("volumes.exists", path=f"{self._reader.name}{new_path}"))
        source.erase(record)
        slots = self._slots(target, name, record.raw)
        self._grow(target, len(slots), 0)
        target.insert(slots)
        target.save()
        if not same:
            source.save()
        if record.directory and not same:
            above_cluster = new_trail[-1].first_cluster if len(new_trail) > 1 else 0
            self._repoint(record, above_cluster)

    def set_attributes(self, path: str, attributes: int) -> None:
        trail = self._reader.trail(path)
        if len(trail) == 1:
            raise Misuse(say("volumes.not_the_root"))
        record = trail[-1]
        folder = self._reader.directory(trail[-2])
        kept = record.attributes & ~SETTABLE
        folder.rewrite(record, record.raw[:11] + bytes([kept | attributes & SETTABLE]) + record.raw[12:])
        folder.save()

    def _new_place(self, path: str) -> tuple[Directory, list[Record], str]:
        """The folder that is to hold `path`, the records down to it, and the name."""
        above, _, name = path.rstrip("\\").rpartition("\\")
        folder = self._reader.folder(above)
        check_name(name)
        if self._reader.lookup(folder, name) is not None:
            raise Misuse(say("volumes.exists", path=f"{self._reader.name}{path}"))
        return folder, self._reader.trail(above), name

    def _slots(self, folder: Directory, name: str, raw: bytes) -> list[bytes]:
        """All slots for a record called `name`, with an alias no one in `folder` has."""
        taken = {fold(one) for names in folder.names() for one in names}
        short = alias(name, taken)
        # NT's case flags belong to the old alias.
        return [*long_slots(name, short), short + raw[11:12] + b"\0" + raw[13:]]

    def _grow(self, folder: Directory, slots: int, more: int) -> list[int]:
        """Makes room for `slots` in `folder`, and gives `more` free clusters; Refused before any change."""
        clusters_for_slots = -(-folder.shortage(slots) * SLOT // self._geometry.cluster_size)
        fresh = self._table.find_free(clusters_for_slots + more)
        own, rest = fresh[:clusters_for_slots], fresh[clusters_for_slots:]
        if own:
            start = folder.last_cluster_offset() - self._geometry.data_offset
            self._table.link(own, start // self._geometry.cluster_size + 2)
        for cluster in own:
            offset = self._geometry.cluster_offset(cluster)
            self._device.write(offset, bytes(self._geometry.cluster_size))
            folder.extend(offset, self._geometry.cluster_size)
        return rest

    def _owned(self, record: Record) -> list[int]:
        if record.first_cluster == 0:
            return []
        return self._table.chain(record.first_cluster, self._geometry.clusters)

    def _count(self, data: bytes) -> int:
        return -(-len(data) // self._geometry.cluster_size)

    def _check_size(self, data: bytes) -> None:
        if len(data) > _MOST_BYTES:
            raise Refused(say("volumes.too_large", size=len(data)))

    def _put(self, clusters: list[int], data: bytes) -> None:
        """`data` onto `clusters`, the rest of the last one zeros: it must not show what stood there."""
        size = self._geometry.cluster_size
        for number, cluster in enumerate(clusters):
            piece = data[number * size : (number + 1) * size]
            self._device.write(self._geometry.cluster_offset(cluster), piece.ljust(size, b"\0"))

    def _repoint(self, record: Record, above: int) -> None:
        """Writes `above` into the ``..`` of a moved folder."""
        at = self._geometry.cluster_offset(record.first_cluster) + SLOT
        raw = self._device.read(at, SLOT)
        if raw[:11] == b"..".ljust(11):
            self._device.write(at, _with_cluster(raw, above))


def _with_cluster(raw: bytes, cluster: int) -> bytes:
    high, low = struct.pack("<H", cluster >> 16), struct.pack("<H", cluster & 0xFFFF)
    return raw[:20] + high + raw[22:26] + low + raw[28:]


def _with_content(raw: bytes, clusters: list[int], size: int) -> bytes:
    return _with_cluster(raw, clusters[0] if clusters else 0)[:28] + struct.pack("<I", size)


def _with_time(raw: bytes, moment: tuple[int, int]) -> bytes:
    date, clock = moment
    return raw[:22] + struct.pack("<HH", clock, date) + raw[26:]
