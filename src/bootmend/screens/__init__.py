"""What a machine that does not start shows: its screenshot or its serial log, as values; "unsure" rather than wrong.

picture -> views of it -> engine (tesseract) -> Reading -> kind by phrases, codes by closed lists -> votes -> Screen
serial log ------------------------------------> events in their order -----------------------------> SerialVerdict
"""

from bootmend.screens.picture import looks_like_picture
from bootmend.screens.reading import read_screen
from bootmend.screens.screen import Kind, Screen, SerialVerdict
from bootmend.screens.serial import looks_like_serial_log, read_serial_log

__all__ = [
    "Kind",
    "Screen",
    "SerialVerdict",
    "looks_like_picture",
    "looks_like_serial_log",
    "read_screen",
    "read_serial_log",
]
