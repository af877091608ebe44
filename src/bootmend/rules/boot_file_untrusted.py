"""The signature of the boot loader, the kernel or a library fits the file, but leads to no root that Windows trusts.

Symptom:  an error screen that names the file, with 0xC0000428 (revoked: 0xC0000603, expired: 0xC0000605).
Cause:    the file was signed by somebody else than Microsoft, or with a certificate that is expired or revoked: a
          patched system file, a file of a test build, a copy from elsewhere.
Evidence: the signer, and where its chain ends.
Repair:   a sound copy that this machine's catalogs or Microsoft's signature vouch for, if the disk has one.
Not done: where all of boot loader and kernel are signed by the same hand, it is a build of its own (a preview, a
          test build) that may well start: that is told as a risk. A boot manager is only told: firmware
          without Secure Boot starts any. Nothing is trusted because of something on the disk.
By hand:  `sfc /scannow /offbootdir=D:\\ /offwindir=D:\\Windows`
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bootmend.findings import Evidence, Finding, Severity, Skipped, Station
from bootmend.rules._boot_files import boot_file_finding, with_sound_copy
from bootmend.texts import say
from bootmend.windows.bootfiles import BootFile, Role
from bootmend.windows.drivers import Trouble
from bootmend.windows.installation import Windows

STATION = Station.KERNEL
NEEDS_REGISTRY = False


def check(windows: Windows) -> Iterator[Finding]:
    own_build: list[BootFile] = []
    for file in windows.boot_files.all:
        if file.trouble is not Trouble.UNTRUSTED:
            continue
        if of_its_own_build(windows, file):
            own_build.append(file)
        elif file.role is Role.MANAGER:
            yield _told(_finding(file))
        else:
            yield with_sound_copy(windows, file, _finding(file))
    if own_build:
        finding = _told(_finding(own_build[0]))
        same = Evidence(own_build[0].where, say("rules.signed_by_it", images=", ".join(one.image for one in own_build)))
        yield replace(finding, evidence=(*finding.evidence, same))


def _finding(file: BootFile) -> Finding:
    signer = (file.verdict.signer if file.verdict is not None else None) or "?"
    status = file.verdict.status.value if file.verdict is not None else ""
    return boot_file_finding(file, "boot_file_untrusted", signer=signer, status=status)


def _told(finding: Finding) -> Finding:
    skipped = Skipped(say("rules.trust_root"), say("rules.trust_root_reason"))
    return replace(finding, severity=Severity.RISK, prediction=None, skipped=(skipped,))


def of_its_own_build(windows: Windows, file: BootFile) -> bool:
    """Kernel and boot loader were signed by the same hand as this file, and are trusted no more."""
    both = (windows.boot_files.loader, windows.boot_files.kernel)
    verdicts = [one.verdict for one in both if one is not None and one.trouble is Trouble.UNTRUSTED]
    signer = file.verdict.signer if file.verdict is not None else None
    return len(verdicts) == len(both) and all(one is not None and one.signer == signer for one in verdicts)
