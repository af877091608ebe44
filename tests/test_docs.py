"""The documentation is held against the program."""

from __future__ import annotations

import re
from pathlib import Path

from bootmend.reports.rules_page import proofs, rules_page
from bootmend.rules import all_rules

ROOT = Path(__file__).parents[1]


def test_rules_page_is_what_the_docstrings_say() -> None:
    assert (ROOT / "docs" / "rules.md").read_text(encoding="utf-8") == rules_page(), "run scripts/make-docs"


def test_every_rule_says_symptom_cause_evidence_and_repair() -> None:
    for rule in all_rules().values():
        for word in ("Symptom:", "Cause:", "Evidence:", "Repair:"):
            assert word in rule.why, f"{rule.name} does not say its {word}"


def test_links_between_pages_lead_somewhere() -> None:
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_rule_is_proved_by_a_fault() -> None:
    assert [rule.name for rule in all_rules().values() if not proofs(rule)] == []
