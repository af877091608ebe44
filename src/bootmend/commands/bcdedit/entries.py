"""Changes of whole entries: `/create`, `/copy`, `/delete`; what names them follows as bcdedit lets it.

"Adding boot entries" in Microsoft's documentation: the copy of an entry of the boot menu becomes the menu's last
entry. `/delete` takes the entry out of every list and element that names it, unless /nocleanup is given,
and an OS loader's resume entry with it where no other loader uses that.
"""

from __future__ import annotations

from uuid import UUID, uuid4

from bootmend.commands.bcdedit.identifiers import entry, resolve
from bootmend.commands.bcdedit.lines import Copy, Create, Delete, Entries
from bootmend.errors import Misuse, Refused
from bootmend.formats.bcd import WELL_KNOWN, BcdObject, ObjectType, Store, StoreEditor, element_id, identifier
from bootmend.texts import say

DESCRIPTION = 0x12000004
DISPLAY_ORDER = 0x24000001


class EntriesEditor:
    """Edits the entries of one store; each change gives its answer and the notes that belong to it."""

    def __init__(self, store: Store, editor: StoreEditor) -> None:
        self._store = store
        self._editor = editor

    def apply(self, command: Entries) -> tuple[str, list[str]]:
        """Raises Misuse, Missing (no such entry), Refused (a well-known entry without /f)."""
        match command:
            case Create():
                return self._create(command), []
            case Copy():
                return self._copy(command)
            case Delete():
                return say("bcdedit.done"), self._delete(command)

    def _create(self, command: Create) -> str:
        new = resolve(command.target, self._store) if command.target else uuid4()
        if new in self._store.objects:
            raise Misuse(say("bcdedit.entry_exists", id=identifier(new)))
        self._editor.create_object(new, command.object_type)
        if command.description is not None:
            self._editor.set(new, DESCRIPTION, command.description)
        return say("bcdedit.created", id=identifier(new))

    def _copy(self, command: Copy) -> tuple[str, list[str]]:
        found = entry(command.target, self._store)
        if found.type == ObjectType.FIRMWARE_APPLICATION:
            raise Refused(
                say("bcdedit.copy_firmware", word=command.target),
                say("bcdedit.copy_firmware_next", bootmgr="{bootmgr}"),
            )
        new = uuid4()
        self._editor.create_object(new, found.type)
        for number, element in found.elements.items():
            self._editor.set_raw(new, number, element.raw_type, element.raw)
        self._editor.set(new, DESCRIPTION, command.description)
        menu = self._store.display_order
        notes = []
        if found.id in menu and self._store.boot_manager is not None:
            self._editor.set(self._store.boot_manager.id, DISPLAY_ORDER, [*menu, new])
            notes.append(say("bcdedit.copy_in_menu"))
        return say("bcdedit.copied", id=f"{{{new}}}"), notes

    def _delete(self, command: Delete) -> list[str]:
        found = entry(command.target, self._store)
        if (found.id in WELL_KNOWN.values() or found.id == self._store.default_id) and not command.force:
            raise Refused(say("bcdedit.well_known", word=command.target), say("bcdedit.well_known_next"))
        gone = [found.id, *self._lonely_resume(found)] if command.cleanup else [found.id]
        notes = []
        if found.id == self._store.default_id:
            notes.append(say("bcdedit.default_deleted"))
        for object_id in gone:
            self._editor.delete_object(object_id)
            if object_id != found.id:
                notes.append(say("bcdedit.resume_deleted", id=identifier(object_id)))
        if command.cleanup:
            self._forget(gone)
        return notes

    def _lonely_resume(self, found: BcdObject) -> list[UUID]:
        """The resume entry of an OS loader that no other loader names."""
        if found.type != ObjectType.OS_LOADER:
            return []
        resume = _resume_of(found)
        others = [_resume_of(other) for other in self._store.loaders if other.id != found.id]
        if resume is None or resume in others or resume not in self._store.objects:
            return []
        return [resume] if self._store.objects[resume].type == ObjectType.RESUME else []

    def _forget(self, gone: list[UUID]) -> None:
        """Takes deleted entries out of every element that names them."""
        for owner in self._store.objects.values():
            if owner.id in gone:
                continue
            for number, element in owner.elements.items():
                value = element.value
                if isinstance(value, UUID) and value in gone:
                    self._editor.delete(owner.id, number)
                elif isinstance(value, list) and any(each in gone for each in value):
                    kept = [each for each in value if isinstance(each, UUID) and each not in gone]
                    if kept:
                        self._editor.set(owner.id, number, kept)
                    else:
                        self._editor.delete(owner.id, number)


def _resume_of(found: BcdObject) -> UUID | None:
    number = element_id("resumeobject", found.type)
    element = found.elements.get(number) if number is not None else None
    return element.value if element is not None and isinstance(element.value, UUID) else None
