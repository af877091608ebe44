"""What a picture without text is, by its pixels: black, a logo, or nothing that can be told."""

from __future__ import annotations

from bootmend.screens.picture import Picture
from bootmend.screens.screen import Kind

DARK = 40
"""A channel below this is black, JPEG's noise included."""
POINTER = 0.004
"""A mouse pointer or cursor covers no larger part of a screen."""
LOGO = 0.12
"""A logo and its spinner cover no larger part."""
PLAIN = 0.6
"""The part of a picture that one colour covers on every screen of plain ground."""


def without_text(picture: Picture) -> Kind | None:
    """Black or logo; None where neither is certain."""
    lit = _lit(picture)
    if lit <= POINTER:
        return Kind.BLACK
    return Kind.LOGO if lit <= LOGO and _in_the_middle(picture) else None


def plain_ground(picture: Picture) -> bool:
    """Whether one colour other than white covers most of it, as on every stop screen."""
    small = picture.colours.resize((96, 72)).quantize(32).convert("RGB")
    counts = small.getcolors(96 * 72) or []
    count, colour = max(counts, key=lambda pair: pair[0])
    return count >= PLAIN * 96 * 72 and isinstance(colour, tuple) and min(colour) < 160


def _lit(picture: Picture) -> float:
    return _brightest(picture).count(1) / (picture.width * picture.height)


def _brightest(picture: Picture) -> bytes:
    """A byte a pixel: 1 where any channel is more than dark."""
    from PIL import ImageChops

    red, green, blue = picture.colours.split()
    most = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    return most.point([int(value > DARK) for value in range(256)]).tobytes()


def _in_the_middle(picture: Picture) -> bool:
    """Whether all that is lit stands in the middle third of the width: logo above, spinner below."""
    from PIL import Image

    lit = Image.frombytes("L", (picture.width, picture.height), _brightest(picture))
    box = lit.getbbox()
    return box is not None and box[0] >= picture.width / 4 and box[2] <= picture.width * 3 / 4
