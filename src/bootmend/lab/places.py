"""What `${...}` in the texts stands for, on one machine."""

from __future__ import annotations

import struct

from bootmend.lab.blueprint import Blueprint
from bootmend.lab.layout import Layout


def places(blueprint: Blueprint, layout: Layout) -> dict[str, str]:
    """Every name that the texts use."""
    build = blueprint.build
    major, _, minor = build.version.partition(".")
    return {
        "build_number": str(build.number),
        "revision": str(build.revision),
        "major": major,
        "minor": minor,
        "version": "6.3" if major == "10" else build.version,  # what Windows 10 says for old programs' sake
        "product_name": build.product,
        "edition": build.edition,
        "installation_type": build.installation_type,
        "product_type": "ServerNT" if build.installation_type == "Server" else "WinNT",
        "display_version": build.display_version,
        "release_id": build.release,
        "lab_branch": build.branch,
        "computer_name": f"LAB-{blueprint.random('computer name').randrange(16**6):06X}",
        "machine_guid": str(blueprint.guid("machine")),
        "windows_volume": str(layout.windows.number),
        "system_volume": str(layout.system.number),
        "windows_volume_guid": f"{{{blueprint.guid('Windows volume')}}}",
        "firmware_boot_device": f"multi(0)disk(0)rdisk(0)partition({layout.system.number})",
        "system_boot_device": f"multi(0)disk(0)rdisk(0)partition({layout.windows.number})",
    }


def mounted_device(layout: Layout) -> bytes:
    """How MountedDevices names the Windows partition: its GUID, or the disk's signature and a byte offset."""
    if layout.windows.guid is not None:
        return b"DMIO:ID:" + layout.windows.guid.bytes_le
    return struct.pack("<IQ", layout.signature, layout.windows.start)
