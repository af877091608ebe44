"""What stands beside a dump on the command line: symbols, and the images that ran."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bootmend.disk.container import open_disk
from bootmend.dumps.fields import Session
from bootmend.dumps.images import Images, Source, StoredImages
from bootmend.dumps.store import Store, folders_of
from bootmend.signing.roots import Trust
from bootmend.windows.crash_images import DiskImages
from bootmend.windows.discovery import find_windows
from bootmend.windows.donor import Given
from bootmend.windows.image import Image
from bootmend.windows.installation import Windows

if TYPE_CHECKING:
    from bootmend.dumps.symbols import Symbols


@dataclass(frozen=True, slots=True)
class Beside:
    """`told`: what of the paths given is not used, and why."""

    sources: Sequence[Source]
    symbols: Symbols | None
    told: list[str]
    _started: float = field(default_factory=time.perf_counter)
    _when: datetime = field(default_factory=lambda: datetime.now(UTC))

    def images(self, windows: Windows | None) -> Images:
        """Those of the disk that the dump lies on come first."""
        own = [DiskImages(windows)] if windows is not None else []
        return Images(*own, *self.sources)

    def session(self) -> Session:
        """Of the analysis up to now."""
        return Session(platform.node(), self._when, round((time.perf_counter() - self._started) * 1000))


@contextmanager
def beside(symbols: Sequence[str], images: Sequence[str]) -> Iterator[Beside]:
    """What `--symbols` and `--images` name; disks stay open meanwhile."""
    folders, told = folders_of(symbols)
    with ExitStack() as opened:
        sources: list[Source] = []
        for text in images:
            if Path(text).is_dir() or "*" in text or ";" in text:
                stores, unused = folders_of([text])
                sources.append(StoredImages(Store(stores)))
                told += unused
                continue
            image = Image(opened.enter_context(open_disk(text)))
            opened.callback(image.close)
            sources += [DiskImages(windows) for windows in find_windows(image, Given(Trust()))]
        yield Beside(sources, _symbols(folders) if symbols else None, told)


def _symbols(folders: Sequence[Path]) -> Symbols:
    # Its reader of PDB files is imported for those who use it.
    from bootmend.dumps.symbols import Symbols

    return Symbols(Store(folders))
