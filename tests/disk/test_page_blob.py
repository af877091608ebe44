"""Page blobs: written in place on conditions, listed in windows, copied by the server."""

from __future__ import annotations

import random
from collections.abc import Iterator

import disk_server as faults
import pytest
from contracts.block_device import SIZE, pattern
from disk_server import SECRET, DiskServer, Handler, serving

from bootmend.disk import page_ranges as listing
from bootmend.disk.client import Patience
from bootmend.disk.http import HttpDisk
from bootmend.disk.page_blob import MOST_AT_ONCE, PageBlob, UploadBlob, page_ranges, put_page_from_url
from bootmend.errors import ChangedMeanwhile, DeviceError, Refused, Unreachable

HASTY = Patience(tries=4, first_wait=0.005, longest_wait=0.02, as_asked=2.0)


@pytest.fixture
def server() -> Iterator[DiskServer]:
    with serving(pattern(), page_blob=True) as one:
        yield one


def test_a_large_write_is_cut_into_calls() -> None:
    fresh = random.Random(1).randbytes(9 << 20)
    with serving(bytes(10 << 20), page_blob=True) as server, PageBlob(server.signed, patience=HASTY) as blob:
        blob.write(700, fresh)
        assert server.disk[700 : 700 + len(fresh)] == fresh
        assert server.kinds["PUT page"] == -(-(len(fresh) + 700) // MOST_AT_ONCE)
        assert blob.read(0, blob.size) == server.disk


def test_each_write_stands_on_the_one_before(server: DiskServer) -> None:
    with PageBlob(server.signed, patience=HASTY) as blob:
        blob.write(0, b"a" * 512)
        blob.write(512, b"b" * 512)
        asked = [headers.get("If-Match") for headers in server.headers_seen if "x-ms-page-write" in headers]
        assert asked == ['"0x1"', '"0x2"']


def test_a_write_by_someone_else_stops_ours(server: DiskServer) -> None:
    with PageBlob(server.signed, patience=HASTY) as blob:
        server.version += 1
        with pytest.raises(ChangedMeanwhile):
            blob.write(0, b"a" * 512)
        assert server.disk == pattern()


@pytest.mark.parametrize("fault", [faults.reset, faults.status(500), faults.written_first])
def test_a_write_whose_answer_is_lost_is_done_once(server: DiskServer, fault: faults.Fault) -> None:
    with PageBlob(server.signed, patience=HASTY) as blob:
        server.faults.append(fault)
        blob.write(512, b"new" * 512)
        blob.write(0, b"again" * 20)
        assert server.disk[512 : 512 + 1536] == b"new" * 512
        assert blob.read(0, SIZE) == server.disk


def test_a_lost_answer_and_someone_elses_bytes_are_told_apart(server: DiskServer) -> None:
    def stranger(handler: Handler) -> bool:
        with handler.server.lock:
            handler.server.disk[512:1024] = b"!" * 512
            handler.server.version += 1
        return faults.reset(handler)

    with PageBlob(server.signed, patience=HASTY) as blob:
        server.faults.append(stranger)
        with pytest.raises(ChangedMeanwhile):
            blob.write(512, b"a" * 512)
        assert server.disk[512:1024] == b"!" * 512


def test_an_access_that_ends_stops_the_write_with_a_sentence(server: DiskServer) -> None:
    with PageBlob(server.signed, patience=HASTY) as blob:
        server.always = faults.status(403, x_ms_error_code="AuthenticationFailed")
        with pytest.raises(Unreachable, match="does not give access") as caught:
            blob.write(0, b"a" * 512)
        assert SECRET not in str(caught.value) and server.disk == pattern()


# Page ranges.


def sparse(*places: int, size: int = 4 << 20) -> bytes:
    content = bytearray(size)
    for place in places:
        content[place : place + 512] = b"x" * 512
    return bytes(content)


small = pytest.mark.usefixtures("small_windows")


@pytest.fixture
def small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "WINDOW", 1 << 20)
    monkeypatch.setattr(listing, "SMALLEST", 256 << 10)


PLACES = [0, 512, 4096, (1 << 20) - 512, 1 << 20, 3 << 20]
RANGES = [(0, 1024), (4096, 4608), ((1 << 20) - 512, 1 << 20), (1 << 20, (1 << 20) + 512), (3 << 20, (3 << 20) + 512)]


@small
def test_ranges_window_by_window() -> None:
    with serving(sparse(*PLACES), page_blob=True) as server:
        assert page_ranges(server.signed, HASTY) == RANGES
        assert server.kinds["GET pagelist"] == 4


def test_ranges_in_several_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "MOST_RANGES", 2)
    with serving(sparse(*PLACES[:3], *range(1 << 20, 2 << 20, 65536)), page_blob=True) as server:
        found = page_ranges(server.signed, HASTY)
        assert found == [*RANGES[:2], *((at, at + 512) for at in range(1 << 20, 2 << 20, 65536))]
        assert server.kinds["GET pagelist"] == 9


@small
def test_a_window_that_is_too_much_becomes_smaller() -> None:
    def too_much(handler: Handler) -> bool:
        if handler.query.get("comp") != ["pagelist"]:
            return False
        start, end = handler._span(handler.headers["x-ms-range"])
        return faults.status(500, x_ms_error_code="OperationTimedOut")(handler) if end - start > 1 << 19 else False

    with serving(sparse(*PLACES), page_blob=True) as server:
        server.always = too_much
        assert page_ranges(server.signed, HASTY) == RANGES
        assert {int(r.partition("-")[2]) - int(r[6:].partition("-")[0]) + 1 for _, c, r in server.seen if c} == {
            1 << 20,
            1 << 19,
        }


DOCTYPE = b'<!DOCTYPE a [<!ENTITY b "c">]><PageList><PageRange><Start>0</Start><End>511</End></PageRange></PageList>'


@small
@pytest.mark.parametrize(
    "answer",
    [
        (403, b""),
        (400, b""),
        (500, b""),
        (200, b"<PageList>"),
        (200, b"\xff\xfe nothing"),
        (200, DOCTYPE),
        (200, b"<PageList><PageRange><Start>x</Start><End>511</End></PageRange></PageList>"),
        (200, b"<PageList><PageRange><Start>512</Start><End>0</End></PageRange></PageList>"),
        (200, b"<PageList><PageRange><Start>0</Start><End>99999999999</End></PageRange></PageList>"),
        (200, b"<PageList>" + b"<a>" * 9000),
        (200, b"<PageList><NextMarker>for ever</NextMarker></PageList>"),
        (200, b"<PageList><NextMarker>" + b"x" * 9000 + b"</NextMarker></PageList>"),
    ],
)
def test_a_list_that_is_not_to_be_had_means_all_of_it(answer: tuple[int, bytes]) -> None:
    def instead(handler: Handler) -> bool:
        if handler.query.get("comp") == ["pagelist"]:
            handler.say(answer[0], {"ETag": handler.server.etag()}, answer[1])
            return True
        return False

    with serving(sparse(*PLACES), page_blob=True) as server:
        server.always = instead
        assert page_ranges(server.signed, HASTY) == [(0, 4 << 20)]


def test_a_list_of_another_state_of_the_blob_is_refused() -> None:
    with serving(sparse(*PLACES), page_blob=True) as server, HttpDisk(server.signed, patience=HASTY) as disk:
        server.version += 1
        with pytest.raises(ChangedMeanwhile):
            list(disk.data_extents())


# Copies.


def test_used_pages_are_copied_by_the_server() -> None:
    content = bytearray(random.Random(2).randbytes(12 << 20))
    content[1 << 20 : 2 << 20] = bytes(1 << 20)
    with serving(bytes(content), page_blob=True) as source, serving(bytes(12 << 20), page_blob=True) as target:
        told: list[int] = []
        target.faults.extend([faults.status(503), faults.reset])
        ranges = page_ranges(source.signed, HASTY)
        done = put_page_from_url(source.signed, target.signed, ranges, patience=HASTY, told=told.append)
        assert target.disk == content
        assert done == sum(told) == 11 << 20
        # What was copied never came through here.
        assert all(int(headers.get("Content-Length", "0")) == 0 for headers in target.headers_seen)


def test_small_gaps_are_copied_along() -> None:
    often = sparse(*range(0, 1 << 20, 4096))
    with serving(often, page_blob=True) as source, serving(bytes(4 << 20), page_blob=True) as target:
        put_page_from_url(source.signed, target.signed, page_ranges(source.signed, HASTY), patience=HASTY)
        assert target.kinds["PUT page"] == 1 and target.disk == often


def test_a_copy_that_is_refused_says_so_without_either_secret() -> None:
    with serving(sparse(0), page_blob=True) as source, serving(bytes(4 << 20), page_blob=True) as target:
        target.always = faults.status(409, x_ms_error_code="CopySourceCannotBeIncrementalCopyBlob")
        with pytest.raises(Unreachable, match="409 CopySourceCannotBeIncrementalCopyBlob") as caught:
            put_page_from_url(source.signed, target.signed, [(0, 512)], patience=HASTY)
        assert SECRET not in str(caught.value)


def test_nothing_is_read_of_an_upload(server: DiskServer) -> None:
    with UploadBlob(server.signed, patience=HASTY) as blob:
        assert blob.size == SIZE
        blob.write(1024, b"new" * 512)
        with pytest.raises(DeviceError, match="cannot be read"):
            blob.read(0, 512)
        with pytest.raises(DeviceError, match="cannot be read"):
            blob.write(3, b"in the middle of a sector")
    assert server.disk[1024 : 1024 + 1536] == b"new" * 512
    assert set(server.kinds) == {"HEAD", "PUT page"}


@pytest.mark.parametrize("fault", [faults.reset, faults.status(500), faults.written_first])
def test_a_page_of_an_upload_whose_answer_is_lost_is_put_again(server: DiskServer, fault: faults.Fault) -> None:
    with UploadBlob(server.signed, patience=HASTY) as blob:
        server.faults.append(fault)
        blob.write(512, b"new" * 512)
        blob.write(0, b"next" * 128)
    assert server.disk[: 512 + 1536] == b"next" * 128 + b"new" * 512
    assert "GET range" not in server.kinds


def test_somebody_elses_page_in_an_upload_is_not_written_over(server: DiskServer) -> None:
    with UploadBlob(server.signed, patience=HASTY) as blob:
        server.version += 1
        with pytest.raises(ChangedMeanwhile):
            blob.write(0, b"a" * 512)


def test_only_a_page_blob_is_uploaded_to() -> None:
    with serving(pattern()) as server, pytest.raises(Refused):
        UploadBlob(server.signed, patience=HASTY)
