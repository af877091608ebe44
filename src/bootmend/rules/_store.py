"""What the rules about the boot store share: the store they may judge, edits of it, and what its screens say."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from bootmend.actions.boot_store import DeleteElement, SetElement
from bootmend.findings import Confidence, Evidence, HiveFile, Prediction, Screen
from bootmend.formats.bcd import (
    BcdObject,
    Device,
    Element,
    ObjectType,
    Store,
    Value,
    element_id,
    encode_value,
    identifier,
)
from bootmend.texts import say
from bootmend.windows.bootentry import DeviceSetting, Leads, device_setting, is_windows_of
from bootmend.windows.installation import Windows
from bootmend.windows.prediction import predict_screen

STATUS_NO_SUCH_DEVICE = 0xC000000E
STATUS_NO_SUCH_FILE = 0xC000000F
STATUS_FILE_INVALID = 0xC0000098
STATUS_REGISTRY_CORRUPT = 0xC000014C
STATUS_NOT_FOUND = 0xC0000225
"""NTSTATUS values by [MS-ERREF]; which of them the boot manager shows for what is said where it is predicted."""


@dataclass(frozen=True, slots=True)
class BootEntry:
    """The default entry of the store that this machine's firmware leads to."""

    windows: Windows
    store: Store
    object: BcdObject
    device: DeviceSetting
    osdevice: DeviceSetting

    @property
    def where(self) -> str:
        return f"{self.store.file} {self.object.name}"

    def text(self, name: str) -> str | None:
        element = self.store.setting(self.object, name)
        return element.value if element is not None and isinstance(element.value, str) else None

    def evidence(self, *names: str) -> Evidence:
        """What the entry says in these elements."""
        shown = [self.object.title] if self.object.title else []
        for name in names:
            element = self.store.setting(self.object, name)
            shown.append(str(element) if element is not None else say("rules_boot.unset", name=name))
        return Evidence(self.where, "; ".join(shown))


def boot_entry(windows: Windows) -> BootEntry | None:
    """The entry that starts the installed Windows: the default one, or else the only one that could be it.

    None where this disk's firmware leads to no store that reads, or where the default entry starts something
    from memory on purpose (Setup, a recovery environment) or a Windows in a virtual disk.
    """
    store = windows.chain.judged
    if store is None:
        return None
    chosen = store.default
    if chosen is not None and device_setting(windows.image, windows.chain, store, chosen, "osdevice").virtual_disk:
        return None  # rules/bcd_virtual_disk.py looks at it
    if chosen is None or not is_installed(windows, store, chosen):
        others = installed_loaders(windows, store)
        own = [loader for loader in others if leads_to(windows, store, loader)] or others
        if len(own) != 1:
            return None
        chosen = own[0]
    device, osdevice = (
        device_setting(windows.image, windows.chain, store, chosen, name) for name in ("device", "osdevice")
    )
    return BootEntry(windows, store, chosen, device, osdevice)


def is_installed(windows: Windows, store: Store, found: BcdObject) -> bool:
    """A loader of a Windows on a disk, and not of one that is run out of an image in memory."""
    if found.type != ObjectType.OS_LOADER:
        return False
    names = ("device", "osdevice")
    return not any(device_setting(windows.image, windows.chain, store, found, name).in_memory for name in names)


def installed_loaders(windows: Windows, store: Store) -> list[BcdObject]:
    """Loaders of an installed Windows, this one or another."""
    return [loader for loader in store.loaders if is_installed(windows, store, loader)]


def leads_to(windows: Windows, store: Store, loader: BcdObject) -> bool:
    """Whether the loader names this very Windows folder."""
    osdevice = device_setting(windows.image, windows.chain, store, loader, "osdevice")
    here = osdevice.partition == windows.volume or osdevice.leads is Leads.FOUND_AT_BOOT
    return here and is_windows_of(store, loader, windows.path)


def holder_of(store: Store, found: BcdObject, name: str) -> BcdObject:
    """The object whose element holds for `found`: itself, or what it inherits from."""
    setting = store.setting(found, name)
    if setting is None or found.elements.get(setting.id) is setting:
        return found
    return next(one for one in store.objects.values() if one.elements.get(setting.id) is setting)


def only_windows(windows: Windows) -> bool:
    """The disk holds no other installation that an entry could mean."""
    return len(windows.chain.installations) == 1


def store_file(windows: Windows) -> HiveFile:
    """The store that the chain reads, for edits."""
    hive = windows.chain.hive
    assert hive is not None
    return HiveFile(hive.volume, hive.path)


def set_element(windows: Windows, object_id: UUID, object_type: int, name: str, value: Value) -> SetElement:
    """The edit that gives an object's element a value, by bcdedit's name of it."""
    number = element_id(name, object_type)
    assert number is not None
    kind, data = encode_value(number, value)
    shown = identifier(value) if isinstance(value, UUID) else str(value)
    if isinstance(value, list):
        shown = " ".join(identifier(one) if isinstance(one, UUID) else str(one) for one in value)
    return SetElement(
        store=store_file(windows), object_id=object_id, element=number, name=name, type=kind, data=data, shown=shown
    )


def set_device(windows: Windows, found: BcdObject, name: str, device: Device) -> SetElement:
    return set_element(windows, found.id, found.type, name, device)


def delete_element(windows: Windows, found: BcdObject, element: Element) -> DeleteElement:
    return DeleteElement(store=store_file(windows), object_id=found.id, element=element.id, name=element.name)


def manager_screen(why: str, confidence: Confidence, status: int | None, image: str | None = None) -> Prediction:
    """The boot manager's own error page."""
    return predict_screen(
        Screen.BOOT_MANAGER, say("rules_boot.manager_words"), why, confidence, status=status, image=image
    )
