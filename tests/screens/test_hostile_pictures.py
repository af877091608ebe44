"""Pictures as an enemy makes them: one sentence each, bounded time and memory, no reading of what is no picture."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path
from random import Random

import pytest
from PIL import Image
from screen_pictures import encoded

from bootmend.errors import InputError, ParseError, Unequipped
from bootmend.screens import Kind, looks_like_picture, read_screen, tesseract
from bootmend.screens.looks import without_text
from bootmend.screens.picture import open_picture


def png_chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_of(width: int, height: int) -> bytes:
    """A PNG whose header claims this size and whose pixels are zeros, compressed a thousandfold."""
    rows = zlib.compress(bytes(min(width * height, 4_000_000)), 9)
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", head) + png_chunk(b"IDAT", rows) + png_chunk(b"IEND", b"")


NOISE = Image.effect_noise((320, 200), 60).convert("RGB")


@pytest.mark.parametrize("size", [(100_000, 100_000), (2_000_000_000, 1), (30_000, 20), (8_000, 8_000), (8, 8)])
def test_a_size_no_screen_has_is_refused_by_the_header(size: tuple[int, int]) -> None:
    with pytest.raises(ParseError, match="expected a screen of 16 pixels a side to 36 megapixels"):
        open_picture(png_of(*size), "bomb.png")


@pytest.mark.parametrize("data", [b"", b"\x89PNG", b"BM", b"hello", b"\x00" * 4096, b"\xff\xd8\xff", b"GIF89a"])
def test_what_is_no_picture_is_said_to_be_none(data: bytes) -> None:
    with pytest.raises(ParseError, match=r"odd\.png: at offset 0x0: expected a picture"):
        open_picture(data, "odd.png")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_a_cut_picture_is_refused(kind: str) -> None:
    whole = encoded(NOISE, kind)
    for part in (3, 5, 9):
        with pytest.raises(ParseError, match="cut: at offset"):
            open_picture(whole[: len(whole) * part // 10], "cut")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "GIF", "WEBP"])
def test_changed_bytes_end_in_a_picture_or_a_sentence(kind: str) -> None:
    random = Random(kind)
    whole = encoded(NOISE.resize((64, 48)), kind)
    refused = 0
    for _ in range(150):
        changed = bytearray(whole)
        for _ in range(random.randint(1, 8)):
            changed[random.randrange(min(len(changed), random.choice((60, len(changed)))))] = random.randrange(256)
        try:
            open_picture(bytes(changed), "changed")
        except ParseError as error:
            refused += 1
            assert str(error).startswith("changed: at offset 0x"), error
            assert "\n" not in str(error), error
    assert refused


def test_a_text_chunk_that_unpacks_to_a_gigabyte_is_refused() -> None:
    bomb = png_chunk(b"zTXt", b"Comment\x00\x00" + zlib.compress(bytes(100_000_000), 9))
    whole = encoded(NOISE)
    with pytest.raises(ParseError, match="expected"):
        open_picture(whole[:33] + bomb + whole[33:], "text.png")


def test_every_format_of_the_help_is_one() -> None:
    for kind in ("PNG", "JPEG", "BMP", "GIF", "WEBP"):
        data = encoded(NOISE, kind)
        assert looks_like_picture(data)
        assert (open_picture(data, kind).width, open_picture(data, kind).height) == (320, 200)


def test_black_and_logo_are_told_by_their_pixels_and_nothing_else_is() -> None:
    def kind(*boxes: tuple[int, int, int, int], ground: str = "black") -> Kind | None:
        picture = Image.new("RGB", (1024, 768), ground)
        for box in boxes:
            picture.paste((0, 173, 239), box)
        return without_text(open_picture(encoded(picture), "drawn"))

    assert kind() is Kind.BLACK
    assert kind((500, 400, 512, 420)) is Kind.BLACK
    assert kind((460, 250, 560, 350), (500, 600, 520, 620)) is Kind.LOGO
    panes = ((460, 250, 508, 298), (512, 250, 560, 298), (460, 302, 508, 350), (512, 302, 560, 350))
    assert kind(*panes) is Kind.LOGO
    assert kind((462, 280, 562, 350)) is None  # an empty window
    assert kind((100, 400, 180, 404)) is None
    assert kind((0, 700, 1024, 740)) is None
    assert kind(ground="navy") is None


def fake_tesseract(folder: Path, script: str) -> None:
    program = folder / "tesseract"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def test_an_engine_that_hangs_or_fails_is_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/usr/bin:/bin")
    monkeypatch.setattr(tesseract, "SECONDS", 1)
    fake_tesseract(tmp_path, "while :; do :; done")
    with pytest.raises(InputError, match="did not come to an end"):
        read_screen(encoded(NOISE), "busy")
    monkeypatch.setattr(tesseract, "PATIENCE", 0.3)
    fake_tesseract(tmp_path, "exec sleep 20")
    with pytest.raises(InputError, match="did not come to an end"):
        read_screen(encoded(NOISE), "asleep")
    monkeypatch.setattr(tesseract, "PATIENCE", 150)
    fake_tesseract(tmp_path, "exit 3")
    with pytest.raises(InputError, match="ended with code 3"):
        read_screen(encoded(NOISE), "failing")


def test_without_tesseract_the_sentence_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unequipped, match="apt-get install -y tesseract-ocr tesseract-ocr-kor"):
        read_screen(encoded(NOISE), "any")
