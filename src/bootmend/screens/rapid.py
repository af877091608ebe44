"""rapidocr over ONNX as a second engine, where someone installed it: better on small pictures, ten times as large."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

from bootmend.screens.lines import MAX_LINES, Reading, placed, top_down
from bootmend.screens.picture import View


class RapidOcr:
    """https://rapidai.github.io/RapidOCRDocs: a list of (four corners, text, score), or None."""

    def __init__(self) -> None:
        self._numpy: Any = import_module("numpy")
        self._read: Any = import_module("rapidocr_onnxruntime").RapidOCR()

    def read(self, view: View) -> Reading:
        found, _ = self._read(self._numpy.asarray(view.image.convert("RGB")))
        lines = []
        for corners, text, _ in (found or [])[:MAX_LINES]:
            across, down = [corner[0] for corner in corners], [corner[1] for corner in corners]
            lines.append(placed(text, (min(across), min(down), max(across), max(down)), view))
        return top_down(lines)


@cache
def second_engine() -> RapidOcr | None:
    try:
        return RapidOcr()
    except ImportError:
        return None
