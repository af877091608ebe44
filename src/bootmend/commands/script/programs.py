"""Programs a script may name that are not bcdedit, reg or a word for files.

Three kinds: words that do nothing to a disk and are passed over; programs that only check, or grant a
running Windows rights that an offline disk does not ask for, and may be left out (`--fix`); programs
that change what later lines may rely on, so that nothing but a person can say what to do instead.
"""

from __future__ import annotations

_PASSED_OVER = """
echo rem pause cls title color setlocal endlocal chcp timeout ver vol dir type more find findstr tree hostname
whoami where prompt mode verify break ping
"""
PASSED_OVER = frozenset(_PASSED_OVER.split())
ENDS = "exit"
SETS = "set"

_SKIPPED = """
sfc chkdsk verifier takeown icacls cacls defrag shutdown gpupdate mountvol autochk
"""
SKIPPED = frozenset(_SKIPPED.split())
"""Each has its sentence, `script.offline_<name>`, or the common one."""

_NOT_HERE = """
bcdboot diskpart bootrec bootsect dism powershell pwsh cmd start net sc wmic regedit robocopy format manage-bde
reagentc wevtutil pnputil fsutil expand makecab cscript wscript rundll32 regsvr32 schtasks subst label convert
compact cipher netsh driverquery tasklist taskkill systeminfo msiexec wusa vssadmin wbadmin bootcfg
"""
NOT_HERE = frozenset(_NOT_HERE.split())

_OWN_SENTENCE = """
sfc chkdsk verifier takeown icacls bcdboot diskpart bootrec dism regedit sc robocopy
"""
OWN_SENTENCE = frozenset(_OWN_SENTENCE.split())
