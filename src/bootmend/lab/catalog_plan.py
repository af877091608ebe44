"""Which catalogs a machine has, and what each vouches for.

in-box packages   <package>~31bf3856ad364e35~amd64~~10.0.20348.2227.cat   CatRoot, and its twin in servicing\\Packages
what setup brought <package>~...~10.0.20348.1.cat                          covers outdated WinSxS files
vendors           oemN.cat                                                CatRoot, and its driver package
fillers           as many more as asked, for files the lab does not make
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from bootmend.lab import texts
from bootmend.lab.authority import LabAuthority
from bootmend.lab.blueprint import Blueprint
from bootmend.lab.catalog_maker import Member, make_catalog
from bootmend.lab.inf import inf_text
from bootmend.lab.material import Made
from bootmend.lab.placement import TOKEN
from bootmend.signing.hashing import ImageHashes

_SETUP_TIME = datetime(2021, 8, 6, 12, tzinfo=UTC)
_UPDATE_TIME = datetime(2024, 1, 9, 12, tzinfo=UTC)
_V1_SHARE = 0.03
"""Catalogs that hold SHA-1 members only still occur, signed as late as 2021."""
_MEAN_MEMBERS = 12
_MOST_MEMBERS = 150
_SHARED = 0.05
"""Share of the fillers that also vouch for a file of another package: the same hash in two catalogs is normal."""


@dataclass(frozen=True, slots=True)
class CatalogFile:
    """`name` ends in .cat; `covers` are paths of binaries, none for a filler."""

    name: str
    data: bytes
    covers: tuple[str, ...] = ()
    driver_package: str = ""
    """Folder in the driver store that holds a copy; empty for one of servicing's packages."""

    @property
    def staged(self) -> bool:
        """Has its twin in servicing\\Packages."""
        return not self.driver_package


def make_catalogs(
    blueprint: Blueprint, authority: LabAuthority, made: Iterable[Made], arch: str, count: int
) -> Iterator[CatalogFile]:
    """The machine's catalogs: those that its binaries need, and fillers up to `count` in all."""
    files = [file for file in made if file.placed.binary.catalogued]
    real = [
        *_packages(blueprint, authority, files, arch),
        *_vendors(authority, files, arch),
    ]
    yield from real
    shared = [file for file in files if file.placed.binary.signing == "both"]
    yield from _fillers(blueprint, authority, shared, arch, count - len(real))


def package_file(package: str, arch: str, version: str) -> str:
    """A servicing package's name, which its .mum, its .cat and its registry key bear."""
    return f"{package}~{TOKEN}~{arch}~~{version}"


def _packages(blueprint: Blueprint, authority: LabAuthority, files: list[Made], arch: str) -> Iterator[CatalogFile]:
    build = blueprint.build
    setup_version = f"{build.version}.{build.number}.1"
    for key, package in blueprint.packages.items():
        own = [file for file in files if file.placed.binary.inbox and file.placed.binary.package == key]
        current = [(file.placed.binary.path, file.hashes) for file in own]
        old = [(file.placed.outdated, file.outdated_hashes) for file in own if file.outdated_hashes is not None]
        if current:
            yield _catalog(authority, package_file(package, arch, build.newest), current, _UPDATE_TIME)
        if old and setup_version != build.newest:
            yield _catalog(authority, package_file(package, arch, setup_version), old, _SETUP_TIME)


def _catalog(authority: LabAuthority, name: str, covered: list[tuple[str, ImageHashes]], when: datetime) -> CatalogFile:
    members = [_member(path, hashes, name) for path, hashes in covered]
    data = make_catalog(authority, members, package_name=name, when=when, timestamp=True)
    return CatalogFile(f"{name}.cat", data, tuple(path for path, _ in covered))


def _member(path: str, hashes: ImageHashes, package: str) -> Member:
    return Member(name=path.rsplit("\\", 1)[-1], sha1=hashes.sha1, sha256=hashes.sha256, package=package)


def _inf_member(file: Made, arch: str) -> Member:
    """An INF is known by the plain hash of all of it."""
    text = inf_text(file.placed.binary, arch, file.placed.version)
    name = f"{file.placed.binary.package}.inf"
    return Member(name=name, sha1=hashlib.sha1(text).digest(), sha256=hashlib.sha256(text).digest(), pe=False)


def _vendors(authority: LabAuthority, files: list[Made], arch: str) -> Iterator[CatalogFile]:
    packages = sorted({file.placed.driver_package for file in files if not file.placed.binary.inbox} - {""})
    for number, folder in enumerate(packages):
        own = [file for file in files if file.placed.driver_package == folder]
        members = [_member(file.placed.binary.path, file.hashes, "") for file in own]
        members += [_inf_member(file, arch) for file in own]
        data = make_catalog(authority, members, when=_UPDATE_TIME, leaf=authority.whcp, timestamp=True)
        covers = tuple(file.placed.binary.path for file in own)
        yield CatalogFile(f"oem{number}.cat", data, covers, folder)


def _fillers(
    blueprint: Blueprint, authority: LabAuthority, shared: list[Made], arch: str, count: int
) -> Iterator[CatalogFile]:
    choice = blueprint.random("fillers")
    build = blueprint.build
    for package in _filler_names(blueprint, max(count, 0)):
        recent = choice.random() < 0.4
        version = build.newest if recent else f"{build.version}.{build.number}.1"
        name = package_file(package, arch, version)
        amount = min(1 + int(choice.expovariate(1 / _MEAN_MEMBERS)), _MOST_MEMBERS)
        members = [
            Member(name=f"{index:x}.dll", sha1=choice.randbytes(20), sha256=choice.randbytes(32), package=name)
            for index in range(amount)
        ]
        if shared and choice.random() < _SHARED:
            file = choice.choice(shared)
            members.append(_member(file.placed.binary.path, file.hashes, name))
        when = _UPDATE_TIME if recent else _SETUP_TIME
        kind = 1 if choice.random() < _V1_SHARE else 2
        yield CatalogFile(f"{name}.cat", make_catalog(authority, members, version=kind, package_name=name, when=when))


def _filler_names(blueprint: Blueprint, count: int) -> list[str]:
    """`count` package names, no two the same."""
    prefixes, features, parts = texts.rows("fillers")
    names = [f"{prefix}-{feature}-{part}-Package" for prefix in prefixes for feature in features for part in parts]
    blueprint.random("filler names").shuffle(names)
    rounds = -(-count // len(names))
    return [name if turn == 0 else f"{name}{turn:02}" for turn in range(rounds) for name in names][:count]
