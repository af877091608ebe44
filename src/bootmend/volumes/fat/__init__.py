"""FAT12, FAT16 and FAT32 with long names: the file system of the EFI system partition.

The boot sector gives a `Geometry`; the `Table` follows and changes cluster chains; a `Directory`
is slots of 32 bytes; `FatVolume` joins them to files by path.
"""

from bootmend.volumes.fat.bootsector import is_fat
from bootmend.volumes.fat.volume import FatVolume

__all__ = ["FatVolume", "is_fat"]
