"""The QR code of a stop screen: it always leads to windows.com/stopcode. It says that Windows stopped, never why."""

from __future__ import annotations

from bootmend.screens.picture import Picture


def says_stop(picture: Picture) -> bool:
    """Whether a QR code to Windows' page on stop codes is on the picture; False, too, without its reader."""
    try:
        import zxingcpp
    except ImportError:
        return False
    return any("windows.com/stopcode" in found.text for found in zxingcpp.read_barcodes(picture.colours))
