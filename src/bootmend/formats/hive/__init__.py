"""Registry hives: read, bring up to date from their logs, edit, check.

bytes + logs -> recover  -> Recovery      the hive as Windows would load it
bytes        -> Hive     -> Key, Value    reading, lazily; faults become warnings
bytes        -> HiveEditor -> bytes       a few changed bytes, a sound hive again
bytes        -> check    -> CheckReport   every cell accounted for
"""

from bootmend.formats.filetime import moment as from_filetime
from bootmend.formats.hive.bins import walk_bins
from bootmend.formats.hive.blank import new_hive
from bootmend.formats.hive.check import CheckReport, check
from bootmend.formats.hive.editor import HiveEditor
from bootmend.formats.hive.recover import Recovery, RecoveryState, quiet_log, recover
from bootmend.formats.hive.tree import Hive, Key
from bootmend.formats.hive.values import NotANumber, Value, ValueType, filetime, multi_sz, sz

__all__ = [
    "CheckReport",
    "Hive",
    "HiveEditor",
    "Key",
    "NotANumber",
    "Recovery",
    "RecoveryState",
    "Value",
    "ValueType",
    "check",
    "filetime",
    "from_filetime",
    "multi_sz",
    "new_hive",
    "quiet_log",
    "recover",
    "sz",
    "walk_bins",
]
