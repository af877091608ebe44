"""Lines as people type them, right ones with what they change, wrong ones with exit code and message."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from bcdedit_desk import Machine, machine, words_of

from bootmend.commands.bcdedit import parse_line
from bootmend.errors import BootmendError, Misuse


@pytest.fixture(scope="module")
def uefi() -> Iterator[Machine]:
    with machine(2) as found:
        yield found


RIGHT = [
    # line, entry, element, what /enum shows afterwards
    ("/set {bootmgr} displaybootmenu yes", "{bootmgr}", "displaybootmenu", "Yes"),
    ("/set {bootmgr} timeout 10", "{bootmgr}", "timeout", "10"),
    ("/set {bootmgr} bootems yes", "{bootmgr}", "bootems", "Yes"),
    ("/ems {default} ON", "{default}", "ems", "Yes"),
    ("/ems {LOADER} off", "{default}", "ems", "No"),
    ("/ems on", "{default}", "ems", "Yes"),
    ("/emssettings EMSPORT:1 EMSBAUDRATE:115200", "{emssettings}", "emsport", "1"),
    ("/emssettings EMSPORT:1 EMSBAUDRATE:115200", "{emssettings}", "emsbaudrate", "115200"),
    ("/emssettings emsport:2", "{emssettings}", "emsport", "2"),
    ("/emssettings bios", "{emssettings}", "emsport", "-"),
    ("/emssettings BIOS", "{emssettings}", "bootems", "No"),
    ("/set {default} safeboot minimal", "{default}", "safeboot", "Minimal"),
    ("/set {default} safeboot network", "{default}", "safeboot", "Network"),
    ("/set {default} safeboot DsRepair", "{default}", "safeboot", "DsRepair"),
    ("/set {default} safeboot 1", "{default}", "safeboot", "Network"),
    ("/set safeboot network", "{default}", "safeboot", "Network"),
    ("bcdedit /set {DEFAULT} SafeBoot NETWORK", "{default}", "safeboot", "Network"),
    ("bcdedit.exe -set {default} safeboot network", "{default}", "safeboot", "Network"),
    ("/set {default} safebootalternateshell on", "{default}", "safebootalternateshell", "Yes"),
    ("/deletevalue {default} nx", "{default}", "nx", "-"),
    ("/deletevalue nx", "{default}", "nx", "-"),
    ("/deletevalue {default} custom:25000020", "{default}", "nx", "-"),
    ("/set {bootmgr} default {LOADER}", "{bootmgr}", "default", "{default}"),
    ("/set {bootmgr} nointegritychecks on", "{bootmgr}", "nointegritychecks", "Yes"),
    ("/set {bootmgr} integrityservices disable", "{bootmgr}", "integrityservices", "Disable"),
    ("/set {bootmgr} integrityservices enable", "{bootmgr}", "integrityservices", "Enable"),
    ("/set {default} integrityservices default", "{default}", "integrityservices", "Default"),
    ("/set {default} bootlog yes", "{default}", "bootlog", "Yes"),
    ("/set {default} bootlog true", "{default}", "bootlog", "Yes"),
    ("/set {default} bootlog 1", "{default}", "bootlog", "Yes"),
    ("/set {default} bootlog FALSE", "{default}", "bootlog", "No"),
    ("/set {default} bootlog 0", "{default}", "bootlog", "No"),
    ("/set {default} bootstatuspolicy displayallfailures", "{default}", "bootstatuspolicy", "DisplayAllFailures"),
    ("/set {default} bootstatuspolicy IgnoreAllFailures", "{default}", "bootstatuspolicy", "IgnoreAllFailures"),
    ("/set {default} testsigning off", "{default}", "testsigning", "No"),
    ("/set testsigning on", "{default}", "testsigning", "Yes"),
    ("/set {default} recoveryenabled no", "{default}", "recoveryenabled", "No"),
    ("/set {default} nx AlwaysOff", "{default}", "nx", "AlwaysOff"),
    ("/set {default} hypervisorlaunchtype auto", "{default}", "hypervisorlaunchtype", "Auto"),
    ("/set hypervisorlaunchtype off", "{default}", "hypervisorlaunchtype", "Off"),
    ("/set {default} bootmenupolicy legacy", "{default}", "bootmenupolicy", "Legacy"),
    ("/set {default} custom:250000c2 0", "{default}", "bootmenupolicy", "Legacy"),
    ("/set {default} custom:260000ff on", "{default}", "custom:260000ff", "Yes"),
    ("/set {default} custom:2500ABCD 0x10", "{default}", "custom:2500abcd", "16"),
    ("/set {default} custom:2700abcd 1 0x20", "{default}", "custom:2700abcd", "1 32"),
    ("/set {default} truncatememory 0x10000000", "{default}", "truncatememory", "0x10000000"),
    ("/set {badmemory} badmemorylist 0x1000 0x1234", "{badmemory}", "badmemorylist", "0x1000 0x1234"),
    ("/set {default} numproc 4", "{default}", "numproc", "4"),
    ('/set {default} description "Windows Server 2022"', "{default}", "description", "Windows Server 2022"),
    ("/set {default} description 윈도우", "{default}", "description", "윈도우"),
    ("/set {default} path \\Windows\\system32\\winload.exe", "{default}", "path", "\\Windows\\system32\\winload.exe"),
    ("/set {default} loadoptions /DDISABLE", "{default}", "loadoptions", "/DDISABLE"),
    ("/set {default} loadoptions -x", "{default}", "loadoptions", "-x"),
    ("/set {default} device partition=C:", "{default}", "device", "partition=C:"),
    ("/set {default} osdevice boot", "{default}", "osdevice", "boot"),
    ("/set {default} osdevice PARTITION=c:", "{default}", "osdevice", "partition=C:"),
    (
        "/set {default} device partition=\\Device\\HarddiskVolume1",
        "{default}",
        "device",
        "partition=\\Device\\HarddiskVolume1",
    ),
    ("/set {default} device locate", "{default}", "device", "locate=custom:12000002"),
    ("/set {default} osdevice locate", "{default}", "osdevice", "locate=custom:22000002"),
    ("/set {default} device locate=\\Windows\\x", "{default}", "device", "locate=\\Windows\\x"),
    (
        "/set {default} device ramdisk=[C:]\\sources\\boot.wim,{ramdiskoptions}",
        "{default}",
        "device",
        "ramdisk=[C:]\\sources\\boot.wim,{ramdiskoptions}",
    ),
    ("/set {default} device file=[boot]\\a.img", "{default}", "device", "file=[boot]\\a.img"),
    (
        "/set {default} osdevice vhd=[C:]\\vm.vhdx",
        "{default}",
        "osdevice",
        "vhd=[C:]\\vm.vhdx,locate=custom:22000002",
    ),
    (
        "/set {default} device vhd=[locate]\\vm.vhdx,locate=custom:12000002",
        "{default}",
        "device",
        "vhd=[locate]\\vm.vhdx,locate=custom:12000002",
    ),
    ("/set {default} resumeobject {RESUME}", "{default}", "resumeobject", "RESUME"),
    ("/default {LOADER}", "{bootmgr}", "default", "{default}"),
    ("/timeout 5", "{bootmgr}", "timeout", "5"),
    ("/timeout 0x1e", "{bootmgr}", "timeout", "30"),
    ("/displayorder {memdiag} {LOADER}", "{bootmgr}", "displayorder", "{memdiag} {default}"),
    ("/displayorder {memdiag} /addlast", "{bootmgr}", "displayorder", "{default} {memdiag}"),
    ("/displayorder {memdiag} /addfirst", "{bootmgr}", "displayorder", "{memdiag} {default}"),
    ("/displayorder {default} /remove", "{bootmgr}", "displayorder", "-"),
    ("/displayorder {default} {default}", "{bootmgr}", "displayorder", "{default}"),
    ("/set {bootmgr} displayorder {memdiag} /addfirst", "{bootmgr}", "displayorder", "{memdiag} {default}"),
    ("/set {fwbootmgr} displayorder {bootmgr} /addfirst", "{fwbootmgr}", "displayorder", "{bootmgr}"),
    ("/toolsdisplayorder {memdiag} /remove", "{bootmgr}", "toolsdisplayorder", "-"),
    ("/bootsequence {memdiag}", "{bootmgr}", "bootsequence", "{memdiag}"),
    ("/bootems {bootmgr} ON", "{bootmgr}", "bootems", "Yes"),
    ("/bootems {emssettings} on", "{emssettings}", "bootems", "Yes"),
    ("/debug on", "{default}", "debug", "Yes"),
    ("/debug {default} OFF", "{default}", "debug", "No"),
    ("/bootdebug {bootmgr} on", "{bootmgr}", "bootdebug", "Yes"),
    ("/event ON", "{default}", "event", "Yes"),
    ("/event {LOADER} off", "{default}", "event", "No"),
    ("/dbgsettings serial debugport:1 baudrate:115200", "{dbgsettings}", "baudrate", "115200"),
    ("/dbgsettings SERIAL DEBUGPORT:2", "{dbgsettings}", "debugport", "2"),
    ("/dbgsettings 1394 CHANNEL:32", "{dbgsettings}", "debugtype", "1394"),
    ("/dbgsettings local", "{dbgsettings}", "debugtype", "Local"),
    ("/dbgsettings usb targetname:U1", "{dbgsettings}", "targetname", "U1"),
    ("/dbgsettings net hostip:192.168.1.2 port:50000 key:1.2.3.4", "{dbgsettings}", "hostip", "192.168.1.2"),
    ("/dbgsettings net hostip:10.0.0.1 port:50000 key:1.2.3.4 nodhcp", "{dbgsettings}", "dhcp", "No"),
    ("/dbgsettings net hostip:10.0.0.1 port:50000 key:1.2.3.4", "{dbgsettings}", "key", "1.2.3.4"),
    ("/dbgsettings serial /start active /noumex", "{dbgsettings}", "debugstart", "Active"),
    ("/hypervisorsettings serial debugport:2", "{hypervisorsettings}", "hypervisordebugport", "2"),
    (
        "/hypervisorsettings net hostip:10.0.0.1 port:50000 busparams:0.25.0",
        "{hypervisorsettings}",
        "hypervisorbusparams",
        "0.25.0",
    ),
    ("/create {ramdiskoptions} /d Options", "{ramdiskoptions}", "description", "Options"),
    ("/create {ntldr} /d XP", "{ntldr}", "description", "XP"),
    (
        "/create {11111111-2222-4333-8444-555555555555} /d New /application osloader",
        "{11111111-2222-4333-8444-555555555555}",
        "description",
        "New",
    ),
    ("/delete {memdiag} /f", "{bootmgr}", "toolsdisplayorder", "-"),
    ("/delete {memdiag} /f /nocleanup", "{bootmgr}", "toolsdisplayorder", "{memdiag}"),
    ("/delete {RESUME}", "{default}", "resumeobject", "-"),
    ("/store F:\\boot\\bcd /set {default} safeboot network", "{default}", "safeboot", "Network"),
    ("/store s:/EFI/Microsoft/Boot/BCD /timeout 3", "{bootmgr}", "timeout", "3"),
    ("/timeout 3 /store 1:\\EFI\\Microsoft\\Boot\\BCD", "{bootmgr}", "timeout", "3"),
    ("/store \\Device\\HarddiskVolume1\\EFI\\Microsoft\\Boot\\BCD /timeout 3", "{bootmgr}", "timeout", "3"),
]

WRONG = [
    # line, exit code, what the message must say
    ("/set {current} safeboot minimal", 3, "no Windows is running"),
    ("/default {current}", 3, "{default}"),
    ("/displayorder {default} {current}", 3, "{current}"),
    ("/deletevalue {current} safeboot", 3, "{current}"),
    ("/set {default} default {current}", 3, "{current}"),
    ("/ems {<BOOT LOADER IDENTIFIER>} ON", 2, "{<BOOT LOADER IDENTIFIER>} is a placeholder"),
    ("/set {bootmgr} default {<IDENTIFIER OF THE WINDOWS BOOT LOADER>}", 2, "placeholder"),
    ("/set <id> safeboot minimal", 2, "<id> is a placeholder"),
    (
        "/store <OS DISK LETTER>:\\boot\\bcd /set {default} bootlog yes",
        2,
        "<OS DISK LETTER>:\\boot\\bcd is a placeholder",
    ),
    ("/store <OS DISK you attached>:\\boot\\bcd /enum", 2, "drive letter"),
    ("/store F: boot\\bcd /set {default} safeboot minimal", 2, "F:\\boot\\bcd"),
    ("/set {default} integrityservicesenable", 2, "integrityservicesenable: the value is missing"),
    ("/set {default}", 2, "/set needs an element"),
    ("/set", 2, "/set needs an element"),
    ("/sett {default} safeboot minimal", 2, "Did you mean set?"),
    ("/deletvalue {default} safeboot", 2, "Did you mean deletevalue?"),
    ("/enumerate", 2, "no command /enumerate"),
    ("set {default} safeboot minimal", 2, "Did you mean set?"),
    ("enum", 2, "enum is no command"),
    ("/enum loaders", 2, "loaders is no type"),
    ("/enum all extra", 2, "extra"),
    ("/enum {12345678-1234-1234-1234-123456789abc}", 4, "{12345678-1234-1234-1234-123456789abc}"),
    ("/enum {bootmger}", 2, "Did you mean {bootmgr}?"),
    ("/set {defualt} safeboot minimal", 2, "Did you mean {default}?"),
    ("/set bootmgr timeout 5", 2, "Did you mean {bootmgr}?"),
    ("/set default safeboot minimal", 2, "Did you mean {default}?"),
    ("/default bootmgr", 2, "{bootmgr}"),
    ("/default 9dea862c-5cdd-4e70-acc1-f32b344d4795", 2, "{9dea862c-5cdd-4e70-acc1-f32b344d4795}"),
    ("/set {9dea862c-5cdd-4e70-acc1} timeout 5", 2, "neither a well-known identifier nor a GUID"),
    ("/set {bootmgr timeout 5", 2, "{bootmgr is no identifier"),
    ("/set {default} safebot minimal", 2, "Did you mean safeboot?"),
    ("/set {default} nointegritycheks on", 2, "Did you mean nointegritychecks?"),
    ("/set {bootmgr} safeboot minimal", 2, "not an element of {bootmgr} (Windows Boot Manager)"),
    ("/set {bootmgr} osdevice partition=C:", 2, "osdevice is not an element"),
    ("/set {default} displayorder {memdiag}", 2, "displayorder is not an element"),
    ("/set {default} safeboot minimum", 2, "Did you mean minimal?"),
    ("/set {default} safeboot on", 2, "none of Minimal, Network, DsRepair"),
    ("/set {default} nx maybe", 2, "OptIn, OptOut"),
    ("/set {default} bootstatuspolicy displayallfailure", 2, "displayallfailures"),
    ("/set {default} integrityservices off", 2, "Default, Enable, Disable"),
    ("/set {default} bootlog maybe", 2, "on or off"),
    ("/set {default} bootlog enable", 2, "not enable"),
    ("/set {default} bootlog yes please", 2, "one value"),
    ("/set {default} description Windows Server", 2, "quotes"),
    ("/set {bootmgr} timeout ten", 2, "ten"),
    ("/set {bootmgr} timeout -1", 2, "-1"),
    ("/set {default} hypervisorschedulertype classic", 2, "hypervisorschedulertype classic: a whole number"),
    ("/set {bootmgr} timeout 1.5", 2, "1.5"),
    ("/set {bootmgr} timeout 0x", 2, "0x"),
    ("/set {default} numproc 99999999999999999999", 2, "64 bits"),
    ("/set {default} numproc 0x1ffffffffffffffff", 2, "64 bits"),
    ("/set {default} custom:2500 5", 2, "custom:2500"),
    ("/set {default} custom:28000001 5", 2, "no format"),
    ("/set {default} custom:zz 5", 2, "custom:zz"),
    ("/set {default} device D:", 2, "no device"),
    ("/set {default} device partition=", 2, "partition"),
    ("/set {default} device partion=C:", 2, "Did you mean partition?"),
    ("/set {default} device partition=Q:", 3, "Q: is not a letter"),
    ("/set {default} device partition=\\Device\\HarddiskVolume9", 2, "no such partition"),
    ("/set {default} device partition=C", 2, "names no partition"),
    ("/set {default} device ramdisk=C:\\boot.wim", 2, "brackets"),
    ("/set {default} device vhd=[C:]\\a.vhd,nonsense", 2, "locate="),
    ("/set {default} device locate=nowhere", 2, "locate="),
    ("/set {default} device ramdisk=[C:]\\a.wim,{current}", 3, "{current}"),
    ("/set {default} resumeobject 5", 2, "braces"),
    ("/set {default} timeout 5 /addfirst", 2, "timeout is not an element"),
    ("/set {bootmgr} timeout 5 /addfirst", 2, "lists of identifiers"),
    ("/set {12345678-1234-1234-1234-123456789abc} bootlog yes", 4, "has no entry"),
    ("/set {ntldr} path \\ntldr", 4, "{ntldr}"),
    ("/deletevalue {default} safeboot", 4, "no element safeboot"),
    ("/deletevalue {default} sefeboot", 2, "safeboot"),
    ("/deletevalue", 2, "name of an element"),
    ("/deletevalue {default} nx now", 2, "now"),
    ("/deletevalue bootmgr timeout", 2, "{bootmgr}"),
    ("/ems {default}", 2, "ON or OFF"),
    ("/ems {default} perhaps", 2, "'perhaps'"),
    ("/ems {bootmgr} on", 2, "Windows boot loaders"),
    ("/ems {default} on on", 2, "too many"),
    ("/bootems on", 2, "/bootems needs the identifier"),
    ("/emssettings EMSPORT", 2, "EMSPORT is not one of"),
    ("/emssettings EMSPORT:x", 2, "EMSPORT:x"),
    ("/emssettings EMSPORT:0", 2, "COM1"),
    ("/emssettings EMSBAUDRATE:9600", 2, "EMSPORT:n"),
    ("/emssettings EMSPORT:1 EMSBAUDRATE:0", 2, "baud rate"),
    ("/emssettings EMSPORT:1 EMSPORT:2", 2, "twice"),
    ("/emssettings EMSPRT:1", 2, "Did you mean emsport?"),
    ("/emssettings BIOS EMSPORT:1", 2, "EMSPORT:1"),
    ("/default", 2, "/default needs"),
    ("/default {emssettings}", 2, "cannot be the default"),
    ("/default {bootmgr}", 2, "cannot be the default"),
    ("/default {12345678-1234-1234-1234-123456789abc}", 4, "the boot manager would stop"),
    ("/default {default} {memdiag}", 2, "{memdiag}"),
    ("/timeout", 2, "seconds"),
    ("/timeout soon", 2, "soon"),
    ("/timeout 4294967296", 2, "4294967296"),
    ("/timeout 5 6", 2, "6"),
    ("/displayorder", 2, "/displayorder needs"),
    ("/displayorder {memdiag} /addmiddle", 2, "/addmiddle"),
    ("/displayorder {memdiag} /remove", 4, "{memdiag} is not in displayorder"),
    ("/displayorder {12345678-1234-1234-1234-123456789abc} /addlast", 4, "has no entry"),
    ("/bootsequence {ntldr}", 4, "{ntldr}"),
    ("/create", 2, "/application, /inherit or /device"),
    ("/create {bootmgr}", 2, "already"),
    ("/create {default} /d x", 2, "{default}"),
    ("/create /d x /application loader", 2, "osloader"),
    ("/create /d x /aplication osloader", 2, "/aplication"),
    ("/create {ntldr} /application resume", 2, "type of its own"),
    ("/create /d", 2, "/d needs a description"),
    ("/copy {default}", 2, "/d"),
    ("/copy /d x", 2, "/copy needs the identifier"),
    ("/copy {default} /d My copy", 2, "copy"),
    ("/copy {ntldr} /d x", 4, "{ntldr}"),
    ("/delete", 2, "/delete needs"),
    ("/delete {bootmgr}", 3, "/f"),
    ("/delete {default}", 3, "/f"),
    ("/delete {ntldr} /f", 4, "{ntldr}"),
    ("/delete {memdiag} /force", 2, "/force"),
    ("/delete {memdiag} /f /cleanup /nocleanup", 2, "exclude each other"),
    ("/export", 2, "/export needs"),
    ("/export a b", 2, "b"),
    ("/import", 2, "/import needs"),
    ("/import /nonexistent/file", 4, "cannot be read"),
    ("/import x /clean", 3, "/clean"),
    ("/createstore c:\\x", 3, "/createstore"),
    ("/sysstore C:", 3, "/sysstore"),
    ("/mirror {default}", 3, "/mirror"),
    ("/dbgsettings parallel", 2, "SERIAL, 1394, USB, NET, LOCAL"),
    ("/dbgsettings serial hostip:1.2.3.4", 2, "hostip:1.2.3.4"),
    ("/dbgsettings net port:50000", 2, "HOSTIP"),
    ("/dbgsettings net hostip:1.2.3 port:50000", 2, "IPv4"),
    ("/dbgsettings net hostip:1.2.3.4 port:5 key:1.2.3.4 newkey", 2, "exclude"),
    ("/hypervisorsettings usb", 2, "SERIAL, 1394, NET"),
    ("/debug maybe", 2, "ON or OFF"),
    ("/event", 2, "ON or OFF"),
    ("/event {memdiag} on", 2, "Windows Memory Tester"),
    ("/eventsettings net hostip:1.2.3.4 port:50000", 3, "/event ON|OFF"),
    ("/dbgsettings net hostip:1.2.3.4 port:5 key:abc", 2, "KEY:abc is no key"),
    ("/dbgsettings net hostip:1.2.3.4 port:5 key:1.2.3.X", 2, "KEY:1.2.3.X is no key"),
    ("/dbgsettings net hostip:1.2.3.4 port:5 key:1.2..3", 2, "KEY:1.2..3 is no key"),
    ("/hypervisorsettings net hostip:1.2.3.4 port:5 key:1.2.3", 2, "KEY:1.2.3 is no key"),
    ("/debug {memdiag} on", 2, "Windows Memory Tester"),
    ("/store", 2, "/store needs"),
    ("/store /enum all", 2, "/store needs"),
    ("/store F: /enum", 2, "names no file"),
    ("/store F:\\nowhere\\bcd /enum", 4, "no such file"),
    ("/store 9:\\EFI\\Microsoft\\Boot\\BCD /enum", 4, "partition"),
    ("/store 1:\\nowhere /timeout 5", 4, "The store this machine boots from is"),
    ("/store \\\\server\\share\\bcd /enum", 2, "another computer"),
    ("/store C:\\Windows\\System32\\config\\SYSTEM /enum", 4, "Objects"),
    ("/store C:\\Windows\\System32\\drivers\\disk.sys /timeout 5", 4, "regf"),
    ("/v /quiet", 2, "/quiet"),
]


@pytest.mark.parametrize(("line", "target", "element", "shown"), RIGHT)
def test_a_line_does_what_it_says(uefi: Machine, line: str, target: str, element: str, shown: str) -> None:
    answer, store = uefi.run(line)
    expected = shown.replace("RESUME", f"{{{uefi.resume}}}")
    assert uefi.shown(store, target, element) == expected
    assert answer.lines
    assert "successfully" in answer.lines[-1]


@pytest.mark.parametrize(("line", "code", "message"), WRONG)
def test_a_wrong_line_says_what_is_wrong(uefi: Machine, line: str, code: int, message: str) -> None:
    with pytest.raises(BootmendError) as raised:
        uefi.run(line)
    said = " ".join(getattr(raised.value, name, "") for name in ("reason", "next_step")).strip() or str(raised.value)
    assert message in said
    assert raised.value.exit_code == code
    assert uefi.session.desk is not None
    assert not any(open_one.changed for open_one in uefi.session.desk._stores.values())


def test_the_table_is_as_long_as_it_should_be() -> None:
    assert len(RIGHT) + len(WRONG) >= 120
    assert 0.4 < len(WRONG) / (len(RIGHT) + len(WRONG)) < 0.65


@pytest.mark.parametrize("generation", [1, 2])
@pytest.mark.parametrize("line", ["/set safeboot network", "/ems on", "/timeout 9", "/copy {default} /d Copy"])
def test_both_generations(generation: int, line: str) -> None:
    with machine(generation) as found:
        answer, store = found.run(line)
        assert answer.place is not None
        assert answer.place.path == ("\\Boot\\BCD" if generation == 1 else "\\EFI\\Microsoft\\Boot\\BCD")
        assert "successfully" in answer.lines[-1]
        assert store != found.store


def test_a_line_without_an_identifier_says_which_entry_it_took(uefi: Machine) -> None:
    answer, _ = uefi.run("/set testsigning on")
    assert any("{current}" in note and str(uefi.default) in note for note in answer.notes)
    answer, _ = uefi.run("/set {default} safeboot network")
    assert answer.notes == []


def test_a_word_that_is_no_text_is_refused() -> None:
    for word in ("\udcff", "a\0b"):
        with pytest.raises(Misuse):
            parse_line(["/set", "{default}", "description", word])


def test_words_are_split_as_programs_get_them() -> None:
    assert words_of('/set {x} description "a b" "c"d') == ["/set", "{x}", "description", "a b", "cd"]


@pytest.mark.parametrize("line", ["/?", "/set /?", "/enum -?", "/? /set", "/store F:\\boot\\bcd /deletevalue /?"])
def test_help_stands_behind_every_word(uefi: Machine, line: str) -> None:
    answer = uefi.session.run(parse_line(words_of(line)))
    assert any("/deletevalue" in each for each in answer.lines)
