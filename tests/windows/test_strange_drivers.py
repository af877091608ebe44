"""Drivers as they stand on other people's disks: every spelling of ImagePath, compacted, linked, cut short."""

from __future__ import annotations

import ctypes
from functools import partial

import pytest
from strange_machines import DRIVERS, SYSTEM, Strange, strange

from bootmend.findings import Severity
from bootmend.formats.hive import Hive
from bootmend.lab.wof_file import compact
from bootmend.volumes.ntfs import NtfsVolume

FILECRYPT = f"{DRIVERS}\\filecrypt.sys"


def move_driver(odd: Strange, path: str) -> None:
    """filecrypt.sys stands at `path` and nowhere else in the Windows folder that runs."""
    data = odd.read(FILECRYPT)

    def change(files: NtfsVolume) -> None:
        parts = path.split("\\")[1:-1]
        for depth in range(1, len(parts) + 1):
            folder = "\\" + "\\".join(parts[:depth])
            if not files.exists(folder):
                files.mkdir(folder)
        files.delete(FILECRYPT)
        files.create(path, data)

    odd.volume(change)


@pytest.mark.parametrize(
    ("image", "path"),
    [
        ("system32/DRIVERS/FILECRYPT.SYS", FILECRYPT),
        ("\\SYSTEMROOT\\SYSTEM32\\DRIVERS\\FileCrypt.sys", FILECRYPT),
        ("\\SystemRoot\\\\System32\\drivers\\filecrypt.sys", FILECRYPT),
        ("\\??\\C:\\Windows\\System32\\drivers\\filecrypt.sys", FILECRYPT),
        ("\\\\?\\C:\\Windows\\System32\\drivers\\filecrypt.sys", FILECRYPT),
        ("\\??\\c:/vendor tools/filecrypt.sys", "\\vendor tools\\filecrypt.sys"),
        ("%systemdrive%\\vendor\\filecrypt.sys", "\\vendor\\filecrypt.sys"),
        ("\\Device\\HarddiskVolume3\\vendor\\filecrypt.sys", "\\vendor\\filecrypt.sys"),
        ("\\??\\GLOBALROOT\\Device\\HarddiskVolume9\\vendor\\filecrypt.sys", "\\vendor\\filecrypt.sys"),
        ("\\ArcName\\multi(0)disk(0)rdisk(0)partition(3)\\vendor\\filecrypt.sys", "\\vendor\\filecrypt.sys"),
        ("  \\SystemRoot\\System32\\drivers\\filecrypt.sys  ", FILECRYPT),
    ],
)
def test_every_spelling_leads_to_the_file(image: str, path: str) -> None:
    with strange() as odd:
        if path != FILECRYPT:
            move_driver(odd, path)
        odd.service("filecrypt", ImagePath=image)
        assert odd.diagnose().findings == []
        odd.damage(path, offset=0x800)
        (cause,) = odd.diagnose().causes
        assert (cause.rule, cause.subject) == ("driver_damaged", "filecrypt.sys")


def test_without_an_image_path_the_service_names_the_file() -> None:
    with strange() as odd:
        odd.service("filecrypt", ImagePath=None)
        assert odd.diagnose().findings == []
        odd.volume(lambda files: files.delete(FILECRYPT))
        (cause,) = odd.diagnose().causes
        assert (cause.rule, cause.subject.lower()) == ("driver_missing", "filecrypt.sys")
        odd.mended()


def test_a_volume_guid_path_leads_where_mounted_devices_says() -> None:
    with strange() as odd:
        devices = Hive.parse(odd.read(SYSTEM), "SYSTEM").key("MountedDevices")
        assert devices is not None
        volumes = [value for value in devices.values() if value.name.startswith("\\??\\Volume{")]
        own = next(v for v in volumes if v.data == devices.value("\\DosDevices\\C:").data)  # type: ignore[union-attr]
        move_driver(odd, "\\vendor\\filecrypt.sys")
        odd.service("filecrypt", ImagePath=f"{own.name}\\vendor\\filecrypt.sys")
        assert odd.diagnose().findings == []


@pytest.mark.parametrize(("start", "kind"), [(0, 1), (1, 1), (1, 2), (0, 8), (1, 8)])
@pytest.mark.parametrize("control", [0, 1, 2, 3])
def test_what_a_damaged_driver_means_follows_error_control(start: int, kind: int, control: int) -> None:
    with strange() as odd:
        odd.service("filecrypt", Start=start, Type=kind, ErrorControl=control)
        odd.damage(FILECRYPT)
        found = odd.diagnose()
        (finding,) = found.findings
        assert finding.severity is (Severity.CAUSE if control == 3 else Severity.RISK)
        assert (found.prediction is not None) == (control == 3)
        assert found.healthy == (control != 3)


@pytest.mark.parametrize("control", [4, 51, 0x80000003])
def test_an_error_control_that_microsoft_does_not_name_is_not_called_critical(control: int) -> None:
    with strange() as odd:
        odd.service("filecrypt", ErrorControl=control)
        odd.damage(FILECRYPT)
        (finding,) = odd.diagnose().findings
        assert finding.severity is Severity.RISK


@pytest.mark.parametrize(
    "image", ["\\\\server\\share\\filecrypt.sys", "%ProgramFiles%\\filecrypt.sys", "..\\filecrypt.sys"]
)
def test_a_path_that_leads_nowhere_for_sure_is_out_of_sight_and_nothing_is_made_there(image: str) -> None:
    with strange() as odd:
        odd.service("filecrypt", ImagePath=image)
        proposal = odd.propose()
        (finding,) = proposal.diagnosis.findings
        assert (finding.rule, finding.severity) == ("driver_out_of_sight", Severity.NOTE)
        assert proposal.rehearsal is None


def test_two_services_of_one_file_are_one_finding_of_the_worse_kind() -> None:
    with strange() as odd:
        odd.service("aaa", Start=1, Type=1, ErrorControl=0, ImagePath="\\SystemRoot\\SYSTEM32\\Drivers\\FILECRYPT.sys")
        odd.service("filecrypt", Start=1, ErrorControl=3)
        odd.damage(FILECRYPT)
        (finding,) = odd.propose().diagnosis.findings
        assert finding.severity is Severity.CAUSE
        odd.mended()


@pytest.mark.parametrize("algorithm", [0, 1, 2, 3])
def test_compacted_drivers_are_read_and_a_damaged_one_is_replaced(algorithm: int) -> None:
    with strange() as odd:
        others = [f"{DRIVERS}\\{name}" for name in ("null.sys", "cdrom.sys", "acpi.sys")]
        for path in (FILECRYPT, *others):
            odd.volume(partial(compact, path=path, algorithm=algorithm))
        assert odd.diagnose().findings == []
        good = odd.read(FILECRYPT)
        odd.volume(lambda files: files.replace(FILECRYPT, good[:0x700] + bytes(64) + good[0x740:]))
        odd.volume(lambda files: compact(files, FILECRYPT, algorithm))
        (cause,) = odd.diagnose().causes
        assert cause.rule == "driver_damaged"
        odd.mended()


def test_a_compacted_driver_whose_stored_form_is_broken_is_replaced() -> None:
    with strange() as odd:
        good = odd.read(FILECRYPT)

        def change(files: NtfsVolume) -> None:
            compact(files, FILECRYPT, 1)
            record = files._mft.stream(files._tree.file(FILECRYPT), 0x80, "WofCompressedData")
            assert record is not None
            record.write(record.size // 2, bytes(0x55 ^ b for b in record.read(record.size // 2, 64)))

        odd.volume(change)
        (cause,) = odd.diagnose().causes
        assert (cause.rule, cause.subject) == ("driver_damaged", "filecrypt.sys")
        proposal = odd.mended()
        assert proposal.rehearsal is not None
        assert good  # the sound copy came from WinSxS; what it must equal is proven by the catalog


def test_a_folder_in_the_drivers_place() -> None:
    with strange() as odd:
        odd.volume(lambda files: files.delete(FILECRYPT))
        odd.volume(lambda files: files.mkdir(FILECRYPT))
        proposal = odd.propose()
        (cause,) = proposal.diagnosis.causes
        assert cause.rule == "driver_missing"
        assert cause.actions == ()
        assert "folder" in " ".join(item.reason for item in cause.skipped)


@pytest.mark.parametrize("size", [0, 1, 63, 600, 5000])
def test_an_emptied_or_cut_driver_is_put_back(size: int) -> None:
    with strange() as odd:
        good = odd.read(FILECRYPT)
        odd.volume(lambda files: files.replace(FILECRYPT, good[:size]))
        found = odd.diagnose()
        assert [cause.rule for cause in found.causes] == ["driver_damaged"]
        assert found.prediction is not None
        odd.mended()


def test_a_driver_that_grew_is_put_back_to_its_size() -> None:
    with strange() as odd:
        good = odd.read(FILECRYPT)
        odd.volume(lambda files: files.replace(FILECRYPT, good + bytes(range(256)) * 300))
        odd.mended()


def test_what_no_hash_covers_is_no_finding() -> None:
    """The checksum field, and bytes inside the certificate table of a driver that a catalog vouches for as well."""
    with strange() as odd:
        path = f"{DRIVERS}\\ACPI.sys"
        data = odd.read(path)
        header = int.from_bytes(data[0x3C:0x40], "little")
        table = int.from_bytes(data[header + 24 + 112 + 32 :][:4], "little")
        odd.damage(path, offset=header + 0x58, length=4)
        assert odd.diagnose().findings == []
        odd.damage(path, offset=table + 200, length=300)
        assert odd.diagnose().findings == []
        odd.damage(path, offset=table, length=8)
        assert odd.diagnose().findings == []


def test_a_driver_with_only_an_embedded_signature_and_a_damaged_body() -> None:
    with strange() as odd:
        path = odd.facts("labmon64.sys").path
        service = odd.facts("labmon64.sys").service
        odd.service(service, ErrorControl=3)
        odd.damage(path)
        proposal = odd.propose()
        (cause,) = proposal.diagnosis.causes
        assert (cause.rule, cause.subject) == ("third_party_boot_driver", "labmon64.sys")
        assert [action.risk for action in cause.actions] == ["disable-driver"]
        assert proposal.rehearsal is None


def test_hard_links_sparse_and_tiny() -> None:
    """A driver with one more name; one with a hole in it; one small enough to stand in its file record."""
    with strange() as odd:
        odd.volume(lambda files: files.link(FILECRYPT, "\\one more name.sys"))
        odd.service("filecrypt", ImagePath="\\??\\C:\\one more name.sys")
        assert odd.diagnose().findings == []
        odd.volume(lambda files: files.make_hole(FILECRYPT, 70_000))
        (cause,) = odd.diagnose().causes
        assert cause.subject == "one more name.sys"
        odd.volume(lambda files: files.replace(FILECRYPT, b"MZ tiny"))
        assert [cause.rule for cause in odd.diagnose().causes] == ["driver_damaged"]


def test_a_driver_named_by_its_short_name_is_known_by_its_long_one() -> None:
    """Old installers wrote 8.3 paths; the copies in WinSxS bear the long name only."""
    with strange() as odd:
        data = odd.read(FILECRYPT)

        def change(files: NtfsVolume) -> None:
            files.delete(FILECRYPT)  # the library gives no short name to a file of several names
            files.create(FILECRYPT, data)
            name, folder = files.stat(FILECRYPT).file_id, files.stat(DRIVERS).file_id
            session = files._writing()
            call = session._library.ntfs_set_ntfs_dos_name
            call.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int]
            inode, parent = session._open(name), session._open(folder)
            assert call(inode, parent, b"FILECR~1.SYS", 12, 0) == 0  # closes both
            files._forget()

        odd.volume(change)
        odd.service("filecrypt", ImagePath="System32\\DRIVERS\\FILECR~1.SYS")
        assert odd.diagnose().findings == []
        odd.damage(FILECRYPT)
        found = odd.diagnose()
        assert [cause.subject for cause in found.causes] == ["filecrypt.sys"]
        assert found.prediction is not None
        assert found.prediction.image == "filecrypt.sys"
        odd.mended()
