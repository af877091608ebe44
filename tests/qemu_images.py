"""Images in QEMU's formats, made by qemu-img from raw content; tests skip where it is missing."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest


def run(*command: str) -> str:
    """The program's output; a failure fails the test, a missing program skips it."""
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout
    except FileNotFoundError:
        pytest.skip(f"{command[0]} is not installed")


def make_image(content: bytes, folder: Path, image_format: str, options: str = "") -> Path:
    """`content` (of whole sectors) as an image of the given format."""
    raw, image = folder / "content.raw", folder / f"disk.{image_format}"
    raw.write_bytes(content)
    run(
        "qemu-img",
        "convert",
        "-f",
        "raw",
        "-O",
        image_format,
        *(["-o", options] if options else []),
        str(raw),
        str(image),
    )
    return image


def content_of(image: Path, image_format: str) -> bytes:
    """What QEMU itself reads from the image."""
    raw = image.with_suffix(".back")
    run("qemu-img", "convert", "-f", image_format, "-O", "raw", str(image), str(raw))
    return raw.read_bytes()
