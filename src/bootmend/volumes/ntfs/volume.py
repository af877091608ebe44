"""NtfsVolume: NTFS as a Volume; metadata changes go through libntfs-3g.

Both halves see each other only through the device: after each change of the engine the reader's
caches are dropped, and when a record lies beyond the $MFT the reader knows, the engine's session
is ended, because it keeps the growth of the $MFT in memory until then.
"""

from __future__ import annotations

from collections.abc import Callable

from bootmend.errors import InputError, Missing, Refused
from bootmend.texts import say
from bootmend.volumes.ntfs.engine import Session
from bootmend.volumes.ntfs.journal import is_ready, settle_journal
from bootmend.volumes.ntfs.mft import FIRST_USER_RECORD, LOGFILE, FileRecord
from bootmend.volumes.ntfs.reading import NtfsReading
from bootmend.volumes.ntfs.records import STANDARD_INFORMATION
from bootmend.volumes.ntfs.tree import Place, is_good_name
from bootmend.volumes.ntfs.unsettled import Unsettled
from bootmend.volumes.ntfs.wof import TAG
from bootmend.volumes.volume import DIRECTORY, SETTABLE, Elsewhere, Waiting


class NtfsVolume(NtfsReading):
    _unsettled: Unsettled | None = None

    def write_in_place(self, path: str, offset: int, data: bytes) -> None:
        """Raises Waiting where the journal still holds a change that may give the file other clusters."""
        if self._unsettled is None:
            waits = self._journal().state == "unclean"
            self._unsettled = Unsettled(self._mft, self._system_stream(LOGFILE) if waits else None)
        if self._unsettled.holds(self._tree.file(path)):
            raise Waiting(say("ntfs.unsettled", path=f"{self.name}{path}"), say("ntfs.unsettled_next"))
        super().write_in_place(path, offset, data)

    def replace(self, path: str, data: bytes) -> None:
        file = self._changeable(self._existing(path), path)
        if file.directory:
            raise Missing(say("ntfs.is_folder", path=f"{self.name}{path}"))
        tag = self._tree.reparse_tag(file)
        if tag and tag != TAG:
            raise Elsewhere(say("ntfs.is_link", path=f"{self.name}{path}", tag=tag))
        session = self._writing()
        if tag == TAG:
            session.drop_wof(file.base.reference)
        session.write(file.base.reference, data)
        self._forget()

    def create(self, path: str, data: bytes, like: str = "") -> None:
        """Raises InputError where `path` exists, in whatever case."""
        place = self._free(path)
        pattern = self._tree.file(like) if like else None
        session = self._writing()
        security_id = _security_id(pattern) if pattern else 0
        reference = session.create(place.folder.base.reference, place.name, False, security_id)
        if pattern and not security_id:
            session.set_security(reference, session.security(pattern.base.reference))
        if data:
            session.write(reference, data)
        self._forget()

    def mkdir(self, path: str) -> None:
        place = self._free(path)
        self._writing().create(place.folder.base.reference, place.name, True)
        self._forget()

    def delete(self, path: str) -> None:
        """One name; the file goes with its last. Raises Refused for a folder that is not empty."""
        place = self._existing(path)
        file = self._changeable(place, path)
        if file.directory and any(True for _ in self._folders.walk(file)):
            raise Refused(say("ntfs.not_empty", path=f"{self.name}{path}"))
        name = self._tree.long_name(place)
        self._writing().unlink(file.base.reference, place.folder.base.reference, name)
        self._forget()

    def rename(self, path: str, new_path: str) -> None:
        """Raises InputError where `new_path` is another file, or lies inside the folder that is moved."""
        place = self._existing(path)
        file = self._changeable(place, path)
        reference = file.base.reference
        target = self._tree.place(new_path)
        old_name = self._tree.long_name(place)
        if target.entry is not None and target.entry.reference != reference:
            raise InputError(say("ntfs.exists", path=f"{self.name}{new_path}"))
        if not is_good_name(target.name) or reference in target.ancestors:
            raise InputError(say("ntfs.bad_name", path=f"{self.name}{new_path}"))
        if target.folder.base.reference == place.folder.base.reference and target.name == old_name:
            return
        session = self._writing()
        session.link(reference, target.folder.base.reference, target.name)
        session.unlink(reference, place.folder.base.reference, old_name)
        self._forget()

    def set_attributes(self, path: str, attributes: int) -> None:
        kept = self.stat(path).attributes & 0xFFFF & ~(SETTABLE | DIRECTORY)
        self._change(path, lambda session, file: session.set_attributes(file, kept | attributes & SETTABLE))

    def link(self, path: str, new_path: str) -> None:
        """A second name for a file: a hard link."""
        file = self._changeable(self._existing(path), path)
        place = self._free(new_path)
        if file.directory:
            raise InputError(say("ntfs.is_folder", path=f"{self.name}{path}"))
        self._writing().link(file.base.reference, place.folder.base.reference, place.name)
        self._forget()

    def prepare_journal(self, accept_discard: bool, *, to_write: bool = True) -> str:
        """Makes the volume fit for metadata changes, on the device itself: see `journal.py`.

        To be called on an overlay, before the first change; without `to_write` it is for a look only. A sentence
        for the report, empty where nothing was to be done; raises Refused where the log cannot be replayed and may
        not be given up.
        """
        if self._session is not None and self._session.writable:
            return ""
        if not self.writable:
            raise InputError(say("ntfs.read_only", volume=self.name))
        if self._hibernated():
            raise Refused(say("ntfs.hibernated", volume=self.name), say("ntfs.hibernated_next"))
        self.close()
        note = settle_journal(self._mft, self._journal(), accept_discard, to_write=to_write)
        self._unsettled = None
        self._mft.reload()
        self._forget()
        return note

    # What the lab makes disks with.

    def security(self, path: str) -> bytes:
        """The security descriptor, self-relative."""
        reference = self._tree.file(path).base.reference
        return self._engine(writable=False).security(reference)

    def set_security(self, path: str, descriptor: bytes) -> None:
        self._change(path, lambda session, file: session.set_security(file, descriptor))

    def set_times(self, path: str, created: int, modified: int, accessed: int) -> None:
        """FILETIMEs: 100 ns since 1601-01-01 UTC."""
        self._change(path, lambda session, file: session.set_times(file, created, modified, accessed))

    def set_reparse(self, path: str, data: bytes) -> None:
        """A whole reparse point, its header included."""
        self._change(path, lambda session, file: session.set_reparse(file, data))

    def add_stream(self, path: str, name: str, data: bytes) -> None:
        self._change(path, lambda session, file: session.add_stream(file, name, data))

    def make_hole(self, path: str, size: int) -> None:
        """The content becomes `size` zeros that stand nowhere."""
        self._change(path, lambda session, file: session.set_hole(file, size))

    def _change(self, path: str, change: Callable[[Session, int], None]) -> None:
        file = self._changeable(self._existing(path), path)
        change(self._writing(), file.base.reference)
        self._forget()

    def _free(self, path: str) -> Place:
        place = self._tree.place(path)
        if place.entry is not None:
            raise InputError(say("ntfs.exists", path=f"{self.name}{path}"))
        if not is_good_name(place.name):
            raise InputError(say("ntfs.bad_name", path=f"{self.name}{path}"))
        return place

    def _changeable(self, place: Place, path: str) -> FileRecord:
        assert place.entry is not None
        file = self._mft.file(place.entry.reference)
        if file.base.number < FIRST_USER_RECORD:
            raise Refused(say("ntfs.system_file", path=f"{self.name}{path}"))
        return file

    def _writing(self) -> Session:
        """A read-write session; raises Refused where journal or hibernation forbid one."""
        if self._session is None or not self._session.writable:
            self._may_write()
        return self._engine(writable=True)

    def _may_write(self) -> None:
        if not self.writable:
            raise InputError(say("ntfs.read_only", volume=self.name))
        if self._hibernated():
            raise Refused(say("ntfs.hibernated", volume=self.name), say("ntfs.hibernated_next"))
        journal = self._journal()
        if not is_ready(journal):
            raise Refused(
                say("ntfs.journal_waits", volume=self.name, version=journal.version), say("ntfs.journal_next")
            )


def _security_id(file: FileRecord) -> int:
    """The number of the file's security descriptor in $Secure; 0 where it keeps a descriptor of its own."""
    standard = file.first(STANDARD_INFORMATION)
    value = standard.value if standard else None
    return value.u32(0x34) if value is not None and len(value) >= 0x48 else 0
