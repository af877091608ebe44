"""A picture out of hostile bytes, and the views of it that an engine reads best.

Sizes are checked in the header before a pixel is unpacked. A view is grey, dark text on light ground, and
scaled: text on these screens is white or light on a colour, so the smallest of a pixel's three channels
parts it from any ground (blue, black, green, red) better than its brightness does.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bootmend.errors import ParseError, Unequipped
from bootmend.texts import say

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_BYTES = 64 << 20
MAX_PIXELS = 36_000_000
"""An 8K screen; nothing that a machine shows is larger."""
KEPT_PIXELS = 9_000_000
"""A 4K screen; the text of a larger one is read as well when it is made smaller."""
MIN_SIDE = 16
MAX_SIDE = 16_384
VIEW_PIXELS = 16_000_000
"""No view is larger: it bounds the engine's memory and time."""
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP")
SIGNATURES = (b"\x89PNG", b"\xff\xd8\xff", b"BM", b"GIF8", b"RIFF")

Box = tuple[int, int, int, int]
"""Left, top, right, bottom, in pixels of the picture."""


def looks_like_picture(start: bytes) -> bool:
    """By its first bytes."""
    return start.startswith(SIGNATURES)


@dataclass(frozen=True, slots=True)
class View:
    """What an engine is given, and how to get back: picture pixel = origin + view pixel / scale."""

    image: Image
    scale: float
    left: int = 0
    top: int = 0


@dataclass(frozen=True, slots=True)
class Picture:
    name: str
    colours: Image
    light: Image
    """The smallest channel of each pixel: light where the text is."""
    moves: bool = False
    """Other pictures come behind this one in the file."""

    @property
    def width(self) -> int:
        return self.colours.width

    @property
    def height(self) -> int:
        return self.colours.height

    def view(self, scale: float, box: Box | None = None) -> View:
        """Dark text on light ground, enlarged; of the whole picture or a part of it."""
        from PIL import Image, ImageOps

        left, top, right, bottom = box or (0, 0, self.width, self.height)
        part = self.light.crop((left, top, right, bottom))
        scale = min(scale, (VIEW_PIXELS / (part.width * part.height)) ** 0.5)
        if _mean(part) < 128:
            part = ImageOps.invert(part)
        size = (max(1, round(part.width * scale)), max(1, round(part.height * scale)))
        return View(ImageOps.autocontrast(part.resize(size, Image.Resampling.LANCZOS)), scale, left, top)


def open_picture(data: bytes, name: str) -> Picture:
    """The picture, unpacked. `ParseError` where it is none, is cut off, or is larger than any screen."""
    try:
        from PIL import Image, ImageChops, ImageOps
    except ImportError:
        raise Unequipped(say("screens.no_pillow")) from None
    if len(data) > MAX_BYTES:
        raise ParseError(name, 0, say("screens.expected_small", limit=MAX_BYTES >> 20), f"{len(data) >> 20} MiB")
    if not looks_like_picture(data):
        raise ParseError(name, 0, say("screens.expected_picture"))
    # The decoders raise nearly everything on broken input, and warn of a large picture where we refuse it.
    Image.MAX_IMAGE_PIXELS = None
    try:
        opened = Image.open(io.BytesIO(data), formats=FORMATS)
    except Exception as error:
        raise ParseError(name, 0, say("screens.expected_picture"), _brief(error)) from None
    width, height = opened.size
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE or min(width, height) < MIN_SIDE:
        raise ParseError(
            name, 0, say("screens.expected_size", least=MIN_SIDE, most=MAX_PIXELS // 1_000_000), f"{width}x{height}"
        )
    try:
        moves = bool(getattr(opened, "is_animated", False))
        opened.load()
        colours = ImageOps.exif_transpose(opened).convert("RGB")
        width, height = colours.size
        if width * height > KEPT_PIXELS:
            part = (KEPT_PIXELS / (width * height)) ** 0.5
            colours = colours.resize((round(width * part), round(height * part)), Image.Resampling.BOX)
    except Exception as error:
        raise ParseError(name, len(data), say("screens.expected_rest"), _brief(error)) from None
    red, green, blue = colours.split()
    return Picture(name, colours, ImageChops.darker(ImageChops.darker(red, green), blue), moves)


def _brief(error: Exception) -> str:
    told = str(error)
    return (told if told and "object at 0x" not in told else type(error).__name__).splitlines()[0][:80]


def _mean(grey: Image) -> float:
    counts = grey.histogram()
    return sum(value * count for value, count in enumerate(counts)) / max(1, sum(counts))
