"""Who may do what: the actions that the signed-in identity is allowed, and locks on scopes.

https://learn.microsoft.com/azure/role-based-access-control/role-definitions (wildcards match any piece of a name),
https://learn.microsoft.com/azure/azure-resource-manager/management/lock-resources.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

from bootmend.clouds.azure.simulate.ids import LOCK
from bootmend.clouds.azure.simulate.wire import ArmError, Call
from bootmend.clouds.azure.simulate.world import World

CLIENT = "11111111-c11e-4700-0000-000000000001"


def allow_only(world: World, actions: list[str] | None) -> None:
    """The role of whoever calls; None allows all."""
    world.settings["allowed"] = actions


def allowed(world: World, action: str) -> bool:
    actions = world.settings.get("allowed")
    return actions is None or any(fnmatchcase(action.lower(), pattern.lower()) for pattern in actions)


def need(world: World, action: str, scope: str) -> None:
    """https://learn.microsoft.com/azure/role-based-access-control/troubleshooting : AuthorizationFailed."""
    if not allowed(world, action):
        raise ArmError(
            403,
            "AuthorizationFailed",
            f"The client '{CLIENT}' with object id '{CLIENT}' does not have authorization to perform action "
            f"'{action}' over scope '{scope}' or the scope is invalid. "
            "If access was recently granted, please refresh your credentials.",
        )


def need_linked(world: World, call: Call, action: str, linked: str, scope: str) -> None:
    """Another resource that a call names takes a right of its own; it is noted with the call.

    https://github.com/Azure/OpenShift/issues/186 shows the answer.
    """
    world.settings.setdefault("linked", []).append(linked)
    if not allowed(world, linked):
        raise ArmError(
            403,
            "LinkedAuthorizationFailed",
            f"The client '{CLIENT}' with object id '{CLIENT}' has permission to perform action '{action}' on scope "
            f"'{call.path}'; however, it does not have permission to perform action(s) '{linked}' on the linked "
            f"scope(s) '{scope}' (respectively) or the linked scope(s) are invalid.",
        )


def need_no_lock(world: World, method: str, path: str) -> None:
    """CanNotDelete refuses DELETE, ReadOnly all but GET; locks of a scope hold for what is below it.

    The answer: https://github.com/Azure/apiops/issues/606 (409).
    """
    if method in ("GET", "HEAD"):
        return
    for lock in world.every(LOCK):
        scope = str(lock.inside["scope"])
        level = lock.properties["level"]
        if path.lower().startswith(scope.lower()) and (level == "ReadOnly" or method == "DELETE"):
            doing = "delete" if method == "DELETE" else "write"
            raise ArmError(
                409,
                "ScopeLocked",
                f"The scope '{path}' cannot perform {doing} operation because following scope(s) are locked: "
                f"'{scope}'. Please remove the lock and try again.",
            )
