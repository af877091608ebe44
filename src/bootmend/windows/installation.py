"""One Windows installation: its hives, control set, services, drivers, signatures and copies.

Everything is read when first asked for and kept, so that rules can ask freely. Nothing here
writes.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property

from bootmend.errors import InputError, Missing, ParseError, Refused, Unequipped
from bootmend.findings import HiveFile
from bootmend.formats.hive import Key, Value
from bootmend.formats.pe import HEAD, machine_of
from bootmend.signing.policy import KernelPolicy
from bootmend.signing.verdict import Status
from bootmend.windows.boot_disk import BootDisk
from bootmend.windows.bootchain import BootChain
from bootmend.windows.bootfiles import BootFiles
from bootmend.windows.components import ComponentStore
from bootmend.windows.control_sets import LAST, NEXT, named_by, next_control_set
from bootmend.windows.crash_witness import Crash, last_crash
from bootmend.windows.donor import Given, oem_catalogs
from bootmend.windows.drivers import MAX_IMAGE, AuditedDriver, audit_driver
from bootmend.windows.image import Image, address
from bootmend.windows.loadorder import LoadOrder, waiting
from bootmend.windows.registry import LoadedHive, load_hive
from bootmend.windows.service import Location, Service, Start, locate_image, read_service
from bootmend.windows.signatures import CatalogSet, Signatures
from bootmend.windows.timeline import Timeline
from bootmend.windows.witnesses import hear
from bootmend.windows.witnesses.scene import Scene

MACHINES = {"AMD64": 0x8664, "ARM64": 0xAA64, "X86": 0x14C}
KERNEL = "System32\\ntoskrnl.exe"
EVERYWHERE = frozenset(("acpi", "disk", "mountmgr", "partmgr", "volmgr"))
"""Services of every Windows since Vista, on whatever hardware."""
MOST_DIGITS = 10
"""A build number is a 32-bit number; longer digits are no number of anything."""

MOST_DRIVERS, MOST_DRIVER_BYTES = 2000, 2 << 30
"""What loads at boot, files and their bytes; a large server has 400 of 150 MB. They bound time on a hostile disk."""


@dataclass(frozen=True, slots=True)
class Version:
    """What SOFTWARE says this Windows is; zeros and empty text where it says nothing."""

    product: str = ""
    build: int = 0
    revision: int = 0

    @property
    def text(self) -> str:
        return f"{self.build}.{self.revision}" if self.build else ""


class Windows:
    """A Windows folder on a volume of an image, and what the user gave beside it."""

    def __init__(self, image: Image, volume: int, path: str, chain: BootChain, given: Given) -> None:
        self.image = image
        self.volume = volume
        self.path = path
        self.chain = chain
        """How this machine's firmware gets here, as far as this disk tells."""
        self.given = given

    def where(self, relative: str) -> str:
        """The address of a file below the Windows folder."""
        return address(self.volume, f"{self.path}\\{relative}")

    @property
    def boots_by_default(self) -> bool:
        """The boot store's default entry names this very folder; False also where no store tells."""
        return (self.chain.windows_volume, self.chain.windows_path.lower()) == (self.volume, self.path.lower())

    @cached_property
    def system(self) -> LoadedHive:
        """The SYSTEM hive, replayed in memory where it is dirty."""
        return load_hive(self.image, self.volume, self.system_hive.path)

    @cached_property
    def software(self) -> LoadedHive | InputError:
        """The SOFTWARE hive, or why it cannot be read: then much is unknown, but nothing is wrong with SYSTEM."""
        try:
            return load_hive(self.image, self.volume, f"{self.path}\\System32\\config\\SOFTWARE")
        except InputError as error:
            return error

    def _current_version(self, name: str) -> Value | None:
        if isinstance(self.software, InputError):
            return None
        try:
            key = self.software.hive.key("Microsoft\\Windows NT\\CurrentVersion")
            return key.value(name) if key is not None else None
        except ParseError:
            return None

    @cached_property
    def version(self) -> Version:
        def text(name: str) -> str:
            value = self._current_version(name)
            return value.text if value is not None else ""

        build = text("CurrentBuildNumber") or text("CurrentBuild")
        revision = self._current_version("UBR")
        return Version(
            text("ProductName"),
            int(build) if build.isascii() and build.isdecimal() and len(build) < MOST_DIGITS else 0,
            revision.number if revision is not None and len(revision.data) == 4 else 0,
        )

    @property
    def system_hive(self) -> HiveFile:
        """Where the SYSTEM hive stands, for edits."""
        return HiveFile(self.volume, f"{self.path}\\System32\\config\\SYSTEM")

    @cached_property
    def registry_fault(self) -> InputError | None:
        """Why nothing can be asked of the SYSTEM hive: missing, broken, cut off, or it names no set that is there."""
        try:
            if self.system_loss is not None:
                return self.system_loss
            _ = self.services
        except Unequipped:
            raise
        except InputError as error:
            return error
        return None

    @cached_property
    def system_loss(self) -> ParseError | None:
        """That SYSTEM reads, but has lost a part: it is cut off, or a bin is none and keys that all have went with it.

        What is lacking in such a hive says nothing of the machine.
        """
        if self.system.cut_off is not None:
            return self.system.cut_off
        error = self.system.broken_bin
        if error is None:
            return None
        hive = self.system.hive
        name = named_by(hive, NEXT) or named_by(hive, LAST)
        services = hive.key(f"{name}\\Services") if name else None
        known = {key.name.lower() for key in services.subkeys()} if services is not None else set()
        return None if known >= EVERYWHERE else error

    @cached_property
    def control_set(self) -> str:
        """The name of the set that Windows starts with next, such as ControlSet001; it must exist."""
        return next_control_set(self.system.hive)

    @property
    def last_control_set(self) -> str:
        """The set that `Select\\Current` names: what started it last; there or not, empty where it names none."""
        return named_by(self.system.hive, LAST)

    def control(self, path: str) -> Key | None:
        """A key of the control set that Windows starts with next."""
        return self.system.hive.key(f"{self.control_set}\\{path}")

    @cached_property
    def timeline(self) -> Timeline:
        """What its logs say of its last starts."""
        control = self.control if self.registry_fault is None else lambda _path: None
        return Timeline(hear(Scene(self.image.volume(self.volume), self.volume, self.path, control)))

    @cached_property
    def crash(self) -> Crash | None:
        """What the newest crash dump on this disk tells; None where there is none."""
        return last_crash(self)

    @property
    def hostname(self) -> str:
        """Empty where the registry does not tell."""
        with suppress(InputError):
            key = self.control("Control\\ComputerName\\ComputerName")
            value = key.value("ComputerName") if key is not None else None
            return value.text if value is not None else ""
        return ""

    @cached_property
    def machine_type(self) -> int | None:
        """The PE machine type of this Windows: its kernel's, else by its environment; None where neither tells."""
        with suppress(InputError, Refused):
            head = self.image.volume(self.volume).open(f"{self.path}\\{KERNEL}").read(0, HEAD)
            if (machine := machine_of(head)) in MACHINES.values():
                return machine
        if self.registry_fault is not None:
            return None
        key = self.control("Control\\Session Manager\\Environment")
        value = key.value("PROCESSOR_ARCHITECTURE") if key is not None else None
        return MACHINES.get(value.text.upper()) if value is not None else None

    @cached_property
    def services(self) -> dict[str, Service]:
        """Every service by its name in lower case, in the order of the hive."""
        root = self.control("Services")
        if root is None:
            raise ParseError(self.system.where, 0, f"a key {self.control_set}\\Services")
        path = f"{self.control_set}\\Services"
        return {key.name.lower(): read_service(key, f"{path}\\{key.name}") for key in root.subkeys()}

    @cached_property
    def volume_names(self) -> dict[str, int]:
        """What drivers may call a volume of this disk by: "C:", "VOLUME{GUID}"; all in upper case."""
        names: dict[str, int] = {}
        mounted = self.system.hive.key("MountedDevices")
        for value in mounted.values() if mounted is not None else []:
            name = value.name.rsplit("\\", 1)[-1].upper()
            partition = self.image.mounted_partition(value.data)
            if partition is not None:
                names[name] = partition
        # Its own letter: the boot loader's word, which outlives what MountedDevices says of another disk.
        root = self._current_version("SystemRoot")
        letter = root.text[:2].upper() if root is not None and root.text[1:2] == ":" else "C:"
        names[letter] = self.volume
        return names

    @property
    def letters(self) -> dict[str, int]:
        """Drive letters ("C:") that name a volume of this disk."""
        return {name: number for name, number in self.volume_names.items() if name.endswith(":")}

    def locate(self, service: Service) -> Location:
        return locate_image(service, self.volume, self.path, self.volume_names)

    @cached_property
    def boot_drivers(self) -> list[Service]:
        """Boot-start and system-start drivers in the order in which Windows loads them.

        The boot volume's file system is one of them whatever its Start says, unless it is disabled; drivers that
        Windows itself has turned off for this hardware (StartOverride) are not.
        """
        control = self.control("Control")
        drivers = [
            service
            for service in self.services.values()
            if (service.loads_at_boot and not self.boot_disk.turned_off(service.name)) or self._reads_boot(service)
        ]
        if len(drivers) > MOST_DRIVERS:
            expected = f"at most {MOST_DRIVERS} drivers that load at boot"
            raise ParseError(self.system.where, 0, expected, str(len(drivers)))
        return LoadOrder(control).sort(drivers) if control is not None else drivers

    def _reads_boot(self, service: Service) -> bool:
        here = service.name.lower() == self.boot_disk.file_system
        return here and service.is_driver and service.start not in (None, Start.DISABLED)

    @cached_property
    def _waiting(self) -> dict[str, str]:
        return waiting(self.boot_drivers)

    @cached_property
    def load_ranks(self) -> dict[str, int]:
        """Place in `boot_drivers` by the service's name in lower case."""
        return {service.name.lower(): rank for rank, service in enumerate(self.boot_drivers)}

    @cached_property
    def boot_disk(self) -> BootDisk:
        """What Windows must have loaded to reach the disk it boots from."""
        return BootDisk(self)

    @cached_property
    def boot_files(self) -> BootFiles:
        """Boot manager, loader, kernel, and the libraries that they and the drivers import."""
        return BootFiles(self)

    @cached_property
    def policy(self) -> KernelPolicy:
        """What of the boot settings bears on signatures."""
        return KernelPolicy(
            build=self.version.build,
            testsigning=self.chain.flag("testsigning"),
            nointegritychecks=self.chain.flag("nointegritychecks"),
            machine=self.machine_type or 0,
        )

    @cached_property
    def signatures(self) -> Signatures:
        return Signatures(self.image.volume(self.volume), self.path, self.given.trust, self.policy)

    @cached_property
    def components(self) -> ComponentStore:
        return ComponentStore(self.image.volume(self.volume), self.volume, self.path)

    @cached_property
    def donor_catalogs(self) -> tuple[CatalogSet, dict[str, bytes]]:
        """The donors' third-party catalogs, indexed, and their bytes by address."""
        return oem_catalogs(self.given, self.policy)

    def audit(self, service: Service) -> AuditedDriver:
        """One driver's file and signature."""
        location = self.locate(service)
        try:
            volume = self.image.volume(location.volume) if location.volume is not None else None
        except (InputError, Missing):
            volume = None
        seen = audit_driver(service, location, volume, self.signatures, lambda: self.donor_catalogs)
        name = service.name.lower()
        essential = name in self.boot_disk.essential or self._refused_filter(seen)
        return replace(seen, essential=essential, waits_for=self._waiting.get(name, ""))

    def _refused_filter(self, seen: AuditedDriver) -> bool:
        """Its file is there, but is not taken; one without a file, or with none that is an image, is a bad filter."""
        present = seen.verdict is not None and seen.verdict.status is not Status.NOT_A_DRIVER
        return seen.service.loads_at_boot and present and seen.service.name.lower() in self.boot_disk.filters

    def _prefetch_drivers(self) -> None:
        places = (self.locate(service) for service in self.boot_drivers)
        self.image.volume(self.volume).prefetch(place.path for place in places if place.volume == self.volume)

    @cached_property
    def audited(self) -> list[AuditedDriver]:
        """Every driver of `boot_drivers`, in load order, audited once."""
        found: list[AuditedDriver] = []
        total = 0
        self._prefetch_drivers()
        for service in self.boot_drivers:
            found.append(self.audit(service))
            entry = found[-1].entry
            total += entry.size if entry is not None and entry.size <= MAX_IMAGE else 0
            if total > MOST_DRIVER_BYTES:
                expected = f"drivers of at most {MOST_DRIVER_BYTES} bytes together"
                raise ParseError(self.system.where, 0, expected, f"more, up to {service.name}")
        return found
