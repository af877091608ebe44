"""The double of Azure with a small machine on it, and Microsoft's own clients against it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.mgmt.compute import ComputeManagementClient

from bootmend.clouds.azure.simulate.double import Double
from bootmend.clouds.azure.simulate.footer import make_footer
from bootmend.clouds.azure.simulate.signin import FakeCredential

MIB = 1 << 20
SIZE = 24 * MIB


def compute(double: Double) -> Any:
    """The SDK's client, polling as fast as the double's clock goes; each field of its models may be None for mypy."""
    return ComputeManagementClient(
        FakeCredential(),
        double.subscription,
        base_url=double.url,
        authentication_policy=SansIOHTTPPolicy(),
        polling_interval=0,
    )


def disk_file(path: Path, *, broken: bool = False, size: int = SIZE) -> Path:
    """A fixed VHD with a little in it, and a hole in the middle."""
    with path.open("wb") as file:
        file.truncate(size)
        file.write(b"boot sector".ljust(512, b"\0"))
        file.seek(2 * MIB)
        file.write((b"BAD " if broken else b"GOOD") * 1024)
        file.seek(size)
        file.write(make_footer(size, "00000000-0000-0000-0000-000000000001"))
    return path
