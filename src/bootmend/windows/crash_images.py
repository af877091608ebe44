"""The files of a crashed kernel's modules, on the disk of that Windows."""

from __future__ import annotations

from bootmend.dumps.code import FindImage, fits
from bootmend.dumps.modules import Module
from bootmend.errors import InputError, Refused
from bootmend.formats.pe import Pe
from bootmend.windows.crash_files import located
from bootmend.windows.drivers import MAX_IMAGE
from bootmend.windows.installation import Windows


def image_finder(windows: Windows) -> FindImage:
    """Finds a module's file by its path, if its time stamp and size are those that were loaded."""

    def find(module: Module) -> Pe | None:
        for volume, path in located(windows, module.path):
            try:
                pe = Pe.parse(windows.image.volume(volume).read(path, MAX_IMAGE), path)
            except (InputError, Refused):
                continue
            if fits(pe, module):
                return pe
        return None

    return find
