"""docs/rules.md: every cause in full, out of the rules' own docstrings."""

from __future__ import annotations

from bootmend.rules import all_rules

INTRODUCTION = """# What keeps Windows from booting: the causes bootmend knows

This page is made from the docstrings of `src/bootmend/rules/` by `scripts/make-docs`; do not edit it by hand.
The order is that of the boot: the earlier station comes first.
"""


def rules_page() -> str:
    """The page as Markdown."""
    parts = [INTRODUCTION]
    for rule in all_rules().values():
        body = "\n".join(rule.why.splitlines()[1:]).strip("\n")
        parts.append(f"\n## {rule.name}\n\n{rule.title}\n\n```text\n{body}\n```\n")
    return "".join(parts)
