"""Nothing is wrong."""

from __future__ import annotations

from bootmend.lab.faults.fault import Fault, Outcome

FAULT = Fault(
    name="healthy",
    description="nothing is wrong: bootmend finds no cause and writes nothing",
    expect=None,
    apply=lambda _: Outcome(),
)
