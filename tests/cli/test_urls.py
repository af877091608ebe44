"""A disk behind a URL on the command line: the same findings, few bytes, one sentence where it ends, no secret told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import disk_server as faults
import pytest
from command_line import Ended, said
from command_line import command as run
from disk_server import SECRET, DiskServer, Handler, serving

from bootmend.cli import main
from bootmend.cli.secrets import hushed
from bootmend.disk.container import open_disk
from bootmend.disk.digest import data_digest
from bootmend.lab.machine import LabMachine, create


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> LabMachine:
    folder = tmp_path_factory.mktemp("url")
    return create(folder / "broken.vhd", generation=2, catalogs=40, fault=["catalog-lost"])


@pytest.fixture
def server(broken: LabMachine) -> Iterator[DiskServer]:
    with serving(broken.path, page_blob=True) as one:
        yield one


def command(*arguments: str | Path) -> Ended:
    """The command, told not to tell; and what it said, looked through for the secret."""
    done = run(*arguments)
    whole = done.stdout + done.stderr
    assert not any(one.encode() in whole for one in (SECRET, unquote(SECRET), "sig=", "s3cr3t"))
    return done


def test_a_url_and_the_file_behind_it_have_the_same_findings(server: DiskServer, broken: LabMachine) -> None:
    words = ("--trust", broken.pem, "--json")
    far, near = (command("diagnose", disk, *words) for disk in (server.signed, broken.path))
    assert far.returncode == near.returncode == 1
    one, other = json.loads(far.stdout), json.loads(near.stdout)
    assert one["findings"] == json.loads(near.stdout.decode().replace(str(broken.path), server.url))["findings"]
    disk = one["disk"]
    assert (disk["source"], disk["container"]) == (server.url, "vhd-fixed")
    assert 0 < disk["bytes_moved"] < 60 << 20 and disk["requests"] == len(server.seen) and disk["retries"] == 0
    assert "bytes_moved" not in other["disk"]


def test_a_person_is_told_what_moved(server: DiskServer, broken: LabMachine) -> None:
    done = command("diagnose", server.signed, "--trust", broken.pem)
    assert b"over the network: " in done.stdout and b"catalog" in done.stdout


@pytest.mark.parametrize(
    "words",
    [
        ["diagnose", "{url}", "--json"],
        ["drivers", "{url}"],
        ["status", "{url}", "--json"],
        ["files", "ls", "{url}"],
        ["bcdedit", "{url}", "--", "/enum"],
        ["history", "{url}", "--journal-dir", "{folder}", "--json"],
        ["history", "{url}", "--journal-dir", "{folder}"],
        ["history", "{url}"],
        ["undo", "{url}", "--journal-dir", "{folder}"],
        ["repair", "{url}", "--dry-run"],
        ["repair", "{folder}/no.vhd", "--donor", "{url}"],
        ["diagnose", "{folder}", "{url}"],
        ["lab", "create", "{url}"],
        ["dump", "{url}"],
        ["report", "{url}"],
        ["frobnicate", "{url}"],
        ["reg", "{url}", "--", "query", "{url}"],
        ["script", "{url}", "{url}"],
    ],
)
def test_no_command_tells_the_secret(server: DiskServer, tmp_path: Path, words: list[str]) -> None:
    filled = [word.format(url=server.signed, folder=tmp_path) for word in words]
    done = command(*filled)
    assert done.returncode in (0, 1, 2, 3, 4), said(done)
    assert b"Traceback" not in done.stderr


def test_nor_does_a_traceback(server: DiskServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def fault(source: str, _writable: bool) -> None:
        raise RuntimeError(source)

    told: list[str] = []
    monkeypatch.setattr(main, "_write", lambda text: told.append(hushed(text)))
    monkeypatch.setattr("bootmend.disk.container.open_url", fault)
    assert main._run(["diagnose", server.signed], debug=True) == main.FAULT
    whole = "".join(told)
    assert "Traceback" in whole and server.url in whole and "s3cr3t" not in whole


def ended_after(count: int) -> faults.Fault:
    """The access ends with the request after `count` more."""

    def fault(handler: Handler) -> bool:
        over = len(handler.server.seen) > count
        return faults.status(403, x_ms_error_code="AuthenticationFailed")(handler) if over else False

    return fault


@pytest.mark.parametrize("count", [0, 1, 3, 6, 10, 20, 40, 60])
def test_an_access_that_ends_in_the_middle_is_one_sentence(server: DiskServer, broken: LabMachine, count: int) -> None:
    server.always = ended_after(count)
    done = command("diagnose", server.signed, "--trust", broken.pem, "--json")
    assert done.returncode == 4 and done.stdout == b""
    assert said(done).count("\n") == 1 and "403 AuthenticationFailed" in said(done)


def test_a_disk_that_changes_in_the_middle_is_refused(server: DiskServer, broken: LabMachine) -> None:
    def change(handler: Handler) -> bool:
        handler.server.version += len(handler.server.seen) == 20
        return False

    server.always = change
    done = command("diagnose", server.signed, "--trust", broken.pem)
    assert done.returncode == 3 and "changed while it was read" in said(done)


def test_repair_of_a_url_that_is_only_read_is_refused(server: DiskServer, tmp_path: Path) -> None:
    for verb in ("repair", "undo"):
        done = command(verb, server.signed.replace("sp=rw", "sp=r"), "--journal-dir", tmp_path)
        assert done.returncode == 3 and "only read" in said(done) and "Next step" in said(done)
    assert not list(tmp_path.iterdir()) and server.kinds["PUT page"] == 0


def test_a_page_blob_that_may_be_written_is_repaired_and_undone(broken: LabMachine, tmp_path: Path) -> None:
    with serving(broken.path, page_blob=True) as server:
        words = (server.signed, "--trust", broken.pem, "--journal-dir", tmp_path)
        done = command("repair", *words, "--yes", "--json")
        assert done.returncode == 0, said(done)
        assert json.loads(done.stdout)["healthy"] and server.kinds["PUT page"]
        assert command("diagnose", *words).returncode == 0
        journals = list(tmp_path.iterdir())
        assert journals and not any(b"s3cr3t" in path.read_bytes() for path in journals if path.is_file())
        assert command("undo", server.signed, "--journal-dir", tmp_path).returncode == 0
        with open_disk(server.signed) as far, open_disk(str(broken.path)) as near:
            assert data_digest(far) == data_digest(near)


@pytest.mark.parametrize("writes", [0, 1])
def test_an_access_that_ends_while_writing_leaves_nothing_half_done(
    broken: LabMachine, tmp_path: Path, writes: int
) -> None:
    def ended(handler: Handler) -> bool:
        over = handler.server.kinds["PUT page"] > writes
        return faults.status(403, x_ms_error_code="AuthenticationFailed")(handler) if over else False

    with serving(broken.path, page_blob=True) as server:
        words = (server.signed, "--trust", broken.pem, "--journal-dir", tmp_path)
        server.always = ended
        done = command("repair", *words, "--yes")
        assert done.returncode == 4 and "403 AuthenticationFailed" in said(done), said(done)
        server.always = None
        # The next look, with a new access, puts back first what the journal says.
        again = command("diagnose", *words)
        assert again.returncode == 1 and b"catalog" in again.stdout
        with open_disk(server.signed) as far, open_disk(str(broken.path)) as near:
            assert data_digest(far) == data_digest(near)
