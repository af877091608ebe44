"""A cloud of one computer: a machine is a folder with a disk file and a command that starts something from it."""

from bootmend.clouds.local.cloud import LocalCloud
from bootmend.clouds.local.machine import LocalMachine

__all__ = ["LocalCloud", "LocalMachine"]
