"""The command line of `bootmend azure` on a double with small machines, and a helper's program that starts at once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from azure_stage import PACE
from cloud_stage import boots, make_disk
from command_line import Ended, command, said
from helper_program import write_program
from killed_client import killed

from bootmend.clouds.azure.simulate.double import Double
from bootmend.clouds.azure.simulate.machines import Machine

VM = "Microsoft.Compute/virtualMachines"
OLD = "web1_OsDisk_1"


@dataclass
class Stage:
    double: Double
    folder: Path

    def vm(self, name: str = "web1", **settings: Any) -> Machine:
        """It boots once eight bytes of its disk are right."""
        disk = make_disk(self.folder / f"{name}.raw")
        vm = self.double.add_vm(name, disk=disk, **{"boot_diagnostics": False, **settings})
        vm.boots_when(boots)
        return vm

    def azure(self, *words: str) -> Ended:
        return command("azure", *words)

    def done(self, *words: str, code: int = 0) -> dict[str, Any]:
        """The document of a command that ends with this code."""
        ended = command("azure", *words, "--json")
        assert ended.returncode == code, said(ended)
        told: dict[str, Any] = json.loads(ended.stdout)
        return told

    def rows(self, *words: str, code: int = 0) -> dict[str, dict[str, Any]]:
        """The document of a command with several machines, by their names."""
        return {row["name"]: row for row in self.done(*words, code=code)["machines"]}

    def killed_at(self, action: str, *words: str, number: int = 1) -> None:
        """`bootmend azure WORDS`, ended by kill -9 right after its Nth call of such an action took effect."""
        at = killed(self.double, number, lambda seen: action in seen.action, lambda: command("azure", *words))
        assert at, f"it came to its end without {action}"
        self.double.on_call(lambda *_: None)

    def changes_since(self, number: int) -> list[str]:
        """Actions of calls that change something, from the call of that number on."""
        seen = self.double.calls[number:]
        return [one.action for one in seen if one.arm and one.method != "GET" and not one.polling]

    def left(self, kind: str) -> list[str]:
        """What calls made of a kind (disks, snapshots, virtualMachines, ...) and is still there."""
        return [name.partition("/")[2] for name in self.double.leaks() if name.startswith(f"{kind}/")]


@contextmanager
def commands_stage(folder: Path, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> Iterator[Stage]:
    """`settings` are those of the double."""
    archive = write_program(folder)
    for module in ("helper", "batch"):
        monkeypatch.setattr(f"bootmend.clouds.azure.{module}.portable", lambda: archive)
    monkeypatch.setattr("bootmend.clouds.azure.helper.processor", lambda: "x86_64")
    monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))
    with Double(pace=PACE, **settings) as double:
        words = f"{double.url}/?subscription={double.subscription}&pace={PACE}"
        monkeypatch.setenv("BOOTMEND_AZURE_SIMULATOR", words)
        yield Stage(double, folder)
