"""What a lab machine is made of, for those that break it and for those that judge the repair.

It lies beside the disk as OUT.json, together with what each fault has done.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bootmend.lab.catalog_plan import CatalogFile
from bootmend.lab.material import Made


@dataclass(frozen=True, slots=True, kw_only=True)
class BinaryFacts:
    """A binary as it stands on the healthy disk; hashes in hex, paths on the Windows volume."""

    path: str
    kind: str
    service: str
    start: int | None
    error_control: int | None
    signing: str
    owner: str
    version: str
    sha256: str
    """Authenticode hash."""
    same_file: tuple[str, ...]
    spares: tuple[str, ...]
    outdated: str
    rank: int | None = None
    """Place in the order in which Windows loads drivers, from 0; None for what it loads later or never."""
    catalogs: tuple[str, ...] = ()
    """Names of the catalogs in CatRoot that were made to vouch for it."""

    @property
    def name(self) -> str:
        return self.path.rsplit("\\", 1)[-1]

    @property
    def everywhere(self) -> tuple[str, ...]:
        """Every path that holds any version of it."""
        return (*self.same_file, *self.spares, *([self.outdated] if self.outdated else []))

    @property
    def loads_at_boot(self) -> bool:
        return self.rank is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    generation: int
    build: str
    bits: int
    seed: int
    system_partition: int
    windows_partition: int
    store: str
    """Path of BCD on the system partition."""
    catalogs: int
    binaries: tuple[BinaryFacts, ...] = field(default=())

    def save(self, path: Path, faults: Iterable[dict[str, Any]]) -> None:
        path.write_text(json.dumps({"machine": asdict(self), "faults": list(faults)}, indent=1), encoding="utf-8")


def load_manifest(path: Path) -> tuple[Manifest, list[dict[str, Any]]]:
    """What `Manifest.save` wrote."""
    held = json.loads(path.read_text(encoding="utf-8"))
    binaries = tuple(_binary(row) for row in held["machine"].pop("binaries"))
    return Manifest(**held["machine"], binaries=binaries), held["faults"]


def _binary(row: dict[str, Any]) -> BinaryFacts:
    values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}
    return BinaryFacts(**values)


def binary_facts(
    made: Iterable[Made], catalogs: Iterable[CatalogFile], load_order: Sequence[str]
) -> tuple[BinaryFacts, ...]:
    """`load_order`: names of the services that Windows loads at boot, first to last."""
    ranks = {service.lower(): rank for rank, service in enumerate(load_order)}
    vouching: dict[str, list[str]] = {}
    for catalog in catalogs:
        for path in catalog.covers:
            vouching.setdefault(path, []).append(catalog.name)
    return tuple(
        BinaryFacts(
            path=file.placed.binary.path,
            kind=file.placed.binary.kind,
            service=file.placed.binary.service,
            start=file.placed.binary.start,
            error_control=file.placed.binary.error_control,
            signing=file.placed.binary.signing,
            owner=file.placed.binary.owner,
            version=file.placed.version,
            sha256=file.hashes.sha256.hex(),
            same_file=file.placed.same_file,
            spares=file.placed.spares,
            outdated=file.placed.outdated,
            rank=ranks.get(file.placed.binary.service.lower()),
            catalogs=tuple(vouching.get(file.placed.binary.path, ())),
        )
        for file in made
    )
