"""The page of a result: everything of it is there, nothing of it is markup, nothing comes from elsewhere."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from command_line import command, said
from lab_machines import broken

from bootmend.errors import InputError
from bootmend.repair import diagnose, propose
from bootmend.reports import document
from bootmend.reports.page import html
from bootmend.reports.result_file import Node, read_result

EVIL = "<script>alert(1)</script><img src=x onerror=y>&\"'"


class Texts(HTMLParser):
    """The words of a page, its tags, and every attribute."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: dict[str, list[str]] = {}
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            self.attributes.setdefault(name, []).append(value or "")

    def handle_data(self, data: str) -> None:
        self.text += data


def result_of(fault: str, *, repair: bool = False) -> dict[str, Any]:
    with broken(2, fault) as sample:
        if repair:
            proposal = propose(sample.disk, sample.given)
            proposal.diagnosis.image.close()
            found = document.repair(sample.disk, proposal, None, 1.0)
        else:
            result = diagnose(sample.disk, sample.given)
            found = document.diagnosis(sample.disk, result, datetime.now(UTC))
            result.image.close()
    return dict(json.loads(json.dumps(found)))


def page_of(held: dict[str, Any]) -> str:
    return html(Node("x", "", held))


def test_everything_is_on_it() -> None:
    held = result_of("catalog-lost+crash-dump", repair=True)
    shown = Texts(page_of(held))
    for finding in held["findings"]:
        for words in (finding["title"], finding["why"], *(one["what"] for one in finding["evidence"])):
            assert words in shown.text
        assert all(one["target"] in shown.text for one in finding["actions"])
    for words in (*held["dump"]["told"], *(one["what"] for one in held["timeline"]), held["prediction"]["why"]):
        assert words in shown.text
    assert shown.text.count("stops here") == 1
    assert shown.tags.count("rect") == 10
    assert "bytes would change" in shown.text


@pytest.mark.parametrize(("fault", "red", "grey"), [("healthy", 0, 0), ("bcd-missing", 1, 6), ("catalog-lost", 1, 0)])
def test_the_picture_shows_where_it_stops(fault: str, red: int, grey: int) -> None:
    fills = Texts(page_of(result_of(fault))).attributes["fill"]
    assert (fills.count("#fbe3e1"), fills.count("#f4f4f4")) == (red, grey)
    assert fills.count("#e8f6ec") == 10 - red - grey


def test_nothing_off_a_disk_is_markup() -> None:
    clean = result_of("catalog-lost+crash-dump", repair=True)

    def spoilt(node: Any, name: str = "") -> Any:
        if isinstance(node, dict):
            return {key: spoilt(one, key) for key, one in node.items()}
        if isinstance(node, list):
            return [spoilt(one) for one in node]
        return EVIL if isinstance(node, str) and name != "stops_at" else node

    page = page_of(spoilt(clean))
    shown, before = Texts(page), Texts(page_of(clean))
    assert sorted(set(shown.tags)) == sorted(set(before.tags))
    assert set(shown.attributes) == set(before.attributes)
    assert EVIL in shown.text
    assert set(shown.tags) & {"script", "img", "a", "link", "iframe", "object", "form"} == set()
    assert not re.search(r"https?:|url\(|@import", page)


def test_an_undo_has_no_way_to_show() -> None:
    held: dict[str, Any] = {
        "schema": "bootmend.result/1",
        "command": "undo",
        "windows": [],
        "findings": [],
        "healthy": None,
    }
    shown = Texts(page_of({**held, "commit": {"journal": "j", "patches": 1, "bytes": 7, "verified": True}}))
    assert "svg" not in shown.tags
    assert "7 bytes" in shown.text


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"findings": 7}, "findings: expected a list"),
    ({"findings": [7]}, "findings: expected a list of objects"),
    ({"findings": [{"title": 7}]}, "findings[0].title: expected text"),
    ({"healthy": "no"}, "healthy: expected true or false"),
    ({"prediction": []}, "prediction: expected an object"),
    ({"notes": [1]}, "notes: expected a list of texts"),
    ({"commit": {"bytes": "x"}}, "commit.bytes: expected a number"),
]


@pytest.mark.parametrize(("held", "sentence"), WRONG)
def test_a_member_of_another_kind_is_named(held: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=re.escape(sentence)):
        page_of(held)


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b"{}", b'{"schema": "bootmend.drivers/1"}', b"\xff\xfe", b"[" * 100_000]
)
def test_what_is_no_result_is_refused(data: bytes, tmp_path: Path) -> None:
    file = tmp_path / "r.json"
    file.write_bytes(data)
    with pytest.raises(InputError, match=r"r\.json"):
        read_result(file)


def test_on_the_command_line(tmp_path: Path) -> None:
    source, target = tmp_path / "r.json", tmp_path / "r.html"
    source.write_text(json.dumps({"schema": "bootmend.result/1", "healthy": True}), encoding="utf-8")
    assert command("report", source, "-o", target).returncode == 0
    assert "Nothing was found" in target.read_text(encoding="utf-8")
    again = command("report", source, "-o", target)
    assert again.returncode == 3
    assert "there already" in said(again)
    assert command("report", tmp_path / "none.json", "-o", tmp_path / "x.html").returncode == 4
    assert not (tmp_path / "x.html").exists()
