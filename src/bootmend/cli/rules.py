"""`bootmend rules`: every cause it knows, and one in full."""

from __future__ import annotations

from typing import Annotated

import typer

from bootmend.errors import Misuse
from bootmend.texts import say

Name = Annotated[str | None, typer.Argument(metavar="NAME", help="One rule, in full.")]


def rules(name: Name = None) -> None:
    """List every cause that bootmend knows, or tell one in full."""
    from bootmend.reports.rules_page import proofs
    from bootmend.rules import all_rules

    known = all_rules()
    if name is None:
        for rule in known.values():
            typer.echo(rule.name)
            typer.echo(f"    {rule.title}")
        return
    if name not in known:
        raise Misuse(say("cli.no_such_rule", name=name, known=", ".join(known)))
    typer.echo(known[name].name)
    typer.echo()
    typer.echo(known[name].why)
    for fault in proofs(known[name]):
        typer.echo(say("cli.rule_proof", fault=fault))
