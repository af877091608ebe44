"""How much looking at certificates a machine's files are worth.

A catalog may nest dozens of messages, each with hundreds of certificates that all bear one name, and a
folder may hold thousands of such catalogs: each is bounded, their product is not. So every file and
catalog that is checked earns some looks at certificates, honest ones leave most of theirs over, and who
has spent everything is not looked at any further: the signature is then not known to be good.
"""

from __future__ import annotations

PER_MESSAGE = 256
"""A Windows driver or catalog takes 10 to 60: each certificate in it, and each possible issuer of one."""
RESERVE = 20_000


class Effort:
    """Looks that are left; shared by all checks of one machine."""

    def __init__(self, reserve: int = RESERVE) -> None:
        self.left = reserve

    def earn(self) -> None:
        """One more file or catalog is to be checked."""
        self.left += PER_MESSAGE

    def spend(self, looks: int = 1) -> bool:
        """Whether there were so many left."""
        if looks > self.left:
            return False
        self.left -= looks
        return True
