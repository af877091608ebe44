"""What a picture without text is, by its pixels: black, a logo, or nothing that can be told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bootmend.screens.lines import Line
from bootmend.screens.picture import Picture
from bootmend.screens.screen import Kind

if TYPE_CHECKING:
    from PIL.Image import Image

DARK = 40
"""A channel below this is black, JPEG's noise included."""
POINTER = (0.03, 0.05)
"""No mouse pointer or cursor is wider or higher than these parts of a screen."""
DEEP, OTHER = 96, 64
"""The blue of the stop screens up to Windows 7 (0, 0, 128 to 170) and the most of its other channels."""
SOLID = 0.97
"""A rectangle that is filled so far has no panes."""
LEAST, LOGO = 0.003, 0.12
"""A logo and its spinner cover at least and at most these parts, all of it in the middle half of the width."""


def without_text(picture: Picture) -> Kind | None:
    """Black or logo; None where neither is certain."""
    lit = _lit(picture)
    box = lit.getbbox()
    if box is None or (
        box[2] - box[0] <= POINTER[0] * picture.width and box[3] - box[1] <= POINTER[1] * picture.height
    ):
        return Kind.BLACK
    middle = box[0] >= picture.width / 4 and box[2] <= picture.width * 3 / 4
    count = lit.histogram()[255]
    if count >= SOLID * (box[2] - box[0]) * (box[3] - box[1]):
        return None  # an empty window, or its bar
    part = count / (picture.width * picture.height)
    return Kind.LOGO if middle and LEAST <= part <= LOGO else None


def on_blue(picture: Picture) -> bool:
    """Whether most of it is of a deep blue, as the stop screens of old are."""
    from PIL import ImageChops

    red, green, blue = picture.colours.split()
    others = ImageChops.lighter(red, green).point([255 * (value < OTHER) for value in range(256)])
    deep = blue.point([255 * (value >= DEEP) for value in range(256)])
    return ImageChops.multiply(others, deep).histogram()[255] > picture.width * picture.height / 2


def _lit(picture: Picture) -> Image:
    """White where any channel is more than dark, else black."""
    from PIL import ImageChops

    red, green, blue = picture.colours.split()
    most = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    return most.point([255 * (value > DARK) for value in range(256)])


def on_paper(picture: Picture, lines: Sequence[Line]) -> bool:
    """Whether most of the text stands on white, as in browsers and documents."""
    white = black = 0
    for line in lines:
        letters = sum(sign.isalnum() for sign in line.text)
        if letters < 8:
            continue
        box = (
            max(0, line.left - 2),
            max(0, line.top - 2),
            min(picture.width, line.right + 2),
            min(picture.height, line.bottom + 2),
        )
        part = picture.light.crop(box).histogram()
        if sum(part[200:]) > sum(part) / 2:
            white += letters
        else:
            black += letters
    return white > black
