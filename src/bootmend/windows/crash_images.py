"""The files of a crashed kernel's modules, on the disk of that Windows."""

from __future__ import annotations

from collections.abc import Iterator

from bootmend.dumps.code import FindImage
from bootmend.dumps.images import Images
from bootmend.dumps.modules import Module
from bootmend.errors import InputError, Refused
from bootmend.formats.pe import Pe
from bootmend.windows.crash_files import located
from bootmend.windows.drivers import MAX_IMAGE
from bootmend.windows.installation import Windows


class DiskImages:
    """By the path that the module was loaded from; then every copy of that name that Windows keeps.

    An update that came after the crash has put another build in its place, and left the old one in WinSxS or in the
    driver store. Those are listed only when they are asked for, which takes seconds on a large disk.
    """

    def __init__(self, windows: Windows) -> None:
        self._windows = windows

    def copies(self, module: Module) -> Iterator[Pe]:
        windows = self._windows
        for volume, path in located(windows, module.path):
            try:
                yield Pe.parse(windows.image.volume(volume).read(path, MAX_IMAGE), path)
            except (InputError, Refused):
                continue
        for copy in windows.components.copies(module.file):
            try:
                yield Pe.parse(copy.read(), copy.where)
            except (InputError, Refused):
                continue


def image_finder(windows: Windows) -> FindImage:
    """Finds a module's file on the disk, if its time stamp and size are those that were loaded."""
    return Images(DiskImages(windows))
