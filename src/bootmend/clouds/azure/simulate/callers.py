"""Who is at the other end of a connection: the double runs scripts, so only its own user may call it.

Listening on 127.0.0.1 keeps other computers out, not this one's other users, nor a web page that this user's browser
shows. Linux tells the user of each socket in /proc/net/tcp (proc_net_tcp.txt: local address in host byte order, `uid`).
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Mapping
from pathlib import Path

_SOCKETS = Path("/proc/net/tcp")
_LOCAL, _REMOTE, _UID = 1, 2, 7
"""Columns of it."""
_LOOKS = 5
"""The table is read in pieces: a line may slip through while others come and go."""


def is_own(here: tuple[str, int], there: tuple[str, int]) -> bool:
    """Whether the socket at `there`, connected to `here`, is this user's or root's."""
    wanted = (_address(there), _address(here))
    for _ in range(_LOOKS):
        for line in _SOCKETS.read_text(encoding="ascii").splitlines()[1:]:
            columns = line.split()
            if (columns[_LOCAL], columns[_REMOTE]) == wanted:
                return int(columns[_UID]) in (0, os.getuid())
    return False


def is_page(headers: Mapping[str, str], port: int) -> bool:
    """Whether a browser sends this for a web page: it names the page's origin, or a host that is not this one."""
    return "origin" in headers or headers.get("host") not in (f"127.0.0.1:{port}", f"localhost:{port}")


def _address(end: tuple[str, int]) -> str:
    (number,) = struct.unpack("=I", socket.inet_aton(end[0]))
    return f"{number:08X}:{end[1]:04X}"
