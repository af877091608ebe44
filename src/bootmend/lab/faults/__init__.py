"""What can be wrong with a lab machine: one fault a file, each a `FAULT`.

A new fault is one new file in this folder; nothing else is edited.
"""

from bootmend.lab.faults.fault import Fault, Outcome
from bootmend.lab.faults.registry import HEALTHY, apply_fault, faults, parse_faults

__all__ = ["HEALTHY", "Fault", "Outcome", "apply_fault", "faults", "parse_faults"]
