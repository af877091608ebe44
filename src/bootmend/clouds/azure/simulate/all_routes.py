"""The modules that answer calls: importing them registers their routes."""

from __future__ import annotations

from bootmend.clouds.azure.simulate import disk_access, disks, groups, operations, power, snapshots, vms

MODULES = (disk_access, disks, groups, operations, power, snapshots, vms)
