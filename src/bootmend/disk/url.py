"""Url: where a disk is on the network, and what must not be told of it.

The query of a shared access signature (SAS) is the key to the disk. It goes into requests and nowhere
else: `name` is what people, journals and documents see. Over plain http anyone on the way could give us
other bytes, so that is for this very machine only.

Source of `sp` and `se`: Microsoft, "Create a service SAS" (permissions, expiry time).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from urllib.parse import parse_qs, quote, urljoin, urlsplit

from bootmend.errors import InputError, Refused
from bootmend.texts import say

_PORTS = {"https": 443, "http": 80}
_ADDRESS = re.compile(r"\s*[A-Za-z][A-Za-z0-9+.-]*://")
_KEPT = "/%:@!$&'()*+,;=~-._?"
"""Characters of a path or query that are sent as they stand."""


def is_url(source: str) -> bool:
    return source.lower().startswith(("http://", "https://"))


def without_secrets(source: str) -> str:
    """What may be told of a disk's name: of a URL neither query nor fragment nor a password; a path as it is."""
    if not _ADDRESS.match(source):
        return source
    scheme, _, rest = re.split(r"[?#]", source, maxsplit=1)[0].partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


@dataclass(frozen=True)
class Url:
    scheme: str
    host: str
    port: int
    path: str
    query: str

    @staticmethod
    def parse(text: str) -> Url:
        """InputError where it is no URL of a disk, Refused for plain http to another machine."""
        name = without_secrets(text)
        if any(letter <= " " or letter == "\x7f" for letter in text):
            raise InputError(say("http.blanks", url=name))
        try:
            parts = urlsplit(text)
            host = (parts.hostname or "").encode("idna").decode("ascii")
            port = _PORTS[parts.scheme] if parts.port is None else parts.port
            path, query = (quote(part, safe=_KEPT) for part in (parts.path or "/", parts.query))
        except (ValueError, KeyError) as error:
            raise InputError(say("http.no_url", url=name)) from error
        if not host:
            raise InputError(say("http.no_url", url=name))
        if parts.username is not None:
            raise InputError(say("http.password", url=name))
        if parts.scheme == "http" and not _is_here(host):
            raise Refused(say("http.plain", url=name), say("http.plain_next"))
        return Url(parts.scheme, host, port, path, query)

    @cached_property
    def name(self) -> str:
        """The URL as it may be told."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.path}"

    def __repr__(self) -> str:
        return f"Url({self.name})"

    @property
    def text(self) -> str:
        """The whole URL with its secret: for requests only."""
        return self.name + (f"?{self.query}" if self.query else "")

    def target(self, more: str = "") -> str:
        """Path and query of a request line, `more` added to the query."""
        query = "&".join(part for part in (self.query, more) if part)
        return self.path + (f"?{query}" if query else "")

    def redirected(self, location: str) -> Url:
        """Where an answer sends us; Refused from https to http."""
        try:
            there = Url.parse(urljoin(self.text, location.strip().replace(" ", "%20")))
        except ValueError as error:
            raise InputError(say("http.no_url", url=without_secrets(location[:200]))) from error
        if self.scheme == "https" and there.scheme != "https":
            raise Refused(say("http.downgrade", url=self.name, there=there.name), say("http.plain_next"))
        return there

    @cached_property
    def _signed(self) -> dict[str, str]:
        try:
            return {name: values[0] for name, values in parse_qs(self.query, max_num_fields=100).items()}
        except ValueError:  # too many fields: no SAS
            return {}

    @property
    def may_write(self) -> bool:
        """It is a SAS, and it allows writing."""
        return "sig" in self._signed and "w" in self._signed.get("sp", "")

    @property
    def expiry(self) -> datetime | None:
        """When the SAS ends, where it says so."""
        try:
            when = datetime.fromisoformat(self._signed.get("se", ""))
            return when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC)
        except (ValueError, OverflowError):
            return None


def _is_here(host: str) -> bool:
    from ipaddress import ip_address

    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
