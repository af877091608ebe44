"""Whether JSON has the shape of one of the SDK's generated models: no unknown key, none missing, the right types.

Enums are open: any string fits. What the models hold is read from their declarations, not from their own reading of
JSON, which lets anything through.
"""

from __future__ import annotations

import datetime
import types
from collections.abc import Iterator
from enum import Enum
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from azure.mgmt.compute import models
from azure.mgmt.compute._utils.model_base import Model


def misfits(model: Any, value: object, where: str = "") -> Iterator[str]:
    """One sentence for each place where `value` is not as the model says."""
    if get_origin(model) in (Union, types.UnionType):
        yield from _any_of([one for one in get_args(model) if one is not types.NoneType], value, where)
    elif get_origin(model) is list:
        if not isinstance(value, list):
            yield f"{where}: a list is expected, not {value!r}"
            return
        for at, one in enumerate(value):
            yield from misfits(get_args(model)[0], one, f"{where}[{at}]")
    elif get_origin(model) is dict:
        if not isinstance(value, dict):
            yield f"{where}: an object is expected, not {value!r}"
    elif model is datetime.datetime:
        yield from _time(value, where)
    elif model is float:
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            yield f"{where}: a number is expected, not {value!r}"
    elif isinstance(model, type) and issubclass(model, Model):
        yield from _object(model, value, where)
    elif isinstance(model, type) and issubclass(model, Enum):
        if not isinstance(value, str):
            yield f"{where}: a word is expected, not {value!r}"
    elif type(value) is not model:
        yield f"{where}: {model} is expected, not {value!r}"


def _object(model: Any, value: object, where: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{where}: an object is expected, not {value!r}"
        return
    fields = _fields(model)
    for key, one in value.items():
        if key not in fields:
            yield f"{where}.{key}: {model.__name__} has no such key"
        elif one is not None:
            yield from misfits(fields[key], one, f"{where}.{key}")
    for key, declared in fields.items():
        if types.NoneType not in get_args(declared) and value.get(key) is None:
            yield f"{where}.{key}: missing in a {model.__name__}"


@cache
def _fields(model: Any) -> dict[str, Any]:
    """Key of the JSON -> declared type."""
    model({})  # the class learns its fields when the first of its kind is made
    hints: dict[str, Any] = {}
    for base in reversed(model.__mro__):
        if base.__module__.startswith("azure.mgmt.compute"):
            hints |= get_type_hints(base, localns={"_models": models, "_types": models})
    return {field._rest_name: hints[name] for name, field in model._attr_to_rest_field.items()}


def _any_of(kinds: list[Any], value: object, where: str) -> Iterator[str]:
    tried = [list(misfits(kind, value, where)) for kind in kinds]
    yield from min(tried, key=len)


def _time(value: object, where: str) -> Iterator[str]:
    try:
        datetime.datetime.fromisoformat(str(value))
    except ValueError:
        yield f"{where}: a point of time is expected, not {value!r}"
