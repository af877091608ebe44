"""Codes with which a boot ends for want of a hive, the kernel or a library, by Microsoft's public documentation."""

from __future__ import annotations

STOP_CANNOT_LOAD_REGISTRY_FILE = 0xC0000218
STATUS_NO_SUCH_FILE = 0xC000000F
STATUS_REGISTRY_CORRUPT = 0xC000014C
STATUS_NOT_FOUND = 0xC0000225
STATUS_DRIVER_ENTRYPOINT_NOT_FOUND = 0xC0000263
