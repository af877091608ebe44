"""osslsigncode as the oracle: what it makes verifies here, what is made here verifies there."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from der_maker import TRUST_LIST, member, trust_list
from driver_wheels import VCRUNTIME, WINDIVERT, WINDIVERT_2015, WINIO, wheel_file
from signing_lab import NOW, Recipe, attribute, indirect_data, intermediate, leaf, root, signed_image
from small_pe import small_pe

from bootmend.formats.pe import Pe
from bootmend.signing.audit import Auditor
from bootmend.signing.hashing import image_digest, image_hashes
from bootmend.signing.index import CatalogIndex
from bootmend.signing.policy import KernelPolicy
from bootmend.signing.roots import Trust
from bootmend.signing.verdict import Status

TOOL = shutil.which("osslsigncode")
pytestmark = pytest.mark.skipif(TOOL is None, reason="osslsigncode is not installed")
STAMPED = Recipe(stamp="rfc3161")


def run(*arguments: str | Path) -> tuple[int, str]:
    assert TOOL is not None
    command = [TOOL, *(str(one) for one in arguments)]
    result = subprocess.run(command, capture_output=True, timeout=60, check=False)
    return result.returncode, result.stdout.decode("utf-8", "replace")


@cache
def offline() -> list[str]:
    """The option that keeps it from fetching revocation lists; 2.5 has none and fetches none."""
    return ["-ignore-cdp"] if "-ignore-cdp" in run("verify", "--help")[1] else []


def verify(folder: Path, image: bytes, catalog: bytes | None = None) -> bool:
    (folder / "image.sys").write_bytes(image)
    (folder / "root.pem").write_bytes(root().pem)
    extra: list[str | Path] = []
    if catalog is not None:
        (folder / "image.cat").write_bytes(catalog)
        extra = ["-catalog", folder / "image.cat"]
    roots: list[str | Path] = ["-CAfile", folder / "root.pem", "-TSA-CAfile", folder / "root.pem"]
    code, _ = run("verify", *extra, "-in", folder / "image.sys", *roots)
    return code == 0


def status(image: bytes, catalog: bytes | None = None) -> Status:
    index = CatalogIndex()
    if catalog is not None:
        index.add("image.cat", catalog)
    auditor = Auditor(index, lambda _: catalog or b"", Trust([root().pem]), KernelPolicy(), now=NOW)
    return auditor.audit(image, "image.sys").status


@pytest.mark.parametrize("source", [WINDIVERT, WINDIVERT_2015, WINIO, VCRUNTIME])
def test_the_hashes_of_real_images(source: tuple[str, str], tmp_path: Path) -> None:
    data = wheel_file(*source)
    (tmp_path / "image").write_bytes(data)
    _, output = run("verify", "-in", tmp_path / "image", *offline())
    found = {one.lower() for one in re.findall(r"Calculated message digest *: *([0-9A-F]+)", output)}
    pe = Pe.parse(data, "image")
    assert found
    assert found <= {image_digest(data, pe, kind).hex() for kind in ("sha1", "sha256", "sha384")}


def test_its_signatures_verify_here(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_bytes(leaf().key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (tmp_path / "certificates.pem").write_bytes(leaf().pem + intermediate().pem)
    made = []
    for number, tail in enumerate((b"", b"odd")):
        source, target = tmp_path / f"in{number}", tmp_path / f"out{number}"
        source.write_bytes(small_pe(tail=tail))
        keys: list[str | Path] = ["-certs", tmp_path / "certificates.pem", "-key", tmp_path / "key.pem"]
        code, output = run("sign", "-h", "sha256", *keys, "-in", source, "-out", target)
        assert code == 0, output
        made.append(target.read_bytes())
    for data in made:
        assert status(data) is Status.EXPIRED  # not stamped, and the leaf has ended: all but that is good
        spoiled = bytearray(data)
        spoiled[0x410] ^= 1
        assert status(bytes(spoiled)) is Status.HASH_MISMATCH


@pytest.mark.parametrize("stamp", ["rfc3161", "legacy"])
def test_embedded_signatures_made_here_verify_there(stamp: str, tmp_path: Path) -> None:
    data = signed_image(small_pe(), replace(STAMPED, stamp=stamp))
    spoiled = bytearray(data)
    spoiled[0x410] ^= 1
    for image in (data, bytes(spoiled)):
        assert verify(tmp_path, image) is (status(image) is Status.VALID)


def test_catalogs_made_here_verify_there(tmp_path: Path) -> None:
    image = small_pe(tail=b"odd")
    digest = image_hashes(image, Pe.parse(image, "image")).sha256
    of_image, of_other = (
        member(one, attribute("1.3.6.1.4.1.311.2.1.4", indirect_data(one))) for one in (digest, bytes(32))
    )
    good = STAMPED.sign(TRUST_LIST, trust_list(of_other, of_image))
    other = STAMPED.sign(TRUST_LIST, trust_list(of_other))
    for catalog in (good, other, good.replace(bytes(32), bytes(31) + b"\1")):
        assert verify(tmp_path, image, catalog) is (status(image, catalog) is Status.VALID)
