"""What the rules about boot manager, loader, kernel and libraries share: the finding, and how a file is mended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bootmend.actions.content import Content, OnDisk
from bootmend.actions.create_file import CreateFile
from bootmend.actions.replace_file import ReplaceFile
from bootmend.errors import InputError
from bootmend.findings import Action, Evidence, Finding, Safety, Skipped
from bootmend.rules._severity import driver_severity
from bootmend.rules._sources import find_source
from bootmend.rules.catalog_missing import put_catalog
from bootmend.signing.verdict import Status
from bootmend.texts import say
from bootmend.windows.boot_outlook import predict_file, station_of
from bootmend.windows.bootfiles import BootFile, Role
from bootmend.windows.drivers import Trouble
from bootmend.windows.image import address
from bootmend.windows.installation import Windows

OTHER_VERSION = "other-version"
STAGED_MANAGER = "Boot\\EFI\\bootmgfw.efi"


def boot_file_finding(file: BootFile, rule: str, **words: object) -> Finding:
    """The finding on one file, without edits; the texts are `<rule>_title` and `<rule>_why_<role>`."""
    return Finding(
        rule=rule,
        severity=driver_severity(file),
        subject=file.image,
        title=say(f"rules_kernel.{rule}_title", image=file.image, **words),
        why=say(f"rules_kernel.needed_{file.role.value}", image=file.image, needed_by=file.needed_by),
        evidence=file.evidence(),
        prediction=predict_file(file),
        station=station_of(file),
        rank=file.rank,
    )


def with_sound_copy(windows: Windows, file: BootFile, finding: Finding) -> Finding:
    """The finding with the edit that puts a sound copy in the file's place, or why there is none."""
    if file.role is Role.MANAGER:
        return _with_staged(windows, file, finding)
    if file.entry is not None and file.trouble is Trouble.FILE_MISSING:
        reason = say("rules.folder_in_the_way")
        return replace(finding, skipped=(Skipped(say("rules.restore_file", where=file.where), reason),))
    chosen, skipped = find_source(windows, file)
    if chosen is None:
        nothing = [Skipped(say("rules.use_donor"), say("rules.no_source", image=file.image))]
        return replace(finding, skipped=tuple(skipped or nothing))
    actions: list[Action] = [_put(windows, file, chosen.candidate.content, chosen.other_version)]
    if chosen.lost_catalog is not None and windows.signatures.active.paths:
        actions.append(put_catalog(windows, chosen.lost_catalog))
    return replace(
        finding,
        actions=tuple(actions),
        evidence=(*finding.evidence, *chosen.evidence),
        skipped=tuple(skipped) if chosen.other_version else (),
    )


def _put(windows: Windows, file: BootFile, content: Content, other_version: bool) -> Action:
    volume, path = file.location.volume, file.location.path
    assert volume is not None
    safety, risk = (Safety.RISKY, OTHER_VERSION) if other_version else (Safety.SAFE, "")
    if file.entry is not None:
        return ReplaceFile(volume=volume, path=path, content=content, safety=safety, risk=risk)
    like = _neighbour(windows, file)
    return CreateFile(volume=volume, path=path, content=content, like=like, safety=safety, risk=risk)


def _neighbour(windows: Windows, file: BootFile) -> str:
    """Another file of the same folder, whose owner and ACL the new one gets."""
    folder = file.location.path.rsplit("\\", 1)[0].lower()
    others: Sequence[str] = [
        one.location.path for one in windows.boot_files.all if one.entry is not None and one is not file
    ]
    if windows.registry_fault is None:
        others = [*others, *(one.location.path for one in windows.audited if one.entry is not None)]
    return next((path for path in others if path.rsplit("\\", 1)[0].lower() == folder), "")


def _with_staged(windows: Windows, file: BootFile, finding: Finding) -> Finding:
    """Windows' own staged boot manager, if it is sound: what bcdboot would copy. Only over one that does not work."""
    path = f"{windows.path}\\{STAGED_MANAGER}"
    where = address(windows.volume, path)
    action = say("rules.use_copy", where=where)
    try:
        data = windows.image.volume(windows.volume).read(path)
    except InputError as error:
        return replace(finding, skipped=(Skipped(action, str(error)),))
    verdict = windows.signatures.active.audit(data, where)
    if verdict.status is not Status.VALID or verdict.kernel_would_refuse:
        reason = say("rules.copy_not_vouched", status=verdict.status.value, sha256=verdict.sha256)
        return replace(finding, skipped=(Skipped(action, reason),))
    assert file.location.volume is not None
    edit = ReplaceFile(volume=file.location.volume, path=file.location.path, content=OnDisk(windows.volume, path))
    said = Evidence(where, say("rules_kernel.staged_sound"))
    return replace(finding, actions=(edit,), evidence=(*finding.evidence, said))
