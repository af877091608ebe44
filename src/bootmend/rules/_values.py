"""Edits of single values in the SYSTEM hive, as rules write them."""

from __future__ import annotations

from collections.abc import Sequence

from bootmend.actions.registry import DeleteValue, RegistryAction, SetValue
from bootmend.findings import Safety
from bootmend.formats.hive import ValueType, multi_sz, sz
from bootmend.windows.installation import Windows


def set_number(windows: Windows, key: str, name: str, number: int, *, risk: str = "") -> SetValue:
    """A REG_DWORD; `risk` is the word for `--accept` where it takes one."""
    return SetValue(
        hive=windows.system_hive,
        key=key,
        name=name,
        type=ValueType.DWORD,
        data=number.to_bytes(4, "little"),
        shown=f"REG_DWORD {number:#x}",
        safety=Safety.RISKY if risk else Safety.SAFE,
        risk=risk,
    )


def set_text(windows: Windows, key: str, name: str, text: str, kind: ValueType) -> SetValue:
    """A REG_SZ or REG_EXPAND_SZ."""
    shown = f"REG_{kind.name} {text}"
    return SetValue(hive=windows.system_hive, key=key, name=name, type=kind, data=sz(text), shown=shown)


def set_strings(windows: Windows, key: str, name: str, strings: Sequence[str], *, risk: str = "") -> RegistryAction:
    """A REG_MULTI_SZ, in the order given; one that would be empty is deleted, never left empty."""
    safety = Safety.RISKY if risk else Safety.SAFE
    if not strings:
        return DeleteValue(hive=windows.system_hive, key=key, name=name, safety=safety, risk=risk)
    return SetValue(
        hive=windows.system_hive,
        key=key,
        name=name,
        type=ValueType.MULTI_SZ,
        data=multi_sz(list(strings)),
        shown="REG_MULTI_SZ " + " ".join(strings),
        safety=safety,
        risk=risk,
    )
