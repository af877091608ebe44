"""`bootmend screen`: its exit codes, its document and its sentences."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from random import Random

import pytest
from command_line import command, said
from screen_pictures import ENGLISH, LATIN, fonts, stop_screen

LOG = (
    "\r\nComputer is booting, SAC started and initialized.\r\n\r\nSAC>\r\n"
    '<INSTANCE CLASSNAME="BLUESCREEN">\r\n<PROPERTY NAME="STOPCODE" TYPE="string"><VALUE>"0x7B"</VALUE></PROPERTY>\r\n'
    "</INSTANCE>\r\n!SAC>\r\n"
)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "serial.log"
    path.write_bytes(LOG.encode())
    return path


def test_a_serial_log_is_told_by_its_content(log: Path) -> None:
    done = command("screen", log)
    assert done.returncode == 0
    assert f"{log}: Windows stopped." in done.stdout.decode()
    assert "Stop code 0x7B INACCESSIBLE_BOOT_DEVICE." in done.stdout.decode()


def test_a_log_in_utf16_is_read_too(log: Path) -> None:
    log.write_bytes(LOG.encode("utf-16"))
    assert command("screen", log).returncode == 0


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_a_log_in_utf16_without_its_mark_is_read_too(log: Path, encoding: str) -> None:
    log.write_bytes(LOG.encode(encoding))
    assert command("screen", log).returncode == 0


def test_of_a_very_large_log_the_end_counts(log: Path) -> None:
    with log.open("wb") as file:
        file.write(b"SAC>\r\nEVENT: The CMD command is now available.\r\nSAC>")
        file.seek(70 << 20)
        file.write(LOG.encode())
    assert command("screen", log).returncode == 0


def test_the_document_has_the_promised_keys(log: Path) -> None:
    document = json.loads(command("screen", "--json", log).stdout)
    assert document["schema"] == "bootmend.screen/1"
    (one,) = document["screens"]
    promised = ("file", "kind", "stop", "name", "status", "language", "sure")
    assert [one[key] for key in promised] == [str(log), "stop", "0x7B", "INACCESSIBLE_BOOT_DEVICE", None, None, True]


def test_without_a_stop_code_the_exit_code_is_one(log: Path) -> None:
    log.write_text("SAC>\r\nEVENT: The CMD command is now available.\r\nSAC>")
    done = command("screen", log)
    assert (done.returncode, "Windows runs." in done.stdout.decode()) == (1, True)


@pytest.mark.parametrize("data", [b"", b"just text", b"\x89PNG\r\n\x1a\n", bytes(1000)])
def test_what_is_neither_is_one_sentence(log: Path, data: bytes) -> None:
    odd = log.with_name("odd.png")
    odd.write_bytes(data)
    done = command("screen", odd, log)
    assert done.returncode == 4
    assert said(done).startswith(f"bootmend: {odd}: at offset 0x0: expected a picture")
    assert said(done).count("\n") == 1
    # The others are told all the same.
    assert "0x7B" in done.stdout.decode()


def test_a_file_that_is_not_there_and_a_folder_are_one_sentence_each(tmp_path: Path) -> None:
    done = command("screen", tmp_path / "none.png", tmp_path)
    assert done.returncode == 4
    assert "none.png: cannot be read: No such file or directory." in said(done)
    assert said(done).count("\n") == 2


def test_without_tesseract_a_picture_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from PIL import Image

    picture = tmp_path / "any.png"
    Image.new("RGB", (64, 48)).save(picture)
    monkeypatch.setenv("PATH", str(tmp_path))
    done = command("screen", picture)
    assert (done.returncode, "sudo apt-get install -y tesseract-ocr" in said(done)) == (4, True)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("tesseract") is None, reason="tesseract is not installed")
def test_a_picture_is_told_with_its_lines(tmp_path: Path) -> None:
    if not fonts(LATIN):
        pytest.skip("the fonts of generated pictures are not installed (scripts/setup test)")
    picture = tmp_path / "stop.png"
    picture.write_bytes(stop_screen(0x5A, ENGLISH, (1024, 768), Random(3)).data)
    done = command("screen", "--text", picture)
    assert done.returncode == 0
    assert "Stop code 0x5A CRITICAL_SERVICE_FAILED." in done.stdout.decode()
    assert "    | " in done.stdout.decode()


def test_a_pipe_that_nobody_writes_to_is_one_sentence(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    done = command("screen", tmp_path / "pipe")
    assert done.returncode == 4 and "a pipe" in said(done)
