"""Which function answers which method and path, and the ARM action that it takes.

A pattern is an ARM path with {places}; like ARM's own, it is compared without regard to case. The action is made
of the type and the method, as Microsoft lists them
(https://learn.microsoft.com/azure/role-based-access-control/permissions/compute):
GET read, PUT and PATCH write, DELETE delete, POST .../start start/action, GET .../instanceView instanceView/read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from bootmend.clouds.azure.simulate.wire import Answer, ArmError, Call, Json
from bootmend.clouds.azure.simulate.world import World

Handler = Callable[[World, Call], Answer]

_PAGE = 50
_VERBS = {"GET": "read", "HEAD": "read", "PUT": "write", "PATCH": "write", "DELETE": "delete", "POST": "action"}


@dataclass(frozen=True, slots=True)
class Route:
    method: str
    pattern: re.Pattern[str]
    action: str
    kind: str
    handler: Handler


ROUTES: list[Route] = []


def in_group(kind: str) -> str:
    """Where the resources of a type in a resource group are listed."""
    return "/subscriptions/{subscription}/resourceGroups/{group}/providers/" + kind


def in_subscription(kind: str) -> str:
    return "/subscriptions/{subscription}/providers/" + kind


def one(kind: str) -> str:
    """The path of one resource; that of a child type has a place `child` as well."""
    provider, *types = kind.split("/")
    places = ("{name}", "{child}")
    return in_group(provider) + "".join(f"/{kind}/{place}" for kind, place in zip(types, places, strict=False))


def page(call: Call, items: list[Json]) -> Answer:
    """A list as ARM gives it: so many at a time, and a link to the rest of them.

    https://learn.microsoft.com/rest/api/azure/#async-operations-throttling-and-paging ; the length of a page is ours.
    """
    start = int(call.query.get("$skiptoken", "0"))
    told: Json = {"value": items[start : start + _PAGE]}
    if start + _PAGE < len(items):
        query = urlencode({**call.query, "$skiptoken": str(start + _PAGE)})
        told["nextLink"] = f"{call.base}{call.path}?{query}"
    return Answer(200, told)


def route(method: str, pattern: str, kind: str) -> Callable[[Handler], Handler]:
    """Registers the function that answers it."""

    def register(handler: Handler) -> Handler:
        # What stands behind the name of a resource is a verb or a view of it.
        tail = pattern.rsplit("/", 1)[1]
        view = f"/{tail}" if pattern.startswith(one(kind) + "/") else ""
        ROUTES.append(Route(method, _compiled(pattern), f"{kind}{view}/{_VERBS[method]}", kind, handler))
        return handler

    return register


def match(method: str, path: str) -> tuple[Route, Mapping[str, str]]:
    """The route of a call and what its places hold."""
    other = False
    for candidate in ROUTES:
        found = candidate.pattern.fullmatch(path)
        if found is not None:
            if candidate.method == method:
                return candidate, found.groupdict()
            other = True
    if other:
        raise ArmError(405, "MethodNotAllowed", f"The requested resource does not support http method '{method}'.")
    raise ArmError(404, "InvalidResourceType", f"The double does not know what {method} {path} asks for.")


def _compiled(pattern: str) -> re.Pattern[str]:
    pieces = re.split(r"\{(\w+)\}", pattern)
    text = "".join(f"(?P<{piece}>[^/]+)" if at % 2 else re.escape(piece) for at, piece in enumerate(pieces))
    return re.compile(text, re.IGNORECASE)
