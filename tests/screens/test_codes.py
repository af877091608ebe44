"""Closed lists: a code is told when it is near one name alone; a whole token, never a part of one."""

from __future__ import annotations

import pytest
from screen_pictures import all_codes

from bootmend.screens.codes import is_status, named, statuses, stop_codes
from bootmend.screens.files import files
from bootmend.screens.votes import Votes


def test_every_published_name_is_its_own_code() -> None:
    assert {name: named(name) for name in all_codes().values()} == {name: code for code, name in all_codes().items()}


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("Stop code: CRITICAL_SERVICE_FAILED", 0x5A),
        ("Stop code: CRITICAL SERVICE FAILED", 0x5A),
        ("Stop codec CRITICAL PROCESS DED", 0xEF),
        ("Stop code: CRITICAL_PROCESS_ DIED", 0xEF),
        ("Stop code: DRIVER IROL NOT LESS OR EQUAL", 0xD1),
        ("StOPCOdeCRITICALPROCESSDIED", 0xEF),
        ("중지 코드: INACCESSIBLE_BOOT_DEVICE", 0x7B),
        ("검색할 수 있습니다. CRITICAL_SERVICE_FAILED", 0x5A),
        ("코드 중지: 중요 서비스 실패", 0x5A),
        ("Code d'arrêt : UNMOUNTABLE_BOOT_VOLUME", 0xED),
        ("online later for this error: HAL_INITIALIZATION_FAILED", 0x5C),
        ("DRIVER_IRQL_NOT_LESS_OR_EQUAL (myfault.sys)", 0xD1),
        ("Stop code: CRITICAL_PROCESS_DIED (0xEF)", 0xEF),
        ("*** STOP: Ox0000007B (0xF78D2524,0xC0000034,0x00000000,0x00000000)", 0x7B),
        ("Stop code: QecO0002e2", 0xC00002E2),
    ],
)
def test_misread_lines_hold_their_code(line: str, code: int) -> None:
    assert list(stop_codes([line])) == [code]


def test_a_code_broken_over_two_lines_is_one() -> None:
    assert 0xCE in stop_codes(["Stop code: DRIVER_UNLOADED_WITHOUT_", "CANCELLING_PENDING_OPERATIONS"])


@pytest.mark.parametrize(
    "line",
    [
        "Stop code: SOMETHING IRQL NOT LESS OR EQUAL",
        "Stop code: XDRIVER IRQL NOT LESS OR EQUAL AT ALL",
        "Stop code: N?FS_FILE_SYSTEM",  # NTFS or NPFS
        "Stop code: SESSION?_INITIALIZATION_FAILED",
        "Stop code: SOMETHING_ELSE_HAPPENED",
        "Stop code: 0x000G00D1",
        "you do not have this disc: contact your administrator",
        "",
        ":",
    ],
)
def test_what_could_be_two_codes_or_none_is_none(line: str) -> None:
    assert list(stop_codes([line])) == []


@pytest.mark.parametrize(
    ("word", "number"),
    [
        ("0xc0000225", 0xC0000225),
        ("Oxc0000225", 0xC0000225),
        ("6xc6066428", 0xC0000428),
        ("CO1A001D", 0xC01A001D),
        ("(0xF78D2524,0xC0000034,0x0)", 0xC0000034),
        ("0xFFFFFFFFC0000428", 0xC0000428),
    ],
)
def test_a_status_is_known_through_its_misread_digits(word: str, number: int) -> None:
    assert list(statuses([f"Status: {word}"])) == [number]


def test_a_known_number_that_a_misread_zero_may_have_made_is_none() -> None:
    """A dotted zero was once read as e on two views: 0xC000000F became a status that nothing shows."""
    assert list(statuses(["Status: 0xc00000ef"])) == []
    assert list(stop_codes(["*** STOP: 0x0000005E (0x0,0x0,0x0,0x0)"])) == []
    assert list(statuses(["Status: 0xc0000043"])) == [0xC0000043]


@pytest.mark.parametrize("word", ["0xc0000f25", "0xD0000225", "0xc000022", "Continue", "0xc00002255"])
def test_a_number_that_is_no_status_is_none(word: str) -> None:
    assert list(statuses([f"Status: {word}"])) == []


@pytest.mark.parametrize(
    ("line", "file"),
    [
        ("What failed: myfault.sys", "myfault.sys"),
        ("What failed: myfault sys", "myfault.sys"),
        ("실패한 항목: storport.sys", "storport.sys"),
        ("File: \\Windows\\systom32\\w inload.exe", "\\windows\\system32\\winload.exe"),
        ("File: \\Boot\\BCD", "\\boot\\bcd"),
        ("File: \\Windows\\system32\\config\\system", "\\windows\\system32\\config\\system"),
        ("DRIVER_IRQL_NOT_LESS_OR_EQUAL (fllecrypt.sys)", "filecrypt.sys"),
        ("What failed: vendor9.sys", "vendor9.sys"),
        ("What failed: usbohci.sys", "usbohci.sys"),
        ("What failed: storvsp.sys", "storvsp.sys"),
        ("What failed: mrxsmb10.sys", "mrxsmb10.sys"),
        ("SERS LHR: filecrypt.sys", "filecrypt.sys"),
        ("T2!: \\Windows\\System32\\drivers\\cng.sys", "\\windows\\system32\\drivers\\cng.sys"),
        ("What failed: fileorypt.sys", "fileorypt.sys"),
        ("What failed: fileerypt.sys", "filecrypt.sys"),
    ],
)
def test_files_are_put_right_by_their_known_names(line: str, file: str) -> None:
    assert list(files([line])) == [file]


@pytest.mark.parametrize("line", ["SERS LHR: vendor9.sys", "see C:\\Windows\\Logs\\Srt\\Trail.txt", "at 10:41 cng"])
def test_behind_words_that_were_not_read_only_a_known_file_counts(line: str) -> None:
    assert list(files([line])) == []


def test_the_name_of_a_file_does_not_announce_one() -> None:
    assert list(files(["4m 8s filecrypt.sys"])) == []


def test_a_stop_code_that_is_a_small_status_too_is_no_status() -> None:
    assert {hex(code) for code in all_codes() if is_status(code)} == set()
    assert is_status(0xC0000428)


def test_two_readings_must_agree_and_none_may_disagree() -> None:
    votes: Votes[int] = Votes()
    assert votes.winner is None
    votes.add([0x5A, 0x5A])
    assert votes.winner is None
    votes.add([0x5A])
    assert votes.winner == 0x5A
    votes.add([0xEF])
    assert votes.winner is None
    assert votes.split
