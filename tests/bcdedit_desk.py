"""bcdedit on stores of tests: one disk for many lines, each line on a desk of its own that is never saved."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from small_machine import small_machine

from bootmend.commands.bcdedit import Answer, BcdSession, parse_line
from bootmend.commands.bcdedit.listing import Listing
from bootmend.disk.container import open_disk
from bootmend.formats.bcd import Store
from bootmend.windows.desk import Desk
from bootmend.windows.image import Image


def words_of(line: str) -> list[str]:
    """A line split as cmd's programs get it: blanks part words, double quotes hold them together."""
    return [part.replace('"', "") for part in re.findall(r'(?:[^\s"]|"[^"]*")+', line)]


@dataclass
class Machine:
    session: BcdSession
    store: Store

    @property
    def default(self) -> UUID:
        assert self.store.default_id is not None
        return self.store.default_id

    @property
    def resume(self) -> UUID:
        found = next(found for found in self.store.objects.values() if found.type == 0x10200004)
        return found.id

    def run(self, line: str) -> tuple[Answer, Store]:
        """The answer, and the machine's own store as it is after the line; nothing of it reaches the disk."""
        self.session.desk = Desk(self.session.image)
        line = line.replace("{LOADER}", f"{{{self.default}}}").replace("{RESUME}", f"{{{self.resume}}}")
        answer = self.session.run(parse_line(words_of(line)))
        hive = self.session.chain.hive
        assert hive is not None
        return answer, self.session.desk.store(hive.volume, hive.path).view()

    def shown(self, store: Store, target: str, element: str) -> str:
        """The element's value as /enum shows it, items of a list joined by blanks; `-` where it is not there."""
        found = store.object(target)
        assert found is not None, target
        present = found.element(element)
        return " ".join(Listing(store, self.session.partitions).values(present)) if present else "-"


@contextmanager
def machine(generation: int) -> Iterator[Machine]:
    with open_disk(str(small_machine(generation).path)) as device:
        image = Image(device)
        session = BcdSession(image)
        assert session.chain.store is not None
        yield Machine(session, session.chain.store)
        image.close()
