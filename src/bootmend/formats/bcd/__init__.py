"""Boot Configuration Data: what boots, from where, and with which settings.

bytes -> Store        objects, elements, inheritance, the default entry
bytes -> StoreEditor  a few changed elements -> bytes
device elements       decode_device, encode_device and the Device values
"""

from bootmend.formats.bcd.device_bytes import decode_device, encode_device
from bootmend.formats.bcd.devices import (
    BootDevice,
    Device,
    FileDevice,
    GptPartition,
    LocateDevice,
    MbrPartition,
    Partition,
    RamdiskDevice,
    UnknownDevice,
    VhdPartition,
    VirtualDisk,
    moved,
    partition_of,
)
from bootmend.formats.bcd.editor import StoreEditor
from bootmend.formats.bcd.elements import Element, ElementFormat, Value, element_format, encode_value
from bootmend.formats.bcd.names import (
    element_id,
    element_ids,
    element_name,
    element_names,
    number_of,
    number_words,
    word_of,
)
from bootmend.formats.bcd.objects import WELL_KNOWN, ObjectType, identifier
from bootmend.formats.bcd.store import BcdObject, Store

__all__ = [
    "WELL_KNOWN",
    "BcdObject",
    "BootDevice",
    "Device",
    "Element",
    "ElementFormat",
    "FileDevice",
    "GptPartition",
    "LocateDevice",
    "MbrPartition",
    "ObjectType",
    "Partition",
    "RamdiskDevice",
    "Store",
    "StoreEditor",
    "UnknownDevice",
    "Value",
    "VhdPartition",
    "VirtualDisk",
    "decode_device",
    "element_format",
    "element_id",
    "element_ids",
    "element_name",
    "element_names",
    "encode_device",
    "encode_value",
    "identifier",
    "moved",
    "number_of",
    "number_words",
    "partition_of",
    "word_of",
]
