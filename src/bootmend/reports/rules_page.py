"""docs/rules.md: every cause in full, out of the rules' own docstrings, with the lab fault that proves it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bootmend.findings import Station
from bootmend.lab.faults import faults
from bootmend.reports.terminal import station_name
from bootmend.rules import Rule, all_rules

INTRODUCTION = """# What keeps Windows from booting: the causes bootmend knows

This page is made from the docstrings of `src/bootmend/rules/` by `scripts/make-docs`; do not edit it by hand.
The order is that of the boot: the earlier station comes first. `bootmend rules NAME` tells one of them at the terminal;
`bootmend lab create OUT --fault FAULT` makes a sample machine on which it speaks.

What Windows would do is a prediction everywhere on this page.

*By hand* means a command prompt on another Windows, or of a recovery medium, to which the broken disk is attached:
`D:` is its Windows volume there. What such a line does with `reg`, `bcdedit`, `copy` and `del` can also be done from
Linux, with an undo: `bootmend reg DISK -- add HKLM\\SYSTEM\\ControlSet001\\...`, `bootmend bcdedit DISK -- /set ...`,
`bootmend script DISK FILE`.
"""

_COMMANDS = frozenset(("bcdedit", "bcdboot", "bootrec", "bootsect", "sfc", "reg", "dism", "diskpart", "del"))
"""What is written small, at the start of a sentence too."""

_LABEL = re.compile(r"^([A-Z][a-z]+(?: [a-z]+){0,2}): +(?=\S)")


def rules_page() -> str:
    """The page as Markdown: a chapter a station, a section a rule."""
    parts = [INTRODUCTION]
    for station in Station:
        rules = [rule for rule in all_rules().values() if rule.station is station]
        if rules:
            name = station_name(station)
            parts.append(f"\n## {name[0].upper()}{name[1:]}\n")
            parts.extend(_section(rule) for rule in rules)
    return "".join(parts)


def proofs(rule: Rule) -> list[str]:
    """Names of the lab faults that make this rule speak."""
    return [fault.name for fault in faults() if fault.expect == rule.name]


def _section(rule: Rule) -> str:
    proved = ", ".join(f"`{name}`" for name in proofs(rule)) or "none"
    paragraphs = "\n\n".join(_paragraphs(rule.why))
    return f"\n### {rule.name}\n\n{rule.title}\n\n{paragraphs}\n\n**Fault of the lab.** {proved}\n"


def _paragraphs(why: str) -> Iterator[str]:
    """Each labelled part of a docstring as a paragraph that begins with its label in bold."""
    label = ""
    lines: list[str] = []
    for line in why.splitlines()[1:]:
        found = _LABEL.match(line)
        if (found or not line.strip()) and lines:
            yield label + _plain("\n".join(lines))
            label, lines = "", []
        if found:
            label = f"**{found[1]}.** "
            lines.append(_begun(line[found.end() :].strip()))
        elif line.strip():
            lines.append(line.strip())
    if lines:
        yield label + _plain("\n".join(lines))


def _begun(sentence: str) -> str:
    """With a capital, unless a command or a file's name comes first."""
    word = sentence.split(" ", 1)[0]
    if word in _COMMANDS or "`" in word or "." in word.rstrip("."):
        return sentence
    return sentence[0].upper() + sentence[1:]


def _plain(text: str) -> str:
    """Nothing in it is markup but code between backticks: names like System32\\*.cat and <x> are shown as they are."""
    parts = text.split("`")
    for at in range(0, len(parts), 2):
        parts[at] = re.sub(r"[<>_*]|\\(?=[^\w\s])", lambda found: "\\" + found[0], parts[at])
    return "`".join(parts)
