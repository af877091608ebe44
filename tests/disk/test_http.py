"""HttpDisk: the block-device contract over a server of our own, and every way in which a server goes wrong."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import disk_server as faults
import pytest
from contracts.block_device import SIZE, BlockDeviceContract, pattern
from disk.test_vhd import footer
from disk_server import SECRET, DiskServer, Fault, serving
from hypothesis import given, settings
from hypothesis import strategies as st

from bootmend.disk import connections
from bootmend.disk.client import Patience
from bootmend.disk.container import open_disk
from bootmend.disk.device import BlockDevice
from bootmend.disk.http import BLOCK, GAP, HttpDisk
from bootmend.disk.page_blob import PageBlob
from bootmend.disk.page_cache import PAGE
from bootmend.errors import BootmendError, ChangedMeanwhile, InputError, Refused, Unreachable

HASTY = Patience(tries=5, first_wait=0.005, longest_wait=0.02, as_asked=2.0)


class TestPageBlob(BlockDeviceContract):
    @pytest.fixture(autouse=True)
    def _servers(self) -> Iterator[None]:
        with ExitStack() as self.servers:
            yield

    def make_device(self, content: bytes, folder: Path, writable: bool) -> BlockDevice:
        server = self.servers.enter_context(serving(content, page_blob=True))
        return (PageBlob if writable else HttpDisk)(server.signed, patience=HASTY)


@pytest.fixture
def server() -> Iterator[DiskServer]:
    with serving(pattern()) as one:
        yield one


def opened(server: DiskServer, cache: int = 64 << 20) -> HttpDisk:
    return HttpDisk(server.signed, cache=cache, patience=HASTY)


def test_a_name_without_its_secret(server: DiskServer) -> None:
    with opened(server) as disk:
        assert disk.name == server.url
        assert SECRET not in repr(vars(disk)) + repr(vars(disk)["_client"].url)


@settings(max_examples=12, deadline=None)
@given(st.data())
def test_random_reads_are_the_files_bytes(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 3 << 20))
    content = random.Random(size).randbytes(size)
    with (
        serving(content) as server,
        opened(server, cache=data.draw(st.sampled_from([PAGE, 1 << 18, 64 << 20]))) as disk,
    ):
        for _ in range(20):
            low, high = sorted((data.draw(st.integers(0, size)), data.draw(st.integers(0, size))))
            if data.draw(st.booleans()):
                disk.prefetch([(low, high), (low // 2, low)])
            assert disk.read(low, high - low) == content[low:high]


def test_threads_read_side_by_side() -> None:
    content = random.Random(1).randbytes(8 << 20)
    with serving(content) as server, opened(server, cache=1 << 20) as disk:

        def read(seed: int) -> bool:
            dice = random.Random(seed)
            places = [(dice.randrange(len(content) - 70_000), dice.choice((1, 4096, 70_000))) for _ in range(40)]
            return all(disk.read(at, length) == content[at : at + length] for at, length in places)

        with ThreadPoolExecutor(6) as pool:
            assert all(pool.map(read, range(6)))


def test_a_read_larger_than_the_cache() -> None:
    content = random.Random(2).randbytes(40 << 20)
    with serving(content) as server, opened(server, cache=1 << 20) as disk:
        assert disk.read(0, len(content)) == content
        assert disk._cache.held <= 1 << 20


@pytest.mark.parametrize(
    "fault",
    [
        faults.reset,
        faults.truncated,
        faults.status(500),
        faults.status(503),
        faults.status(429, Retry_After="0"),
        faults.status(503, Retry_After="Wed, 21 Oct 2015 07:28:00 GMT"),
        faults.status(408),
    ],
)
def test_what_passes_is_tried_again(server: DiskServer, fault: Fault) -> None:
    server.faults.extend([fault] * 2)
    with opened(server) as disk:
        server.faults.extend([fault] * 4)
        assert disk.read(0, SIZE) == pattern()
        assert disk.traffic is not None and disk.traffic.retries >= 4


def test_retry_after_is_waited_for(server: DiskServer) -> None:
    with opened(server) as disk:
        server.faults.append(faults.status(429, Retry_After="1"))
        started = time.monotonic()
        assert disk.read(SIZE - 512, 512) == pattern()[-512:]
        assert time.monotonic() - started >= 1


def test_a_connection_that_the_server_closed_while_idle_is_no_trouble(server: DiskServer) -> None:
    with opened(server) as disk:
        server.faults.append(faults.reset)
        assert disk.read(SIZE - 512, 512) == pattern()[-512:]
        assert disk.traffic is not None and disk.traffic.retries == 0


def changed(server: DiskServer) -> None:
    server.version += 1


def untagged(server: DiskServer) -> None:
    server.etag = lambda: 'W/"other"'


@pytest.mark.parametrize("change", [changed, untagged])
def test_a_disk_that_changes_under_us_is_refused(server: DiskServer, change: Callable[[DiskServer], None]) -> None:
    with opened(server) as disk:
        change(server)
        with pytest.raises(ChangedMeanwhile, match="was changed while it was read") as caught:
            disk.read(SIZE - 512, 512)
        assert caught.value.exit_code == 3
        server.version = 1  # what was lost stays lost
        with pytest.raises(ChangedMeanwhile):
            disk.read(SIZE - 512, 512)


def test_a_weak_tag_is_compared_but_never_a_condition(server: DiskServer) -> None:
    server.etag = lambda: f'W/"{server.version}"'
    with opened(server) as disk:
        server.headers_seen.clear()
        assert disk.read(0, SIZE) == pattern()
        assert server.headers_seen and not any("If-Match" in headers for headers in server.headers_seen)
        server.version = 9
        disk._cache.drop(range(1000))
        with pytest.raises(ChangedMeanwhile):
            disk.read(0, 512)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (faults.all_of_it, "does not give parts"),
        (faults.shifted, "cannot be trusted"),
        (faults.mislabelled, "cannot be trusted"),
        (faults.status(206, Content_Range="bytes 0-8/9"), "cannot be trusted"),
        (faults.status(403, x_ms_error_code="AuthenticationFailed"), "does not give access .403 AuthenticationFailed"),
        (faults.status(404, x_ms_error_code="BlobNotFound"), "nothing there .404 BlobNotFound"),
        (faults.status(418), "says 418"),
        (faults.status(500), "does not get over it .500"),
        (faults.status(429, Retry_After="86400"), "come back in 86400 seconds"),
        (faults.status(412), "changed while it was read"),
        (faults.reset, "connection was lost"),
        (faults.moved("/elsewhere"), "again and again"),
        (faults.moved("http://example.org/disk"), "plain http"),
        (faults.moved("ftp://example.org/disk"), "not the URL of a disk"),
        (faults.status(302), "to nowhere"),
    ],
)
@pytest.mark.parametrize("later", [False, True], ids=["at once", "in the middle"])
def test_what_does_not_pass_is_one_sentence(server: DiskServer, fault: Fault, words: str, later: bool) -> None:
    def work() -> None:
        with opened(server) as disk:
            server.always = fault
            disk.read(2 * BLOCK, 512)

    server.always = None if later else fault
    with pytest.raises(Unreachable, match=words) as caught:
        work()
    assert SECRET not in str(caught.value) and "\n" not in str(caught.value)
    assert caught.value.exit_code in (3, 4)


def test_an_access_that_has_ended_says_when(server: DiskServer) -> None:
    server.always = faults.status(403, x_ms_error_code="AuthenticationFailed")
    with pytest.raises(Unreachable, match="ended at 2020-01-02 03:04:05 UTC"):
        HttpDisk(f"{server.url}?sp=r&se=2020-01-02T03:04:05Z&sig={SECRET}", patience=HASTY)


def test_an_answer_that_trickles_has_an_end(server: DiskServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "LONGEST", 0.3)
    server.always = faults.trickling
    started = time.monotonic()
    with pytest.raises(Unreachable):
        HttpDisk(server.signed, patience=Patience(tries=2, first_wait=0.01))
    assert time.monotonic() - started < 5


def test_silence_has_an_end(server: DiskServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "SILENCE", 0.2)
    server.latency = 1.0
    with pytest.raises(Unreachable, match="does not answer any more"):
        HttpDisk(server.signed, patience=Patience(tries=2, first_wait=0.01))


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://", "not the URL"),
        ("https://exa mple.org/d", "blanks"),
        ("https://example.org:99999/d", "not the URL"),
        ("https://[::1/d", "not the URL"),
        ("https://user:hunter2@example.org/d", "password"),
        ("http://example.org/d", "plain http"),
        ("http://127.0.0.1:1/d", "nothing answers at 127.0.0.1, port 1"),
        ("https://no-such-host.invalid/d", "no host no-such-host.invalid"),
    ],
)
def test_urls_that_lead_nowhere(url: str, words: str) -> None:
    with pytest.raises(BootmendError, match=words) as caught:
        open_disk(f"{url}?sig={SECRET}#x")
    assert SECRET not in str(caught.value) and "hunter2" not in str(caught.value)
    assert caught.value.exit_code in (3, 4)


def test_redirects_are_followed_and_remembered(server: DiskServer) -> None:
    server.faults.extend([faults.moved(server.signed), faults.moved("?there")])
    with opened(server) as disk:
        assert disk.read(0, SIZE) == pattern()
        # The place that it led to is only good for a while: the first URL is asked for a new one.
        server.faults.append(faults.status(403))
        disk._cache.drop(range(1000))
        assert disk.read(0, 512) == pattern()[:512]


def test_an_empty_disk(server: DiskServer) -> None:
    server.disk.clear()
    with pytest.raises(InputError, match="empty"):
        opened(server)


def test_the_size_by_head_where_the_range_does_not_tell(server: DiskServer) -> None:
    server.faults.append(lambda handler: handler.give(0, BLOCK, {"Content-Range": f"bytes 0-{BLOCK - 1}/*"}))
    with opened(server) as disk:
        assert disk.size == SIZE
        assert server.kinds["HEAD"] == 1


def test_few_requests_for_reads_that_go_on() -> None:
    content = random.Random(3).randbytes(4 << 20)
    with serving(content) as server, opened(server) as disk:
        server.seen.clear()
        assert b"".join(disk.read(at, 4096) for at in range(0, len(content), 4096)) == content
        assert len(server.seen) <= 10
        assert disk.traffic is not None and disk.traffic.received == len(content)


def test_a_lone_read_moves_one_block_and_a_prefetch_just_its_pages() -> None:
    content = random.Random(4).randbytes(8 << 20)
    with serving(content) as server, opened(server) as disk:
        assert disk.traffic is not None
        before = disk.traffic.received
        disk.read(3 << 20, 100)
        assert disk.traffic.received - before == BLOCK
        before = disk.traffic.received
        places = [(at, at + 5000) for at in range(4 << 20, 8 << 20, 256 << 10)]
        disk.prefetch(places)
        assert disk.traffic.received - before == len(places) * 2 * PAGE
        server.seen.clear()
        assert all(disk.read(low, high - low) == content[low:high] for low, high in places)
        assert not server.seen


def test_neighbours_are_one_request() -> None:
    content = random.Random(5).randbytes(8 << 20)
    with serving(content) as server, opened(server) as disk:
        server.seen.clear()
        disk.prefetch([((1 << 20) + at * GAP * PAGE, (1 << 20) + at * GAP * PAGE + PAGE) for at in range(8)])
        assert len(server.seen) == 1


def test_prefetch_never_asks_for_more_than_there_is_room(server: DiskServer) -> None:
    with opened(server, cache=16 * PAGE) as disk:
        server.seen.clear()
        disk.prefetch([(0, PAGE), (0, SIZE), (1 << 50, 1 << 60)])
        assert len(server.seen) <= 1


def test_an_encoded_answer_is_refused(server: DiskServer) -> None:
    server.always = lambda handler: handler.give(*handler.asked(), {"Content-Encoding": "gzip"})
    with pytest.raises(Unreachable, match="cannot be trusted"):
        opened(server)


def test_a_plain_server_tells_no_holes_and_a_page_blob_does() -> None:
    content = bytes(1 << 20) + b"x" * 512 + bytes(1 << 20)
    with serving(content) as server, opened(server) as disk:
        assert list(disk.data_extents()) == [(0, len(content))]
        assert server.kinds["GET pagelist"] == 0
    with serving(content, page_blob=True) as server, opened(server) as disk:
        assert list(disk.data_extents()) == [(1 << 20, (1 << 20) + 512)]


def test_an_azure_disk_is_a_fixed_vhd() -> None:
    with serving(pattern() + footer(SIZE), page_blob=True) as server, open_disk(server.signed) as disk:
        assert (disk.container, disk.size, disk.name) == ("vhd-fixed", SIZE, server.url)
        assert disk.read(0, SIZE) == pattern()
        assert disk.traffic is not None and disk.traffic.requests <= 4
        assert list(disk.data_extents())


def test_a_plain_disk_is_raw(server: DiskServer) -> None:
    with open_disk(server.signed) as disk:
        assert (disk.container, disk.size) == ("raw", SIZE)


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (b"QFI\xfb\0\0\0\3", "qcow2"),
        (b"vhdxfile", "vhdx"),
        (b"KDMV", "vmdk"),
        (footer(SIZE, kind=3), "VHD .dynamic."),
    ],
)
def test_other_containers_are_refused_with_a_next_step(start: bytes, kind: str) -> None:
    with serving(start.ljust(SIZE, b"\0")) as server:
        with pytest.raises(Refused, match=f"is a {kind} image") as caught:
            open_disk(server.signed)
        assert "qemu-img" in caught.value.next_step and SECRET not in str(caught.value)


def test_only_an_url_that_may_write_is_opened_for_writing(server: DiskServer) -> None:
    with pytest.raises(Refused, match="only read"):
        open_disk(f"{server.url}?sp=r&sig={SECRET}", writable=True)
    with pytest.raises(Refused, match="not a page blob"):
        open_disk(server.signed, writable=True)
