"""The names of C++ functions as Microsoft's debugger shows them: without the types that the compiler wrote into them.

    ?Start@Port@net@@QEAAXH@Z   ->  net::Port::Start
    ??1Port@net@@QEAA@XZ        ->  net::Port::~Port

Names are kept innermost first; a digit stands for one that came before. Templates, operators and the compiler's own
helpers are left as they are.
Source: the description of the decoration in LLVM's and Wine's documentation, checked against llvm-undname.
"""

from __future__ import annotations

_CONSTRUCTOR, _DESTRUCTOR = "?0", "?1"
_MOST_PARTS = 64


def undecorated(name: str) -> str:
    """Its qualified name; `name` itself where it is no C++ name or one of the kinds left as they are."""
    if not name.startswith("?"):
        return name
    rest, special = name[1:], ""
    if rest[:2] in (_CONSTRUCTOR, _DESTRUCTOR):
        rest, special = rest[2:], rest[:2]
    parts: list[str] = []
    seen: list[str] = []
    while not rest.startswith("@"):
        if rest[:1].isdigit():
            number, rest = int(rest[0]), rest[1:]
            if number >= len(seen):
                return name
            parts.append(seen[number])
        else:
            part, mark, rest = rest.partition("@")
            if not mark or not _is_plain(part) or len(parts) == _MOST_PARTS:
                return name
            parts.append(part)
            if part not in seen:
                seen.append(part)
    if not parts or len(rest) < 2:
        return name
    if special:
        parts.insert(0, parts[0] if special == _CONSTRUCTOR else f"~{parts[0]}")
    return "::".join(reversed(parts))


def _is_plain(part: str) -> bool:
    return bool(part) and not part[0].isdigit() and part.replace("_", "a").replace("$", "a").isalnum()
