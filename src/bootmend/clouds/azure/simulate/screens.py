"""Pictures of screens, generated: none was taken of a machine. They are drawn with a free font of their own.

What stands on them: Microsoft's articles on boot errors (https://learn.microsoft.com/troubleshoot/azure/virtual-machines/windows).
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from bootmend.clouds.azure.simulate.wire import Json
from bootmend.errors import Unequipped
from bootmend.texts import say

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

SIZE = (1024, 768)
_BLUE = (0, 120, 215)
_BLACK = (0, 0, 0)
_WHITE = (255, 255, 255)
_GREY = (200, 200, 200)


def picture(phase: str, outcome: Json) -> bytes:
    """The screen as a PNG."""
    try:
        from PIL import Image, ImageDraw
    except ImportError as error:
        raise Unequipped(say("azure_simulate.no_pillow")) from error
    shown = Image.new("RGB", SIZE, _BLUE if phase == "stop" else _BLACK)
    draw = ImageDraw.Draw(shown)
    paint = {"stop": _stop, "boot_manager": _boot_manager, "ready": _sign_in, "stuck": _stuck, "booting": _logo}.get(
        phase
    )
    if paint is not None:
        paint(draw, outcome)
    out = io.BytesIO()
    shown.save(out, "PNG")
    return out.getvalue()


def _write(draw: ImageDraw, at: tuple[int, int], text: str, size: int, fill: tuple[int, int, int] = _WHITE) -> None:
    from PIL import ImageFont

    draw.multiline_text(at, text, fill=fill, font=ImageFont.load_default(size), spacing=size // 2)


def _stop(draw: ImageDraw, outcome: Json) -> None:
    _write(draw, (100, 90), ":(", 110)
    text = (
        "Your PC ran into a problem and needs to restart.\n"
        "We're just collecting some error info, and then we'll\nrestart for you."
    )
    _write(draw, (100, 270), text, 28)
    _write(draw, (100, 420), "20% complete", 28)
    _write(draw, (100, 520), "If you call a support person, give them this info:", 20)
    _write(draw, (100, 560), f"Stop code: {str(outcome.get('name', outcome.get('stop', ''))).replace('_', ' ')}", 20)
    if outcome.get("file"):
        _write(draw, (100, 600), f"What failed: {outcome['file']}", 20)


def _boot_manager(draw: ImageDraw, outcome: Json) -> None:
    draw.rectangle((0, 0, SIZE[0], 30), fill=_GREY)
    _write(draw, (380, 4), "Windows Boot Manager", 20, _BLACK)
    text = (
        "Windows failed to start. A recent hardware or software change might be the\n"
        "cause. To fix the problem:\n\n"
        f"    File: {outcome.get('file', '')}\n\n"
        f"    Status: {outcome.get('status', '')}\n"
    )
    _write(draw, (30, 60), text, 22, _GREY)


def _sign_in(draw: ImageDraw, _: Json) -> None:
    draw.rectangle((0, 0, *SIZE), fill=(0, 40, 80))
    _write(draw, (80, 520), "9:41", 90)
    _write(draw, (80, 640), "Sunday, November 22", 36)
    _write(draw, (330, 60), "Press Ctrl+Alt+Delete to unlock.", 26)


def _stuck(draw: ImageDraw, _: Json) -> None:
    draw.ellipse((480, 300, 544, 364), outline=_WHITE, width=4)
    _write(draw, (440, 400), "Please wait", 30)


def _logo(draw: ImageDraw, _: Json) -> None:
    for left, top in ((432, 250), (516, 250), (432, 334), (516, 334)):
        draw.rectangle((left, top, left + 76, top + 76), fill=_BLUE)
    draw.ellipse((500, 560, 524, 584), outline=_WHITE, width=3)
