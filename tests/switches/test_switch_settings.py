"""What each switch sets, where, and on whom: by the facts, not by the program's own tables."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from lab_machines import base
from switch_lab import SYSTEM, Bench, lab_disk

from bootmend.disk.overlay import Overlay
from bootmend.edit import Edit
from bootmend.errors import Missing, Misuse
from bootmend.formats.bcd import WELL_KNOWN, ObjectType, Store, StoreEditor
from bootmend.formats.hive import HiveEditor, ValueType, sz
from bootmend.switches import SWITCHES, Machine, Options, State, Stored, same, standing, switches_named
from bootmend.switches.setting import ElementPlace, ValuePlace
from bootmend.windows.image import Image

MANAGER, EMS, GLOBAL = (WELL_KNOWN[name] for name in ("bootmgr", "emssettings", "globalsettings"))
YES, NO = (3, b"\1"), (3, b"\0")


def integer(number: int) -> tuple[int, bytes]:
    return 3, number.to_bytes(8, "little")


LOADER_DEBUG = {
    0x26000090: YES,
    0x250000E0: integer(0),
    0x16000048: YES,
    0x16000049: NO,
    0x16000009: NO,
    0x1500004B: integer(2),
}

WANTED: dict[tuple[str, str], dict[str, dict[int, tuple[int, bytes]]]] = {
    ("serial-console", "full"): {
        "manager": {0x26000020: YES, 0x25000004: integer(10), 0x16000020: YES},
        "loader": {0x260000B0: YES},
        "ems": {0x15000022: integer(1), 0x15000023: integer(115200)},
    },
    ("serial-console", "minimal"): {
        "manager": {},
        "loader": {0x260000B0: YES},
        "ems": {0x15000022: integer(1), 0x15000023: integer(115200)},
    },
    ("safe-mode", "minimal"): {"loader": {0x25000080: integer(0)}},
    ("safe-mode", "network"): {"loader": {0x25000080: integer(1)}},
    ("safe-mode", "dsrepair"): {"loader": {0x25000080: integer(2)}},
    ("crash-debug", "usual"): {"manager": {}, "loader": LOADER_DEBUG},
    ("crash-debug", "article-exact"): {
        "manager": {0x16000048: YES, 0x1500004B: integer(2)},
        "loader": LOADER_DEBUG,
    },
}


def elements(store: Store, found: UUID) -> dict[int, tuple[int, bytes]]:
    return {number: (one.raw_type, one.raw) for number, one in store.objects[found].elements.items()}


@pytest.mark.parametrize("generation", [1, 2])
@pytest.mark.parametrize("wanted", WANTED, ids=" ".join)
def test_exactly_these_elements_change(generation: int, wanted: tuple[str, str]) -> None:
    with lab_disk(generation) as disk:
        bench = Bench(disk, generation)
        before = bench.machine.store
        assert before.default_id is not None
        bench.on(wanted)
        after = bench.machine.store
        objects = {"manager": MANAGER, "loader": before.default_id, "ems": EMS}
        expected = {found: elements(before, found) for found in before.objects}
        for name, changed in WANTED[wanted].items():
            expected[objects[name]].update(changed)
        assert {found: elements(after, found) for found in after.objects} == expected


@pytest.mark.parametrize(("variant", "number"), [("kernel", 2), ("automatic", 7), ("complete", 1), ("small", 3)])
def test_exactly_these_values_change(variant: str, number: int) -> None:
    with lab_disk(2) as disk:
        bench = Bench(disk, 2)
        expected = bench.system()
        key = "controlset001\\control\\crashcontrol"
        values = {name: (name, kind, data) for name, kind, data in expected[key][1]}
        values["CrashDumpEnabled"] = ("CrashDumpEnabled", 4, bytes([number, 0, 0, 0]))
        values["DumpFile"] = ("DumpFile", 2, "%SystemRoot%\\MEMORY.DMP\0".encode("utf-16-le"))
        values["NMICrashDump"] = ("NMICrashDump", 4, b"\1\0\0\0")
        expected[key] = (expected[key][0], sorted(values.values()))
        store = bench.store()
        bench.on(("crash-dump", variant))
        assert bench.system() == expected
        assert bench.store() == store


def test_crash_debug_sets_two_values_as_well() -> None:
    with lab_disk(2) as disk:
        bench = Bench(disk, 2)
        bench.on(("crash-debug", "usual"))
        values = {name: data for name, _, data in bench.system()["controlset001\\control\\crashcontrol"][1]}
        assert (values["AutoReboot"], values["CrashDumpEnabled"]) == (bytes(4), b"\2\0\0\0")


def with_hive(edit: Callable[[HiveEditor], object], generation: int = 2) -> bytes:
    machine = base(generation)
    with lab_disk(generation) as disk:
        image = Image(disk)
        data = image.read_file(machine.manifest.windows_partition, SYSTEM)
        image.close()
    editor = HiveEditor(data, "SYSTEM")
    edit(editor)
    return editor.finish()


def with_store(edit: Callable[[StoreEditor, Store], object]) -> bytes:
    with lab_disk(2) as disk:
        hive = Bench(disk, 2).machine.windows.chain.hive
        assert hive is not None
    editor = StoreEditor(hive.primary, "BCD")
    edit(editor, Store.parse(hive.primary, "BCD"))
    return editor.finish()


CONTROL = "ControlSet001\\Control\\ProductOptions"
NTDS = "ControlSet001\\Services\\NTDS"


def directory_service(start: int) -> Callable[[HiveEditor], None]:
    def edit(editor: HiveEditor) -> None:
        editor.create_key(NTDS)
        editor.set_value(NTDS, "Start", ValueType.DWORD, bytes([start, 0, 0, 0]))

    return edit


@pytest.mark.parametrize(
    ("edit", "variant"),
    [
        (lambda _: None, "network"),
        (lambda editor: editor.set_value(CONTROL, "ProductType", ValueType.SZ, sz("LanmanNT")), "dsrepair"),
        (lambda editor: editor.set_value(CONTROL, "ProductType", ValueType.SZ, sz("LANMANNT")), "dsrepair"),
        (lambda editor: editor.set_value(CONTROL, "ProductType", ValueType.SZ, sz("WinNT")), "network"),
        (lambda editor: editor.delete_key(CONTROL), "network"),
        (directory_service(2), "dsrepair"),
        (directory_service(4), "network"),
    ],
    ids=["server", "controller", "in capitals", "client", "nothing", "service", "service disabled"],
)
def test_a_domain_controller_is_recognised(edit: Callable[[HiveEditor], object], variant: str) -> None:
    with lab_disk(2, system=with_hive(edit)) as disk:
        machine = Bench(disk, 2).machine
        switch = SWITCHES["safe-mode"]
        assert Options().variant(switch, machine) == variant
        assert Options(mode="minimal").variant(switch, machine) == "minimal"
        told = {one: " ".join(switch.remarks(machine, one)) for one in switch.variants}
        assert "remote desktop" in told["minimal"]
        assert ("domain controller" in told["network"]) == (variant == "dsrepair")
        assert ("no domain controller" in told["dsrepair"]) == (variant == "network")


def test_missing_emssettings_are_made_inherited_and_gone_again() -> None:
    def edit(editor: StoreEditor, store: Store) -> None:
        editor.delete_object(EMS)
        inherit = store.objects[GLOBAL].elements[0x14000006].value
        assert isinstance(inherit, list)
        editor.set(GLOBAL, 0x14000006, [one for one in inherit if isinstance(one, UUID) and one != EMS])

    with lab_disk(2, store=with_store(edit)) as disk:
        bench = Bench(disk, 2)
        before = bench.store()
        assert EMS not in bench.machine.store.objects
        bench.on(("serial-console", "full"))
        store = bench.machine.store
        made = store.objects[EMS]
        assert made.type == ObjectType.SETTINGS
        assert elements(store, EMS) == {0x15000022: integer(1), 0x15000023: integer(115200), 0x16000020: YES}
        manager, loader = store.boot_manager, store.default
        assert manager is not None
        assert loader is not None
        for user in (manager, loader):
            assert store.inherited(user)[0x15000022].value == 1
        bench.on(("serial-console", "full"))
        bench.off("serial-console")
        assert bench.store() == before


def test_made_emssettings_stay_while_somebody_uses_them() -> None:
    with lab_disk(2, store=with_store(lambda editor, _: editor.delete_object(EMS))) as disk:
        bench = Bench(disk, 2)
        bench.on(("serial-console", "minimal"))
        edit = Edit(disk)
        machine = Machine(edit.windows, edit.desk)
        machine.write(machine.element(EMS, "debugport", ObjectType.SETTINGS), Stored(*integer(3)))
        bench.change(edit)
        bench.off("serial-console")
        assert elements(bench.machine.store, EMS) == {0x15000013: integer(3)}


def test_an_integer_of_one_byte_is_what_it_should_be() -> None:
    def edit(editor: StoreEditor, store: Store) -> None:
        assert store.default_id is not None
        editor.set_raw(store.default_id, 0x25000080, 3, b"\1")

    with lab_disk(2, store=with_store(edit)) as disk:
        bench = Bench(disk, 2)
        assert standing(bench.machine, SWITCHES["safe-mode"]).state == State.ON
        before = bench.store()
        assert bench.on(("safe-mode", "network"))[0].changed == []
        assert bench.store() == before
        bench.off("safe-mode")
        assert bench.store() == before
        bench.on(("safe-mode", "minimal"))
        bench.off("safe-mode")
        assert bench.store() == before


def test_the_states() -> None:
    with lab_disk(2) as disk:
        bench = Bench(disk, 2)

        def state(name: str) -> str:
            return standing(bench.machine, SWITCHES[name]).state

        assert {name: state(name) for name in SWITCHES} == {
            "serial-console": "off",
            "crash-dump": "partly",
            "safe-mode": "off",
            "crash-debug": "off",
        }
        edit = Edit(disk)
        machine = Machine(edit.windows, edit.desk)
        machine.write(machine.element(machine.loader, "safeboot"), Stored(*integer(9)))
        machine.write(machine.element(machine.loader, "bootlog"), Stored(*NO))
        machine.write(machine.element(machine.loader, "ems"), Stored(*YES))
        key = "ControlSet001\\Control\\CrashControl"
        machine.write(machine.value(key, "CrashDumpEnabled"), Stored(4, bytes(4)))
        bench.change(edit)
        assert {name: state(name) for name in SWITCHES} == {
            "serial-console": "partly",
            "crash-dump": "off",
            "safe-mode": "other",
            "crash-debug": "off",
        }


def test_without_a_capture_what_the_switch_sets_is_taken_away() -> None:
    with lab_disk(2) as disk:
        bench = Bench(disk, 2)
        default = bench.machine.store.default_id
        bench.on(*((name, switch.variants[-1]) for name, switch in SWITCHES.items()))
        bench.history.clear()
        turned = {one.switch.name: one for one in bench.off(*SWITCHES)}
        assert not any(one.known for one in turned.values())
        assert all("No journal tells" in one.remarks[0] for one in turned.values())
        store = bench.machine.store
        assert store.default_id == default
        assert default is not None
        gone = {0x260000B0, 0x25000080, *LOADER_DEBUG}
        assert not gone & store.objects[default].elements.keys()
        assert not {0x16000048, 0x1500004B} & store.objects[MANAGER].elements.keys()
        assert 0x15000022 not in store.objects[EMS].elements
        values = {name: data for name, _, data in bench.system()["controlset001\\control\\crashcontrol"][1]}
        assert "NMICrashDump" not in values
        assert values["AutoReboot"] == b"\1\0\0\0"
        assert bench.off("safe-mode")[0].changed == []


def test_without_a_capture_what_it_never_sets_is_left_alone() -> None:
    with lab_disk(2) as disk:
        bench = Bench(disk, 2)
        before = bench.store()
        turned = bench.off("serial-console")[0]
        assert turned.changed == []
        assert any("timeout" in one and "left alone" in one for one in turned.remarks)
        assert bench.store() == before


def test_a_loader_that_is_gone_is_said_and_the_rest_comes_back() -> None:
    with lab_disk(2) as disk:
        bench = Bench(disk, 2)
        bench.on(("crash-debug", "usual"))
        edit = Edit(disk)
        machine = Machine(edit.windows, edit.desk)
        old = machine.loader
        store = edit.desk.store(*machine.store_file)
        store.editor.create_object(UUID(int=7), ObjectType.OS_LOADER)
        for number, element in old.elements.items():
            store.editor.set_raw(UUID(int=7), number, element.raw_type, element.raw)
        store.editor.set(MANAGER, 0x23000003, UUID(int=7))
        store.editor.delete_object(old.id)
        bench.change(edit)
        turned = bench.off("crash-debug")[0]
        values = {name: data for name, _, data in bench.system()["controlset001\\control\\crashcontrol"][1]}
        assert (values["AutoReboot"], values["CrashDumpEnabled"]) == (b"\1\0\0\0", b"\7\0\0\0")
        assert any("recoveryenabled" in one and "no longer there" in one for one in turned.remarks)
        assert bench.machine.store.default_id == UUID(int=7)


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (
            lambda editor, _: editor.delete(MANAGER, 0x23000003) and editor.delete(MANAGER, 0x24000001),
            "default one",
        ),
        (lambda editor, store: editor.delete_object(store.default_id), "default one"),
        (lambda editor, _: editor.delete_object(MANAGER), "no boot manager"),
    ],
    ids=["default", "loader", "manager"],
)
def test_a_store_without_a_place_for_the_switch(edit: Callable[[StoreEditor, Store], object], words: str) -> None:
    with lab_disk(2, store=with_store(edit)) as disk, pytest.raises(Missing, match=words):
        Bench(disk, 2).on(("serial-console", "full"))


def test_the_only_loader_of_the_menu_is_the_default_one() -> None:
    """Where the boot manager names none, crash-debug's line makes it so."""
    with lab_disk(2, store=with_store(lambda editor, _: editor.delete(MANAGER, 0x23000003))) as disk:
        bench = Bench(disk, 2)
        before, loader = bench.store(), bench.machine.loader
        bench.on(("crash-debug", "usual"))
        assert bench.machine.store.default_id == loader.id
        bench.off("crash-debug")
        assert bench.store() == before


def test_a_disk_without_a_store() -> None:
    with lab_disk(2) as disk:
        image = Image(disk)
        manifest = base(2).manifest
        image.delete_file(manifest.system_partition, manifest.store)
        image.close()
        with pytest.raises(Missing, match="no BCD store"):
            Bench(Overlay(disk), 2).on(("safe-mode", "network"))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (Options(minimal=True), "--minimal belongs to the switch serial-console"),
        (Options(type="small"), "--type belongs to the switch crash-dump"),
        (Options(article_exact=True), "--article-exact belongs to the switch crash-debug"),
        (Options(mode="fast"), "--mode fast"),
    ],
)
def test_an_option_that_goes_with_nothing_named(options: Options, words: str) -> None:
    Options(mode="minimal").check(switches_named(["safe-mode"]))
    with pytest.raises(Misuse, match=words):
        options.check(switches_named(["safe-mode"]))


def test_a_word_that_is_no_switch() -> None:
    assert [one.name for one in switches_named(["safe-mode", "crash-dump", "safe-mode"])] == ["safe-mode", "crash-dump"]
    with pytest.raises(Misuse, match="no switch frob"):
        switches_named(["safe-mode", "frob"])


def test_what_means_the_same() -> None:
    element = ElementPlace(1, "\\BCD", MANAGER, 0x25000004, ObjectType.BOOT_MANAGER)
    value = ValuePlace(1, "\\SYSTEM", "Key", "Name")
    text = Stored(1, sz("text"))
    assert same(element, Stored(3, b"\x0a"), Stored(*integer(10)))
    assert not same(element, Stored(3, b"\x0b"), Stored(*integer(10)))
    assert not same(element, None, Stored(*integer(0)))
    assert same(element, None, None)
    assert same(value, text, Stored(1, sz("text")[:-2]))
    assert not same(value, text, Stored(2, sz("text")))
    assert not same(value, Stored(4, b"\1"), Stored(4, b"\1\0\0\0"))
