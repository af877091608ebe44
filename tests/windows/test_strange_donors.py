"""Donors in folders: what tells which build a file belongs to, and which machines it is for."""

from __future__ import annotations

from pathlib import Path

import pytest
from lab_machines import base, trust
from strange_machines import SYSTEM, Strange, strange

from bootmend.disk.container import open_disk
from bootmend.disk.overlay import Overlay
from bootmend.formats.hive import HiveEditor, ValueType, sz
from bootmend.formats.pe import AMD64, ARM64, I386
from bootmend.lab import material
from bootmend.lab.authority import LabAuthority
from bootmend.lab.faults import apply_fault
from bootmend.lab.machine import create
from bootmend.lab.pe_maker import make_driver
from bootmend.lab.signer import sign_image
from bootmend.signing.roots import Trust
from bootmend.windows.discovery import find_windows
from bootmend.windows.donor import FolderDonor, Given
from bootmend.windows.image import Image

VENDOR = LabAuthority.ephemeral("donors")
COMPONENT = "amd64_lab-filecrypt_31bf3856ad364e35_10.0.{build}.2227_none_0123456789abcdef"


def signed_donor(odd: Strange, folder: Path, machine: int = AMD64, build: str = "20348") -> None:
    """A file of the damaged driver's name that only its own, valid signature vouches for."""
    data = make_driver(
        "filecrypt.sys", version=f"10.0.{build}.1", description="?", company="?", machine=machine, seed=7
    )
    folder.mkdir(exist_ok=True)
    (folder / "FileCrypt.sys").write_bytes(sign_image(data, VENDOR.windows))
    odd.given = Given(Trust([base(2).pem.read_bytes(), VENDOR.root_pem]), (FolderDonor(folder),))


def reasons(odd: Strange) -> str:
    (cause,) = odd.diagnose().causes
    assert cause.actions == ()
    return " ".join(item.reason for item in cause.skipped if "FileCrypt.sys" in item.action)


def test_a_version_resource_alone_vouches_for_no_build(tmp_path: Path) -> None:
    with strange(fault="driver-damaged-everywhere") as odd:
        signed_donor(odd, tmp_path)
        assert "component folder" in reasons(odd)


def test_a_component_folder_tells_the_build(tmp_path: Path) -> None:
    with strange(fault="driver-damaged-everywhere") as odd:
        signed_donor(odd, tmp_path / COMPONENT.format(build=20348))
        odd.mended()
        signed_donor(odd, tmp_path / COMPONENT.format(build=17763), build="20348")
        assert "17763" in reasons(odd)


@pytest.mark.parametrize(("machine", "said"), [(I386, "0x014c"), (ARM64, "0xaa64")])
def test_a_file_for_another_machine_is_refused(machine: int, said: str, tmp_path: Path) -> None:
    """Its own signature holds, its name and build are right."""
    with strange(fault="driver-damaged-everywhere") as odd:
        signed_donor(odd, tmp_path / COMPONENT.format(build=20348), machine)
        found = reasons(odd)
        assert said in found or "not_a_driver" in found


def architecture(odd: Strange, word: str | None) -> None:
    key = "ControlSet001\\Control\\Session Manager\\Environment"

    def change(editor: HiveEditor) -> None:
        if word is None:
            editor.delete_value(key, "PROCESSOR_ARCHITECTURE")
        else:
            editor.set_value(key, "PROCESSOR_ARCHITECTURE", ValueType.SZ, sz(word))

    odd.hive(change, SYSTEM)


def machine_type(odd: Strange) -> int | None:
    image = Image(odd.disk)
    try:
        return find_windows(image, odd.given)[0].machine_type
    finally:
        image.close()


@pytest.mark.parametrize("word", ["x86", "ARM64", "nonsense", None])
def test_the_kernel_tells_what_the_machine_is(word: str | None) -> None:
    """A variable of the environment is anybody's to change; the drivers are still for the kernel that runs them."""
    with strange() as odd:
        architecture(odd, word)
        assert machine_type(odd) == AMD64
        assert odd.diagnose().findings == []


@pytest.mark.parametrize(("word", "machine"), [("x86", I386), ("arm64", ARM64), ("AMD64", AMD64), ("IA64", None)])
def test_without_a_kernel_the_environment_tells(word: str, machine: int | None) -> None:
    with strange() as odd:
        architecture(odd, word)
        odd.volume(lambda files: files.replace("\\Windows\\System32\\ntoskrnl.exe", b"MZ"))
        assert machine_type(odd) == machine


@pytest.mark.parametrize("machine", [I386, ARM64])
def test_drivers_for_another_machine_are_not_taken_by_the_kernel(machine: int) -> None:
    """A kernel of another type is put in: none of the drivers beside it would load."""
    with strange() as odd:
        path = "\\Windows\\System32\\ntoskrnl.exe"
        data = bytearray(odd.read(path))
        at = int.from_bytes(data[0x3C:0x40], "little") + 4
        data[at : at + 2] = machine.to_bytes(2, "little")
        odd.volume(lambda files: files.replace(path, bytes(data)))
        found = odd.diagnose()
        assert len(found.causes) > 5
        driver = next(one for one in found.windows.audited if one.image.lower() == "filecrypt.sys")
        assert driver.verdict is not None
        assert driver.verdict.status.value == "not_a_driver"
        assert f"{machine:#06x}" in " ".join(one.what for one in driver.verdict.evidence)


@pytest.mark.parametrize("fault", ["driver-damaged", "catalog-lost"])
def test_a_machine_of_arm64_is_healthy_and_repaired(
    fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every image is for ARM64, while the environment still says AMD64."""
    monkeypatch.setattr(material, "AMD64", ARM64)
    machine = create(tmp_path / "arm64.raw", size=2 << 30, container="raw", catalogs=60)
    manifest = machine.manifest
    with open_disk(str(machine.path)) as disk:
        odd = Strange(Overlay(disk), trust(machine), manifest.windows_partition, manifest)
        assert machine_type(odd) == ARM64
        assert odd.diagnose().findings == []
        apply_fault(odd.disk, fault, manifest)
        assert [cause.subject.lower() for cause in odd.diagnose().causes] == ["filecrypt.sys"]
        odd.mended()
