"""The table of phrases: each tells its own screen, misread or broken over lines too."""

from __future__ import annotations

import tomllib
from importlib import resources
from random import Random

import pytest

from bootmend.screens.phrases import what_screen

TABLE = tomllib.loads(resources.files("bootmend.screens").joinpath("phrases.toml").read_text(encoding="utf-8"))
PHRASES = [
    (row["kind"], row.get("detail"), language or None, text)
    for row in TABLE["screen"]
    for language, texts in row.items()
    if isinstance(texts, list)
    for text in texts
]


def test_a_phrase_makes_its_own_screen() -> None:
    others = {}
    for kind, detail, language, text in PHRASES:
        seen = what_screen(["", text, "noise %$"])
        if seen is None or (seen.kind, seen.detail, seen.language) != (kind, detail, language):
            others[text] = seen
    assert others == {}


def test_a_long_phrase_is_known_with_a_misread_letter_and_over_two_lines() -> None:
    random = Random(1)
    missed = {}
    for kind, _, _, text in PHRASES:
        if len(text) > 40:
            at = random.randrange(len(text))
            words = (text[:at] + "§" + text[at + 1 :]).split()
            half = len(words) // 2
            seen = what_screen([" ".join(words[:half]), " ".join(words[half:])])
            if seen is None or seen.kind != kind:
                missed[text] = seen
    assert missed == {}


@pytest.mark.parametrize("text", ["", "SUSU", "The quick brown fox jumps over the lazy dog", "Windows Server 2012 R2"])
def test_other_text_makes_no_screen(text: str) -> None:
    assert what_screen([text]) is None


def test_a_button_is_no_phrase_that_is_one_syllable_longer() -> None:
    assert what_screen(["다시 시작", "고급 옵션"]) is None
    seen = what_screen(["시동 복구로 PC를 복구할 수 없습니다.", "다시 시작", "고급 옵션"])
    assert seen is not None and (seen.kind, seen.language) == ("winre", "ko")


def test_bitlocker_in_korean_is_no_english_by_its_address() -> None:
    lines = ["BitLocker =", "to see how: http://windows.microsoft.com/recoverykeyfaq"]
    assert what_screen(lines) is None
    seen = what_screen(["BitLocker 복구", "이 드라이브의 복구 키를 입력하세요.", *lines])
    assert seen is not None and (seen.detail, seen.language) == ("bitlocker", "ko")


def test_a_boot_manager_error_that_speaks_of_the_menu_is_none() -> None:
    seen = what_screen(
        [
            "A recent hardware or software change might have installed a file that is signed",
            "incorrectly or damaged, or that might be malicious software from an unknown",
            "to display the boot menu, press F8 for Advanced Boot Options, and select Last",
        ]
    )
    assert seen is not None
    assert seen.kind == "boot_manager"
