"""What a second reader of the network code found: longer answers, leases, secrets in odd places, odd words."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from email.message import Message

import disk_server
import pytest
from command_line import command, said
from contracts.block_device import SIZE, pattern
from disk_server import Fault, Handler, serving, status
from PIL import Image

from bootmend.disk.client import Client, Patience
from bootmend.disk.connections import Answer
from bootmend.disk.http import BLOCK, HttpDisk
from bootmend.disk.page_blob import PageBlob
from bootmend.disk.page_ranges import _NotTold, _PageList
from bootmend.disk.url import Url, without_secrets
from bootmend.errors import InputError, Refused, Unreachable

HASTY = Patience(tries=3, first_wait=0.005, longest_wait=0.02, as_asked=2.0)
SECRET = "TOPSECRETSIGNATURE"


def longer(*, ahead: bool, told: bool) -> Fault:
    """512 stray bytes beside the range that was asked for."""

    def fault(handler: Handler) -> bool:
        start, end = handler.asked()
        body, stray = handler.server.bytes_at(start, end - start), b"\\xff" * 512
        handler.send_response(206)
        handler.send_header("Content-Range", f"bytes {start}-{end - 1}/{handler.server.size}")
        handler.send_header("ETag", handler.server.etag())
        if told:
            handler.send_header("Content-Length", str(len(body) + 512))
        handler.end_headers()
        handler.wfile.write(stray + body if ahead else body + stray)
        handler.wfile.flush()
        handler.close_connection = True
        return True

    return fault


@pytest.mark.parametrize("ahead", [True, False])
@pytest.mark.parametrize("told", [True, False])
def test_more_than_was_asked_for_is_refused(ahead: bool, told: bool) -> None:
    with serving(pattern()) as server, HttpDisk(server.signed, patience=HASTY) as disk:
        server.faults.append(longer(ahead=ahead, told=told))
        with pytest.raises(Unreachable, match="trust"):
            disk.read(BLOCK, 512)


def test_an_empty_disk_of_a_server_without_ranges_is_called_empty() -> None:
    with serving(b"") as server:
        server.faults.append(disk_server.all_of_it)
        with pytest.raises(InputError, match="is empty"):
            HttpDisk(server.signed, patience=HASTY)


def leased(handler: Handler) -> bool:
    start, end = handler.asked()
    return handler.give(start, end, {"x-ms-lease-status": "locked"})


def test_a_leased_blob_is_read_and_not_written() -> None:
    with serving(pattern(), page_blob=True) as server:
        server.faults.append(leased)
        with HttpDisk(server.signed, patience=HASTY) as disk:
            assert disk.read(0, SIZE) == pattern()
        server.faults.append(leased)
        with pytest.raises(Refused, match="lease"):
            PageBlob(server.signed, patience=HASTY)


def test_a_lease_taken_meanwhile_has_a_sentence_of_its_own() -> None:
    with serving(pattern(), page_blob=True) as server, PageBlob(server.signed, patience=HASTY) as blob:
        server.faults.append(status(412, x_ms_error_code="LeaseIdMissing"))
        with pytest.raises(Unreachable, match="lease"):
            blob.write(0, b"x" * 512)
        assert server.disk == pattern()


@pytest.mark.parametrize(
    "location",
    [
        f"ftp://host/x?sig={SECRET}",
        f"gopher://u:{SECRET}@host/",
        "https://h/\udcff",
    ],
)
def test_where_a_redirect_leads_is_told_without_its_secret(location: str) -> None:
    assert SECRET not in without_secrets(location)
    with pytest.raises(InputError) as told:
        Url.parse("https://host/disk").redirected(location)
    assert SECRET not in str(told.value)


def test_a_redirect_with_a_blank_in_its_path_is_followed() -> None:
    assert Url.parse("https://host/a/disk").redirected("b c/disk.vhd").path == "/a/b%20c/disk.vhd"
    there = Url.parse("https://host/disk").redirected(f"  https://other/x?sig={SECRET} y")
    assert there.host == "other" and SECRET not in there.name


@pytest.mark.parametrize("code", [f"sig={SECRET}", SECRET, "x" * 90, "With Blank", ""])
def test_an_error_code_that_is_none_is_not_repeated(code: str) -> None:
    client = Client(Url.parse(f"https://host/disk?sig={SECRET}"), HASTY)
    headers = Message()
    headers["x-ms-error-code"] = code
    sentence = str(client._refusal(Answer(409, headers, b"")))
    assert "409" in sentence and SECRET not in sentence and "xxx" not in sentence


def test_odd_queries_are_no_fault_of_ours() -> None:
    many = Url.parse("https://host/disk?" + "&".join(f"a{number}=1" for number in range(150)))
    assert not many.may_write and many.expiry is None
    assert Url.parse("https://host/disk?se=0001-01-01T00:00%2B14:00").expiry is None
    assert Url.parse("https://host/disk?se=2026-01-02T03:04:05Z").expiry == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    with pytest.raises(InputError):
        Url.parse("https://host/\udcff")


@pytest.mark.parametrize("body", [b"<html/>", b"<Error><Code>x</Code></Error>", b"<Blob><PageList/></Blob>", b""])
def test_what_is_no_page_list_says_nothing_of_pages(body: bytes) -> None:
    with pytest.raises(_NotTold):
        _PageList(body)
    assert _PageList(b"<PageList></PageList>").ranges == []


def test_a_link_to_a_picture_is_read_and_its_secret_is_not_told() -> None:
    out = io.BytesIO()
    Image.new("RGB", (640, 480)).save(out, "PNG")
    with serving(out.getvalue()) as server:
        done = command("screen", server.signed)
        assert done.returncode == 1 and b"black" in done.stdout
        server.faults.append(status(404, x_ms_error_code="BlobNotFound"))
        missing = command("screen", server.signed)
    assert missing.returncode == 4 and "404 BlobNotFound" in said(missing)
    for ended in (done, missing):
        assert disk_server.SECRET not in said(ended) + ended.stdout.decode()
