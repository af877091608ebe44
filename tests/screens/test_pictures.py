"""Pictures, read by tesseract: real ones with their labels, and generated ones. None may be read wrong.

The full table is `benchmarks/screens.py`; here a few of each kind keep the suite short.
"""

from __future__ import annotations

import io
import shutil
from random import Random

import pytest
from PIL import Image, ImageDraw, ImageFont
from screen_pictures import (
    ENGLISH,
    HANGUL,
    KOREAN,
    LATIN,
    LIKELY,
    Drawn,
    Words,
    article_screen,
    boot_manager_screen,
    encoded,
    fonts,
    plain_screen,
    recovery_menu,
    stop_screen,
    text_about,
)
from screen_truth import judge, labelled

from bootmend.screens import Kind, Screen, read_screen
from bootmend.screens.codes import stop_codes
from bootmend.screens.picture import open_picture
from bootmend.screens.rapid import second_engine

pytestmark = pytest.mark.skipif(shutil.which("tesseract") is None, reason="tesseract is not installed")

FEW = (
    "win10_bsod_critical_process_died.png",
    "bootmgr_c0000428_winload.png",
    "update_error_c01a001d.png",
    "logo_spinner_no_text.png",
    "black_screen_cursor.jpg",
)
SEED = 20_000


def told(truth: Drawn) -> Screen:
    return read_screen(truth.data, truth.name)


def needs_fonts() -> None:
    if not fonts(LATIN) or not fonts(HANGUL):
        pytest.skip("the fonts of generated pictures are not installed (scripts/setup test)")


@pytest.mark.data
@pytest.mark.slow
def test_real_pictures_are_read_right() -> None:
    assert {one.name: judge(told(one), one) for one in labelled() if one.name in FEW} == dict.fromkeys(FEW, "right")


@pytest.mark.data
@pytest.mark.slow
def test_the_file_that_failed_is_told_with_its_code() -> None:
    real = {one.name: one for one in labelled()}
    stop = told(real["win10_bsod_irql_1024x768.png"])
    assert (stop.stop_name, stop.image, stop.percent) == ("DRIVER_IRQL_NOT_LESS_OR_EQUAL", "myfault.sys", 0)
    manager = told(real["bootmgr_c0000225_atapi.png"])
    assert (manager.status, manager.image) == (0xC0000225, "\\windows\\system32\\drivers\\atapi.sys")


@pytest.mark.slow
@pytest.mark.parametrize("which", ["en-1", "ko-1", "ko-2"])
def test_the_articles_screens_are_read(which: str) -> None:
    needs_fonts()
    truth = article_screen(which, (1024, 768), Random(SEED))
    seen = told(truth)
    assert judge(seen, truth) == "right"
    assert (seen.stop, seen.language) == (0x5A, which[:2])


@pytest.mark.slow
@pytest.mark.parametrize("words", [ENGLISH, KOREAN], ids=["en", "ko"])
def test_generated_stop_screens_are_never_read_wrong(words: Words) -> None:
    needs_fonts()
    random = Random(SEED)
    drawn = [
        stop_screen(code, words, size, random) for code, size in zip(LIKELY[:2], ((1024, 768), (600, 450)), strict=True)
    ]
    verdicts = {one.name: judge(told(one), one) for one in drawn}
    assert "wrong" not in verdicts.values(), verdicts
    assert verdicts[drawn[0].name] == "right"


@pytest.mark.slow
def test_a_stop_screen_in_a_language_that_nobody_told_us_of_is_one() -> None:
    """By its plain ground and its code, which is Latin everywhere, or by its QR code."""
    needs_fonts()
    words = Words(
        "",
        "Napotkano problem i trzeba ponownie uruchomic komputer. Zbieramy dane o tym, co sie stalo.",
        "Ukonczono {percent}%",
        "Wiecej informacji na ten temat znajdziesz na naszej stronie",
        "Kontaktujac sie z pomoca techniczna, podaj te dane:",
        "Kod zatrzymania: {code}",
        "Co zawiodlo: {file}",
        "Szukaj w internecie: {code}",
    )
    truth = stop_screen(0xED, words, (1024, 768), Random(SEED))
    seen = told(truth)
    assert (seen.kind, seen.sure, seen.stop, seen.language) == (Kind.STOP, True, 0xED, None)


@pytest.mark.slow
def test_other_generated_screens_are_read() -> None:
    needs_fonts()
    random = Random(SEED)
    drawn = [
        boot_manager_screen(0xC000000F, "\\Boot\\BCD", (1024, 768), random),
        plain_screen(
            "bios",
            ("No operating system was loaded. Your virtual machine may be configured", "incorrectly."),
            (1024, 768),
            random,
        ),
        plain_screen("other", ("Press Ctrl+Alt+Delete to unlock.", "10:41"), (1024, 768), random),
    ]
    assert {one.name: judge(told(one), one) for one in drawn} == {one.name: "right" for one in drawn}


def test_a_picture_of_noise_is_unsure() -> None:
    out = io.BytesIO()
    Image.effect_noise((96, 72), 90).convert("RGB").save(out, "PNG")
    seen = read_screen(out.getvalue(), "noise")
    assert (seen.kind, seen.sure, seen.stop, seen.status) == (Kind.OTHER, False, None, None)


@pytest.mark.slow
def test_the_second_engine_gives_lines_at_their_place() -> None:
    """Where someone installed it; it is no part of the set-up."""
    pytest.importorskip("rapidocr_onnxruntime")
    needs_fonts()
    picture = open_picture(stop_screen(0x5A, ENGLISH, (1024, 768), Random(3)).data, "drawn")
    engine = second_engine()
    assert engine is not None
    lines = engine.read(picture.view(2.0))
    assert 0x5A in stop_codes([line.text for line in lines])
    assert all(0 <= line.left < line.right <= 1024 + 8 and 0 <= line.top < line.bottom <= 768 + 8 for line in lines)


@pytest.mark.slow
@pytest.mark.parametrize("at", range(4))
def test_a_text_about_a_screen_is_no_screen(at: int) -> None:
    needs_fonts()
    truth = text_about(LIKELY[at], ((1024, 768), (1280, 720))[at % 2], Random(SEED + at))
    seen = told(truth)
    assert judge(seen, truth) == "right" and (seen.stop, seen.status, seen.image) == (None, None, None)


@pytest.mark.slow
def test_the_menu_after_a_failed_start_is_no_error_of_the_boot_manager() -> None:
    needs_fonts()
    truth = recovery_menu((1024, 768), Random(SEED))
    assert judge(told(truth), truth) == "right"


OLD = (
    "Wystapil problem i system zostal zatrzymany, aby zapobiec uszkodzeniu komputera.",
    "",
    "INACCESSIBLE_BOOT_DEVICE",
    "",
    "Informacje techniczne:",
    "",
    "*** STOP: 0x0000007B (0xFFFFF880009A97E8,0xFFFFFFFFC0000034,0x0000000000000000,0x0000000000000000)",
)


@pytest.mark.slow
@pytest.mark.parametrize(("ground", "sure"), [((0, 0, 170), True), ((0, 0, 128), True), ((12, 12, 12), False)])
def test_white_on_blue_a_line_with_four_parameters_is_a_stop(ground: tuple[int, int, int], sure: bool) -> None:
    """As up to Windows 7, in whatever language; in a terminal the same line is none."""
    needs_fonts()
    picture = Image.new("RGB", (1024, 768), ground)
    font = ImageFont.truetype(str(fonts(LATIN)[0]), 17)
    for row, line in enumerate(OLD):
        ImageDraw.Draw(picture).text((8, 12 + 22 * row), line, "white", font)
    seen = read_screen(encoded(picture))
    assert (seen.kind is Kind.STOP, seen.sure) == (sure, sure)
    assert seen.stop == (0x7B if sure else None)


@pytest.mark.slow
def test_what_somebody_typed_is_no_screen() -> None:
    needs_fonts()
    picture = Image.new("RGB", (1024, 768), (0, 0, 128))
    font = ImageFont.truetype(str(fonts(LATIN)[0]), 17)
    for row, line in enumerate(("C:\\Users\\ana> type stop.txt", "", *OLD, "", "C:\\Users\\ana>")):
        ImageDraw.Draw(picture).text((8, 12 + 22 * row), line, "white", font)
    seen = read_screen(encoded(picture))
    assert (seen.kind, seen.sure, seen.stop, seen.status) == (Kind.OTHER, False, None, None)


def test_black_that_moves_is_not_called_black() -> None:
    out = io.BytesIO()
    frames = [Image.new("RGB", (640, 480), colour) for colour in ((0, 0, 0), (200, 30, 30))]
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:])
    assert not read_screen(out.getvalue()).sure
    out = io.BytesIO()
    frames[0].save(out, "GIF")
    seen = read_screen(out.getvalue())
    assert seen.sure and seen.kind is Kind.BLACK


def test_a_turned_photo_is_turned_back() -> None:
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (640, 480)).save(out, "JPEG", exif=exif)
    picture = open_picture(out.getvalue(), "x")
    assert (picture.width, picture.height) == (480, 640)
