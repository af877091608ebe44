"""PE images: headers, sections, imports, exports and the version resource of a driver or program.

Source of the format: Microsoft, "PE Format" (Microsoft Portable Executable and Common Object File Format).
"""

from bootmend.formats.pe.image import AMD64, ARM64, ARMNT, HEAD, I386, Pe, Section, machine_of
from bootmend.formats.pe.linkage import Linkage, read_linkage
from bootmend.formats.pe.version import VersionInfo

__all__ = [
    "AMD64",
    "ARM64",
    "ARMNT",
    "HEAD",
    "I386",
    "Linkage",
    "Pe",
    "Section",
    "VersionInfo",
    "machine_of",
    "read_linkage",
]
