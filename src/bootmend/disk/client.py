"""A client of one URL: tries again what may pass, and says in one sentence what does not.

    exchange -> passing trouble (5xx, 429, reset, silence)  wait, longer each time, as the server asks; again
             -> redirect                                    followed, a few times, never from https to http
             -> no (401, 403, 404, 412 ...)                 a sentence
             -> an answer, of the very blob that the first one was of

The first failure is the last: once a disk is unreachable, whatever is asked of it later says the same,
so that nobody takes half an answer for damage on the disk.
"""

from __future__ import annotations

import random
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPException

from bootmend.disk.connections import Answer, Connections, proxy_for
from bootmend.disk.device import Traffic
from bootmend.disk.url import Url
from bootmend.errors import BootmendError, ChangedMeanwhile, Unreachable
from bootmend.texts import say

REDIRECTS = frozenset((301, 302, 303, 307, 308))
PASSING = frozenset((408, 429, 500, 502, 503, 504))
MOST_REDIRECTS = 5
_CODE = re.compile(r"[A-Z][A-Za-z]{2,50}")
_TUNNEL = re.compile(r"Tunnel connection failed: (\d{3})")
"""How `http.client` says that a proxy did not let us through: an OSError without a number."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long passing trouble may last. Seconds."""

    tries: int = 7
    first_wait: float = 0.4
    longest_wait: float = 20.0
    as_asked: float = 120.0
    """The longest Retry-After that is waited for."""

    def wait(self, attempt: int) -> float:
        """Before try `attempt` + 1; spread, so that many clients do not come back all at once."""
        return min(self.longest_wait, self.first_wait * 2.0**attempt) * random.uniform(0.5, 1.0)


USUAL = Patience()


@dataclass(frozen=True, slots=True)
class Stand:
    """Which state of the blob an answer is of; an empty tag is not told."""

    etag: str
    modified: str

    @staticmethod
    def of(answer: Answer) -> Stand:
        return Stand(answer.headers.get("ETag", ""), answer.headers.get("Last-Modified", ""))

    @property
    def condition(self) -> dict[str, str]:
        """A weak tag (W/...) is no condition: no server may match it (RFC 9110, 13.1.1)."""
        return {"If-Match": self.etag} if self.etag.startswith('"') else {}

    def same(self, other: Stand) -> bool:
        if self.etag or other.etag:
            return self.etag == other.etag
        return self.modified == other.modified


class Client:
    def __init__(self, url: Url, patience: Patience = USUAL) -> None:
        self.url = url
        self.name = url.name
        self.patience = patience
        self.traffic = Traffic()
        self.stand: Stand | None = None
        """Of the first answer; every other one must be of the same."""
        self.failure: Unreachable | None = None
        self._there = url
        """Where redirects led to."""
        self._connections = Connections()
        self._lock = threading.Lock()
        self._stopped = threading.Event()

    def close(self) -> None:
        self._stopped.set()
        self._connections.close()

    def ask(
        self,
        method: str,
        accepted: Iterable[int],
        headers: Mapping[str, str] | None = None,
        *,
        more: str = "",
        body: bytes = b"",
        most: int = 0,
    ) -> Answer:
        """An answer with a status in `accepted`. `more` is added to the query; `most`: bytes of a body accepted.

        Unreachable where none can be had; ChangedMeanwhile where it is of another state of the blob.
        """
        if self.failure is not None:
            raise self.failure
        wanted = frozenset(accepted)
        url = self._there
        hops = 0
        attempt = 0
        while True:
            last = attempt + 1 >= self.patience.tries
            try:
                answer = self._exchange(method, url, url.target(more), headers or {}, body, dict.fromkeys(wanted, most))
            except (OSError, HTTPException) as error:
                if last or self._stopped.is_set() or not self._may_pass(error):
                    raise self._failed(self._sentence(error), passing=self._may_pass(error)) from None
                self._rest(self.patience.wait(attempt))
                # Silence has cost its time already: it is not borne as often as an honest no.
                attempt += 2 if isinstance(error, TimeoutError) else 1
                continue
            if answer.status in REDIRECTS and method in ("GET", "HEAD"):
                hops += 1
                if hops > MOST_REDIRECTS or "Location" not in answer.headers:
                    raise self._failed(say("http.redirects", url=self.name))
                try:
                    url = url.redirected(answer.headers["Location"])
                except BootmendError as error:
                    raise self._failed(str(error)) from None
                continue
            if answer.status in wanted:
                self._there = url
                return answer
            if answer.status in (401, 403, 404, 410) and url is not self.url and not hops:
                self._there = url = self.url  # a redirect may be good for some minutes only: ask for a new one
                continue
            if answer.status not in PASSING or last:
                raise self._refusal(answer)
            self._rest(self._asked_to_wait(answer, attempt))
            attempt += 1

    def _exchange(
        self, method: str, url: Url, target: str, headers: Mapping[str, str], body: bytes, most: Mapping[int, int]
    ) -> Answer:
        everything = {"Accept-Encoding": "identity", "User-Agent": "bootmend", **headers}
        if self.stand is not None:
            everything = {**self.stand.condition, **everything}
        with self._lock:
            self.traffic.requests += 1
        answer = self._connections.exchange(method, url, target, everything, body, most)
        with self._lock:
            self.traffic.received += len(answer.body)
            self.traffic.sent += len(body)
        return answer

    def same_blob(self, answer: Answer) -> None:
        """ChangedMeanwhile where the answer is of another state of the blob than the first one was."""
        if self.stand is not None and not self.stand.same(Stand.of(answer)):
            raise self.changed()

    def broken(self, key: str, **values: object) -> Unreachable:
        """What to raise where an answer is not what HTTP says it must be."""
        return self._failed(say(key, url=self.name, **values))

    def _rest(self, seconds: float) -> None:
        with self._lock:
            self.traffic.retries += 1
        if self._stopped.wait(seconds):
            raise Unreachable(say("http.closed", url=self.name))

    def _asked_to_wait(self, answer: Answer, attempt: int) -> float:
        usual = self.patience.wait(attempt)
        asked = _seconds(answer.headers.get("Retry-After", ""))
        if asked is None:
            return usual
        if asked > self.patience.as_asked:
            raise self._failed(say("http.busy", url=self.name, seconds=round(asked)), passing=True)
        return max(usual, asked)

    def _may_pass(self, error: Exception) -> bool:
        if isinstance(error, ssl.SSLCertVerificationError) or _TUNNEL.match(str(error)):
            return False
        if isinstance(error, socket.gaierror | ConnectionRefusedError | ssl.SSLError):
            return self.stand is not None  # at first sight it is a wrong name rather than a bad moment
        return True

    def _sentence(self, error: Exception) -> str:
        """Never the error's own text where a server may have had a word in it."""
        if isinstance(error, ssl.SSLCertVerificationError):
            return say("http.certificate", url=self.name, why=error.verify_message)
        if isinstance(error, ssl.SSLError):
            return say("http.tls", url=self.name, why=error.reason or type(error).__name__)
        if isinstance(error, socket.gaierror):
            return say("http.no_host", url=self.name, host=self.url.host)
        if isinstance(error, ConnectionRefusedError):
            if proxy_for(self.url):
                return say("http.no_proxy", url=self.name)
            return say("http.no_server", url=self.name, host=self.url.host, port=self.url.port)
        if (refused := _TUNNEL.match(str(error))) is not None:
            return say("http.proxy_refused", url=self.name, code=refused[1])
        if isinstance(error, TimeoutError):
            return say("http.silent", url=self.name)
        why = (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
        return say("http.lost", url=self.name, why=why)

    def _refusal(self, answer: Answer) -> BootmendError:
        code = answer.headers.get("x-ms-error-code", "")
        if not _CODE.fullmatch(code) or code in self.url.query:  # a hostile server may tell us our own secret
            code = ""
        known = f"{answer.status} {code}".strip()
        expiry = self.url.expiry
        if answer.status == 412 or (answer.status == 416 and self.stand is not None):  # 416: it has become shorter
            return self.changed()
        if answer.status in (401, 403) and expiry is not None and expiry <= datetime.now(UTC):
            when = f"{expiry.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
            return self._failed(say("http.expired", url=self.name, when=when))
        if answer.status in (401, 403):
            return self._failed(say("http.forbidden", url=self.name, code=known))
        if answer.status in (404, 410):
            return self._failed(say("http.missing", url=self.name, code=known))
        if answer.status in PASSING:
            return self._failed(say("http.troubled", url=self.name, code=known), passing=True)
        return self._failed(say("http.answer", url=self.name, code=known))

    def changed(self) -> Unreachable:
        return self._kept(ChangedMeanwhile(say("http.changed", url=self.name)))

    def _failed(self, sentence: str, *, passing: bool = False) -> Unreachable:
        failure = Unreachable(sentence)
        failure.passing = passing
        return self._kept(failure)

    def _kept(self, failure: Unreachable) -> Unreachable:
        with self._lock:
            self.failure = self.failure or failure
            return self.failure


def _seconds(text: str) -> float | None:
    """Retry-After: seconds, or a date."""
    if re.fullmatch(r"\d{1,9}", text.strip()):
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return None
