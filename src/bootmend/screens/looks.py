"""What a picture without text is, by its pixels: black, a logo, or nothing that can be told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bootmend.screens.picture import Picture
from bootmend.screens.screen import Kind

if TYPE_CHECKING:
    from PIL.Image import Image

DARK = 40
"""A channel below this is black, JPEG's noise included."""
POINTER = (0.03, 0.05)
"""No mouse pointer or cursor is wider or higher than these parts of a screen."""
LEAST, LOGO = 0.003, 0.12
"""A logo and its spinner cover at least and at most these parts, all of it in the middle half of the width."""
PLAIN = 0.6
"""The part of a picture that one colour covers on every screen of plain ground."""


def without_text(picture: Picture) -> Kind | None:
    """Black or logo; None where neither is certain."""
    lit = _lit(picture)
    box = lit.getbbox()
    if box is None or (
        box[2] - box[0] <= POINTER[0] * picture.width and box[3] - box[1] <= POINTER[1] * picture.height
    ):
        return Kind.BLACK
    middle = box[0] >= picture.width / 4 and box[2] <= picture.width * 3 / 4
    part = lit.histogram()[255] / (picture.width * picture.height)
    return Kind.LOGO if middle and LEAST <= part <= LOGO else None


def plain_ground(picture: Picture) -> bool:
    """Whether one colour other than white covers most of it, as on every stop screen."""
    small = picture.colours.resize((96, 72)).quantize(32).convert("RGB")
    counts = small.getcolors(96 * 72) or []
    count, colour = max(counts, key=lambda pair: pair[0])
    return count >= PLAIN * 96 * 72 and isinstance(colour, tuple) and min(colour) < 160


def _lit(picture: Picture) -> Image:
    """White where any channel is more than dark, else black."""
    from PIL import ImageChops

    red, green, blue = picture.colours.split()
    most = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    return most.point([255 * (value > DARK) for value in range(256)])
