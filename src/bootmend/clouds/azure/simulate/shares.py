"""Shared access signatures of disks, snapshots and blobs: links that need no sign-in.

A disk's own link names a stored policy (`si`) instead of its expiry, and lives on a storage account of Azure's own:
https://github.com/microsoft/AzureStorageExplorer/issues/4902 shows one. Revoking takes the policy away.
"""

from __future__ import annotations

from urllib.parse import parse_qs, urlencode, urlsplit

from bootmend.clouds.azure.simulate.wire import Json
from bootmend.clouds.azure.simulate.world import World, new_guid


def grant(world: World, base: str, blob: str, rights: str, seconds: float) -> tuple[str, str]:
    """(link, policy) for `rights` ("r", "rw") on a blob, or on all below a container, for so many real seconds."""
    policy = new_guid()
    shares: Json = world.settings.setdefault("shares", {})
    shares[policy] = {"blob": blob, "rights": rights, "until": world.clock.now() + seconds, "sig": new_guid()}
    query = urlencode({"sv": "2018-03-28", "sr": "b", "si": policy, "sig": shares[policy]["sig"]})
    return f"{base}{blob}?{query}", policy


def revoke(world: World, policy: str) -> None:
    world.settings.get("shares", {}).pop(policy, None)


def expire(world: World) -> None:
    """All that were granted so far end now."""
    for share in world.settings.get("shares", {}).values():
        share["until"] = world.clock.now()


def allows(world: World, blob: str, policy: str, signature: str, right: str) -> bool:
    share = world.settings.get("shares", {}).get(policy)
    return (
        share is not None
        and (share["blob"] == blob or blob.startswith(f"{share['blob']}/"))
        and share["sig"] == signature
        and right in share["rights"]
        and world.clock.now() < share["until"]
    )


def blob_of(world: World, link: str, right: str) -> str | None:
    """The path of the blob that a link allows to use so."""
    split = urlsplit(link)
    query = {name: values[0] for name, values in parse_qs(split.query).items()}
    return split.path if allows(world, split.path, query.get("si", ""), query.get("sig", ""), right) else None


def linked(world: World) -> list[str]:
    """Paths of disks' blobs that a link still opens."""
    live = [share["blob"] for share in world.settings.get("shares", {}).values() if share["until"] > world.clock.now()]
    return sorted({path for path in live if world.blobs.get(path, {}).get("kind") == "disk"})
