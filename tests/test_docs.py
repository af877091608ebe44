"""The documentation is held against the program."""

from __future__ import annotations

import re
from pathlib import Path

from bootmend.reports.rules_page import proofs, rules_page
from bootmend.rules import all_rules

ROOT = Path(__file__).parents[1]


def test_rules_page_is_what_the_docstrings_say() -> None:
    assert (ROOT / "docs" / "rules.md").read_text(encoding="utf-8") == rules_page(), "run scripts/make-docs"


def test_links_between_pages_lead_somewhere() -> None:
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_rule_is_proved_by_a_fault() -> None:
    assert [rule.name for rule in all_rules().values() if not proofs(rule)] == []


def test_every_page_of_a_rule_says_all_that_an_engineer_needs() -> None:
    parts = ("Symptom:", "Cause:", "Evidence:", "Repair:", "Not done:", "By hand:")
    lacking = [(rule.name, part) for rule in all_rules().values() for part in parts if f"\n{part} " not in rule.why]
    assert lacking == []


def test_commands_stand_on_the_page_as_they_are_typed() -> None:
    code = [part for paragraph in rules_page().split("\n\n") for part in paragraph.split("`")[1::2]]
    assert any(part.startswith("reg add HKLM") and "REG_DWORD" in part for part in code)
    assert not any("\\_" in part or "\\>" in part for part in code)
