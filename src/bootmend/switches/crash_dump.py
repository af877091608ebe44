"""crash-dump: the next crash leaves a dump of the kernel's memory in %SystemRoot%\\MEMORY.DMP.

Values by "Overview of memory dump file options for Windows" in Microsoft's documentation. The
article has a kernel dump in one place and a complete one in the other; complete needs room for all
memory and is made only when asked for.
"""

from __future__ import annotations

from bootmend.formats.hive import ValueType, sz
from bootmend.switches.dump_outlook import dump_outlook
from bootmend.switches.machine import Machine
from bootmend.switches.setting import Setting, Stored, dword
from bootmend.switches.switch import Switch

KERNEL, AUTOMATIC, COMPLETE, SMALL = "kernel", "automatic", "complete", "small"
NUMBERS = {KERNEL: 2, AUTOMATIC: 7, COMPLETE: 1, SMALL: 3}
DUMP_FILE = Stored(ValueType.EXPAND_SZ, sz("%SystemRoot%\\MEMORY.DMP"))
CRASH_CONTROL = "Control\\CrashControl"


def _settings(machine: Machine, variant: str) -> list[Setting]:
    found = []
    for control_set in machine.control_sets:
        key = f"{control_set}\\{CRASH_CONTROL}"
        found += [
            Setting(machine.value(key, "CrashDumpEnabled"), dword(NUMBERS[variant]), telling=True, off=(dword(0),)),
            Setting(machine.value(key, "DumpFile"), DUMP_FILE),
            Setting(machine.value(key, "NMICrashDump"), dword(1)),
        ]
    return found


CRASH_DUMP = Switch("crash-dump", tuple(NUMBERS), _settings, lambda _machine: KERNEL, dump_outlook)
