"""What donors have that may be of use, in one archive (zip): a helper has no network and no other machine's disk.

    N/COMPONENT/name     a driver or catalog; the folder is named as a component of its version, as a donor's folder is
    N/files/name         one whose version is not known

Taken are drivers and the catalogs of third-party drivers: what a repair asks donors for. What is taken is as before
only a candidate, for which the machine's own catalogs or its own signature must vouch.
"""

from __future__ import annotations

import ntpath
import re
import zipfile
from collections.abc import Iterable
from pathlib import Path

from bootmend.errors import Refused
from bootmend.texts import say
from bootmend.windows.components import parse_component
from bootmend.windows.donor import OEM_CATALOG, Donor, DonorFile

MOST = 1 << 30
"""Bytes of all files together."""
_BUILD = re.compile(r"\d{1,5}\.\d{1,5}")


def pack(donors: Iterable[Donor], archive: Path) -> bool:
    """Writes the archive; False where the donors have nothing of use. Refused where it would be too much."""
    total = 0
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as into:
        for number, file in enumerate(file for donor in donors for file in _useful(donor)):
            total += len(file.data)
            if total > MOST:
                raise Refused(say("clouds.donor_large", most=MOST >> 20), say("clouds.donor_large_next"))
            into.writestr(f"{number}/{_folder(file)}/{_name(file)}", file.data)
    return total > 0


def _useful(donor: Donor) -> Iterable[DonorFile]:
    yield from donor.drivers()
    for file in donor.catalogs():
        if OEM_CATALOG.match(_name(file)):
            yield file


def _name(file: DonorFile) -> str:
    return ntpath.basename(file.where.replace("/", "\\"))


def _folder(file: DonorFile) -> str:
    """A component's name that says its version: of a file that is in none, the build of the Windows that uses it."""
    version = f"0.0.{file.version}" if _BUILD.fullmatch(file.version) else file.version
    folder = f"amd64_donor_31bf3856ad364e35_{version}_none_0000000000000000"
    return folder if parse_component(folder)[1] == version != "" else "files"
