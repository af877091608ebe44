"""What the double's machines show when they are started: agent, screen, serial log, in time."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from azure.core.exceptions import HttpResponseError
from azure_double import compute, disk_file

from bootmend.clouds.azure.simulate.double import Double
from bootmend.screens import Kind, read_screen, read_serial_log

PACE = 0.001
"""So slow that nothing happens but by skipping."""


@pytest.fixture
def double(tmp_path: Path) -> Iterator[Double]:
    disk_file(tmp_path / "disk.vhd")
    with Double(pace=PACE) as one:
        yield one


def shown(double: Double, name: str = "web1") -> tuple[str, Any, Any]:
    """(agent's status, what the picture shows, what the serial log tells)."""
    client = compute(double)
    agent = client.virtual_machines.instance_view("lab", name).vm_agent
    links = client.virtual_machines.retrieve_boot_diagnostics_data("lab", name)
    with urlopen(links.console_screenshot_blob_uri) as picture, urlopen(links.serial_console_log_blob_uri) as log:
        assert picture.headers["Last-Modified"]
        screen = read_screen(picture.read()) if shutil.which("tesseract") else None
        serial = read_serial_log(log.read().decode())
    return agent.statuses[0].display_status if agent else "", screen, serial


def test_a_good_machine_comes_up(double: Double, tmp_path: Path) -> None:
    double.add_vm("web1", disk=tmp_path / "disk.vhd")
    assert double.vm("web1").phase == "firmware"
    double.skip(10)
    status, screen, _ = shown(double)
    assert (double.vm("web1").phase, status) == ("booting", "Not Ready")
    assert screen is None or screen.stop is None
    double.skip(100)
    status, screen, serial = shown(double)
    assert (status, serial.kind) == ("Ready", Kind.RUNNING)
    assert screen is None or (screen.kind, screen.stop) == (Kind.OTHER, None)


def test_a_stop_is_on_the_screen_and_in_the_log(double: Double, tmp_path: Path) -> None:
    stop = {"kind": "always", "state": "stop", "stop": "0x7B", "name": "INACCESSIBLE_BOOT_DEVICE"}
    double.add_vm("web1", disk=tmp_path / "disk.vhd", boots=stop)
    double.skip(100)
    status, screen, serial = shown(double)
    assert (status, serial.stop) == ("Not Ready", 0x7B)
    assert screen is None or (screen.kind, screen.stop) == (Kind.STOP, 0x7B)


def test_the_boot_manager_says_what_it_misses(double: Double, tmp_path: Path) -> None:
    missing = {"kind": "always", "state": "boot_manager", "status": "0xc000000f", "file": "\\Boot\\BCD"}
    double.add_vm("web1", disk=tmp_path / "disk.vhd", boots=missing)
    double.skip(100)
    _, screen, serial = shown(double)
    assert (serial.kind, serial.status) == (Kind.BOOT_MANAGER, 0xC000000F)
    assert screen is None or (screen.kind, screen.status) == (Kind.BOOT_MANAGER, 0xC000000F)


def test_what_was_before_the_start_may_be_seen_for_a_while(double: Double, tmp_path: Path) -> None:
    stop = {"state": "stop", "stop": "0x5A", "name": "CRITICAL_SERVICE_FAILED", "lag": 300}
    turns = {"kind": "in turn", "outcomes": [{"state": "ready"}, stop]}
    machine = double.add_vm("web1", disk=tmp_path / "disk.vhd", boots=turns, running=False)
    client = compute(double)
    _start(client, double)
    assert shown(double)[0] == "Ready"
    client.virtual_machines.begin_deallocate("lab", "web1", polling=False)
    double.skip(100)
    _start(client, double)
    assert machine.phase == "stop"
    agent = client.virtual_machines.instance_view("lab", "web1").vm_agent.statuses[0]
    assert agent.display_status == "Ready"
    double.skip(300)
    now = client.virtual_machines.instance_view("lab", "web1").vm_agent.statuses[0]
    assert now.display_status == "Not Ready"
    assert (now.time - agent.time).total_seconds() > 300


def test_a_machine_may_come_up_and_stop_later(double: Double, tmp_path: Path) -> None:
    flaky = {"kind": "always", "state": "ready", "then": {"state": "stop", "stop": "0x50", "after": 600}}
    machine = double.add_vm("web1", disk=tmp_path / "disk.vhd", boots=flaky)
    double.skip(100)
    assert machine.phase == "ready"
    double.skip(600)
    assert machine.phase == "stop"


def test_stuck_and_never_ending(double: Double, tmp_path: Path) -> None:
    double.add_vm("stuck", disk=tmp_path / "disk.vhd", boots={"kind": "always", "state": "stuck"})
    double.add_vm("slow", disk=tmp_path / "disk.vhd", boots={"kind": "always", "state": "booting"})
    double.add_vm("mute", disk=tmp_path / "disk.vhd", agent=False)
    double.skip(3600)
    assert [double.vm(name).phase for name in ("stuck", "slow", "mute")] == ["stuck", "booting", "ready"]
    views = [compute(double).virtual_machines.instance_view("lab", name) for name in ("stuck", "slow", "mute")]
    assert {view.vm_agent.statuses[0].display_status for view in views} == {"Not Ready"}


def test_a_machine_without_boot_diagnostics_shows_nothing(double: Double, tmp_path: Path) -> None:
    double.add_vm("web1", disk=tmp_path / "disk.vhd", boot_diagnostics=False)
    with pytest.raises(HttpResponseError, match="not enabled"):
        shown(double)


def test_an_oracle_may_be_a_function_of_the_bytes(double: Double, tmp_path: Path) -> None:
    def good(path: Path) -> bool:
        return path.read_bytes().startswith(b"boot sector")

    machine = double.add_vm("web1", disk=tmp_path / "disk.vhd", boots=good)
    double.skip(100)
    assert machine.phase == "ready"
    machine.boots_when(lambda path: not good(path), otherwise={"state": "black"})
    double.skip(100)
    assert machine.phase == "black"


def _start(client: Any, double: Double) -> None:
    client.virtual_machines.begin_start("lab", "web1", polling=False)
    double.skip(100)
    double.vm("web1")  # what is due is done
    double.skip(100)
