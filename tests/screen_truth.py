"""What pictures of screens truly show: the labels of the local test data, and how an answer is held against them."""

from __future__ import annotations

import json

from sample_data import need
from screen_pictures import Drawn, all_codes

from bootmend.screens import Screen

KINDS = {
    "bsod_win10": "stop",
    "bsod_win7": "stop",
    "bsod_hw": "stop",
    "boot_manager": "boot_manager",
    "recovery_blue": "recovery",
    "bios_text": "bios",
    "boot_menu": "menu",
    "getting_ready": "getting_ready",
    "updating": "updating",
    "winre": "winre",
    "setup_dialog": "setup",
    "stuck_policy": "stuck",
    "shutdown": "stuck",
    "logo": "logo",
    "black": "black",
}
"""The labels' words for the kinds, and ours."""
CODES = {"HARDWARE_MALFUNCTION": None, "DRIVER_IRQL_NOT_LES_OR_EQUAL": 0xD1}
"""A screen without a stop code, and one whose name is misspelt while `STOP: 0x000000D1` stands on it."""


def labelled() -> list[Drawn]:
    """The labelled real pictures; skips the test where the data is missing."""
    rows = [json.loads(row) for row in need("screenshots/labels.jsonl").read_text(encoding="utf-8").splitlines()]
    return [_truth(row) for row in rows]


def _truth(row: dict[str, str]) -> Drawn:
    kind, code = KINDS[row["kind"]], row["code"]
    number = int(code, 16) if code.startswith("0x") else None
    by_name = {name: one for one, name in all_codes().items()}
    stop = (CODES[code] if code in CODES else number or by_name[code]) if kind == "stop" else None
    status = number if number is not None and number >> 28 == 0xC else None
    language = "" if kind in ("logo", "black") else row["lang"]
    return Drawn(row["file"], need(f"screenshots/{row['file']}").read_bytes(), kind, language, stop, status)


def judge(told: Screen, truth: Drawn) -> str:
    """`right`, `unsure`, or `wrong`: a wrong code or file is wrong whether it is called sure or not."""
    if told.stop not in (None, truth.stop) or told.status not in (None, truth.status):
        return "wrong"
    if told.sure and told.kind != truth.kind:
        return "wrong"
    if told.image is not None and truth.file is not None and told.image != truth.file:
        return "wrong"
    if truth.kind == "other" and not truth.language:  # a text about screens: to be sure of nothing is right
        return "wrong" if told.sure and told.kind != "other" else "right"
    complete = (told.stop, told.status) == (truth.stop, truth.status)
    return "right" if told.sure and complete and told.kind == truth.kind else "unsure"
