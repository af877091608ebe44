"""A second opinion on page blobs: Azurite, Microsoft's emulator of its storage, and blobs made by the Azure SDK.

Runs where `azurite-blob` is on the path (npm install -g azurite) or BOOTMEND_AZURITE names it. An emulator is not
Azure; it has neither Put Page From URL nor managed disks.
"""

from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from disk.test_vhd import footer

from bootmend.disk.client import Patience
from bootmend.disk.container import open_disk
from bootmend.disk.http import HttpDisk
from bootmend.disk.page_blob import PageBlob, page_ranges
from bootmend.errors import ChangedMeanwhile, Unreachable

AZURITE = os.environ.get("BOOTMEND_AZURITE") or shutil.which("azurite-blob")
pytestmark = pytest.mark.skipif(AZURITE is None, reason="azurite-blob is not installed")
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""The emulator's own, the same everywhere: Microsoft, "Connect to Azurite"."""
SIZE = 8 << 20
NOISE = random.Random(1).randbytes(1 << 20)
HASTY = Patience(tries=3, first_wait=0.01)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    blobs = pytest.importorskip("azure.storage.blob")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("azurite")
    words = ["--blobPort", str(port), "--location", str(folder), "--silent", "--skipApiVersionCheck"]
    assert AZURITE is not None
    with (folder / "log").open("wb") as log:
        child = subprocess.Popen([AZURITE, *words, "--disableTelemetry"], stdout=log, stderr=log)
    try:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        client = blobs.BlobServiceClient(f"http://127.0.0.1:{port}/{ACCOUNT}", credential=KEY)
        client.create_container("disks")
        yield client
    finally:
        child.terminate()
        child.wait(20)


Signed = Callable[..., str]


@pytest.fixture
def blob(service: Any, request: pytest.FixtureRequest) -> Any:
    one = service.get_blob_client("disks", f"{request.node.name} disk.vhd")
    one.create_page_blob(SIZE + 512)
    one.upload_page(NOISE, 2 << 20, len(NOISE))
    one.upload_page(footer(SIZE), SIZE, 512)
    return one


@pytest.fixture
def signed(blob: Any) -> Signed:
    from azure.storage.blob import BlobSasPermissions, generate_blob_sas

    def sign(hours: float = 1, **permissions: bool) -> str:
        permission = BlobSasPermissions(**(permissions or {"read": True}))
        ends = datetime.now(UTC) + timedelta(hours=hours)
        query = generate_blob_sas(ACCOUNT, "disks", blob.blob_name, account_key=KEY, permission=permission, expiry=ends)
        return f"{blob.url}?{query}"

    return sign


def test_a_page_blob_reads_as_a_disk(signed: Signed) -> None:
    with open_disk(signed()) as disk:
        assert (disk.size, disk.container) == (SIZE, "vhd-fixed")
        assert disk.read(2 << 20, len(NOISE)) == NOISE
        assert disk.read(0, 4096) == bytes(4096)
    assert page_ranges(signed(), HASTY) == [(2 << 20, (2 << 20) + len(NOISE)), (SIZE, SIZE + 512)]


def test_what_is_written_is_what_the_sdk_reads(blob: Any, signed: Signed) -> None:
    with PageBlob(signed(read=True, write=True), patience=HASTY) as disk:
        disk.write(1000, b"hello" * 1000)
        disk.write((2 << 20) - 7, b"across a border")
        assert disk.read(1000, 5000) == blob.download_blob(1000, 5000).readall() == b"hello" * 1000
        assert blob.download_blob((2 << 20) - 7, 15).readall() == b"across a border"


def test_someone_elses_write_is_seen_by_reads_and_writes(blob: Any, signed: Signed) -> None:
    acts: list[Callable[[PageBlob], object]] = [
        lambda disk: disk.write(0, b"a" * 512),
        lambda disk: disk.read(1 << 20, 512),
    ]
    for act in acts:
        with PageBlob(signed(read=True, write=True), patience=HASTY) as disk:
            blob.upload_page(b"x" * 512, 0, 512)
            with pytest.raises(ChangedMeanwhile):
                act(disk)
    assert blob.download_blob(0, 512).readall() == b"x" * 512


def test_what_storage_says_no_with(blob: Any, signed: Signed) -> None:
    for url, words in (
        (signed(hours=-1), "the access .SAS. ended at"),
        (signed()[:-4], "does not give access .403 "),
        (signed(write=True), "does not give access .403 "),
        (signed().replace("disk.vhd", "none.vhd"), "does not give access|nothing there"),
    ):
        with pytest.raises(Unreachable, match=words):
            HttpDisk(url, patience=HASTY)
    with PageBlob(signed(read=True), patience=HASTY) as disk, pytest.raises(Unreachable, match="does not give access"):
        disk.write(0, b"a" * 512)
    url = signed()
    blob.delete_blob()
    with pytest.raises(Unreachable, match=r"nothing there .404 BlobNotFound"):
        HttpDisk(url, patience=HASTY)
