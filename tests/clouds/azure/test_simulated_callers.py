"""The double runs scripts: other users and web pages must not be able to call it."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from bootmend.clouds.azure.simulate import callers
from bootmend.clouds.azure.simulate.double import Double


@pytest.fixture
def double() -> Iterator[Double]:
    with Double() as one:
        yield one


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://example.org"}, {"Host": "example.org"}, {"Host": "127.0.0.1:1"}], ids=str
)
def test_a_web_page_is_refused(double: Double, headers: Mapping[str, str]) -> None:
    with urlopen(f"{double.url}/simulate") as answer:
        assert answer.status == 200
    with pytest.raises(HTTPError, match="403"):
        urlopen(Request(f"{double.url}/simulate/clock", b'{"skip": 1}', dict(headers)))
    assert double.clock.skipped == 0


def test_the_user_of_a_socket_is_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        here, there = server.getsockname(), client.getsockname()
        assert callers.is_own(here, there)
        assert not callers.is_own(here, (there[0], there[1] - 1))
        table = Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()
        mine = next(line for line in table if callers._address(there) == line.split()[1])
        other = mine.split()
        other[7] = str(os.getuid() + 1)
        fake = tmp_path / "tcp"
        fake.write_text(f"{table[0]}\n{' '.join(other)}\n")
        monkeypatch.setattr(callers, "_SOCKETS", fake)
        assert not callers.is_own(here, there)


def test_another_user_gets_no_answer(double: Double, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    nobody = tmp_path / "tcp"
    nobody.write_text("header\n")
    monkeypatch.setattr(callers, "_SOCKETS", nobody)
    with pytest.raises(OSError, match=r"closed|reset"):
        urlopen(f"{double.url}/simulate")
