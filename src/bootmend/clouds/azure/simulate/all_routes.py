"""The modules that answer calls: importing them registers their routes."""

from __future__ import annotations

from bootmend.clouds.azure.simulate import (
    data_disks,
    diagnostics,
    disk_access,
    disks,
    groups,
    network,
    operations,
    power,
    run_commands,
    snapshots,
    vms,
)

MODULES = (
    data_disks,
    diagnostics,
    disk_access,
    disks,
    groups,
    network,
    operations,
    power,
    run_commands,
    snapshots,
    vms,
)
