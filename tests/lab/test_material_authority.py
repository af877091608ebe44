"""The lab's certificate authority: kept once a user, private, and good in OpenSSL's eyes."""

from __future__ import annotations

import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID

from bootmend.errors import ParseError
from bootmend.lab import bad_leaves
from bootmend.lab.authority import BUNDLE, LabAuthority
from bootmend.lab.certificates import ORGANISATION, TIME_STAMPING, WHCP_VERIFICATION, WINDOWS_VERIFICATION, Leaf


@pytest.fixture(scope="module")
def authority() -> LabAuthority:
    return LabAuthority.ephemeral("certificates")


def _pem(der: bytes) -> bytes:
    return x509.load_der_x509_certificate(der).public_bytes(serialization.Encoding.PEM)


def _openssl_accepts(folder: Path, root_pem: bytes, leaf: Leaf, purpose: str) -> bool:
    """What `openssl verify` says about the leaf, with the chain that its signatures carry."""
    (folder / "root.pem").write_bytes(root_pem)
    (folder / "chain.pem").write_bytes(b"".join(_pem(one) for one in leaf.chain))
    (folder / "leaf.pem").write_bytes(_pem(leaf.identity.der))
    command = ["openssl", "verify", "-x509_strict", "-CAfile", "root.pem", "-purpose", purpose]
    if leaf.chain:
        command += ["-untrusted", "chain.pem"]
    return subprocess.run([*command, "leaf.pem"], cwd=folder, capture_output=True, check=False).returncode == 0


def test_openssl_accepts_every_good_leaf(authority: LabAuthority, tmp_path: Path) -> None:
    for leaf in (authority.windows, authority.whcp, authority.vendor):
        assert _openssl_accepts(tmp_path, authority.root_pem, leaf, "any"), leaf.name
    assert _openssl_accepts(tmp_path, authority.root_pem, authority.stamper, "timestampsign")
    assert not _openssl_accepts(tmp_path, authority.root_pem, authority.windows, "timestampsign")


def test_openssl_turns_down_the_bad_leaves_that_chain_rules_can_see(authority: LabAuthority, tmp_path: Path) -> None:
    for make in (
        bad_leaves.expired,
        bad_leaves.issued_by_leaf,
        bad_leaves.foreign,
        bad_leaves.self_signed,
    ):
        assert not _openssl_accepts(tmp_path, authority.root_pem, make(authority), "any"), make.__name__
    bare = bad_leaves.without_intermediate(authority.windows)
    assert not _openssl_accepts(tmp_path, authority.root_pem, bare, "any")
    # Only its usage is wrong.
    assert _openssl_accepts(tmp_path, authority.root_pem, bad_leaves.tls_only(authority), "any")


def test_each_leaf_has_the_usages_that_windows_looks_for(authority: LabAuthority) -> None:
    def usages(leaf: Leaf) -> set[str]:
        extension = leaf.identity.certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
        return {usage.dotted_string for usage in extension.value}

    code_signing = ExtendedKeyUsageOID.CODE_SIGNING.dotted_string
    assert usages(authority.windows) == {code_signing, WINDOWS_VERIFICATION}
    assert usages(authority.whcp) == {code_signing, WHCP_VERIFICATION}
    assert usages(authority.vendor) == {code_signing}
    assert usages(authority.stamper) == {TIME_STAMPING}
    assert usages(bad_leaves.tls_only(authority)) == {ExtendedKeyUsageOID.SERVER_AUTH.dotted_string}


def test_every_certificate_says_that_it_is_a_lab_one(authority: LabAuthority) -> None:
    leaves = [authority.windows, authority.whcp, authority.vendor, authority.stamper, bad_leaves.foreign(authority)]
    for der in [authority.root.der] + [der for leaf in leaves for der in (leaf.identity.der, *leaf.chain)]:
        subject = x509.load_der_x509_certificate(der).subject.rfc4514_string()
        assert "bootmend lab" in subject
        assert ORGANISATION.split(" (", maxsplit=1)[0] in subject


def test_the_foreign_chain_bears_the_lab_s_names_and_none_of_its_keys(authority: LabAuthority) -> None:
    foreign = bad_leaves.foreign(authority)
    ours = [authority.windows.identity.certificate, authority.pca.certificate, authority.root.certificate]
    theirs = [x509.load_der_x509_certificate(der) for der in (foreign.identity.der, *foreign.chain)]
    assert [one.subject for one in theirs] == [one.subject for one in ours]
    assert all(one.public_key() != other.public_key() for one in theirs for other in ours)


def test_serial_numbers_and_dates_repeat_with_the_seed() -> None:
    def facts(authority: LabAuthority) -> list[tuple[int, datetime, datetime]]:
        leaves = (authority.windows, authority.whcp, authority.vendor, authority.stamper)
        found = [authority.root, authority.pca, authority.vendor_ca, *(leaf.identity for leaf in leaves)]
        certificates = [one.certificate for one in found]
        return [(one.serial_number, one.not_valid_before_utc, one.not_valid_after_utc) for one in certificates]

    first = facts(LabAuthority.ephemeral(7))
    assert facts(LabAuthority.ephemeral(7)) == first
    assert len({serial for serial, _, _ in first}) == len(first)
    assert not {serial for serial, _, _ in facts(LabAuthority.ephemeral(8))} & {serial for serial, _, _ in first}
    assert all(since < datetime.now(UTC) < until - timedelta(days=365) for _, since, until in first)


def test_a_second_call_finds_the_same_authority_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    folder = tmp_path / "cache" / "lab"
    first = LabAuthority.load_or_create(folder)
    kept = folder / BUNDLE
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert [path.name for path in folder.iterdir()] == [BUNDLE]
    kept.chmod(0o644)
    second = LabAuthority.load_or_create(folder)
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert second.root_pem == first.root_pem
    assert second.whcp.identity.sign(b"x") == first.whcp.identity.sign(b"x")
    assert second.vendor.chain == first.vendor.chain


def test_processes_that_start_at_once_share_one_authority(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from bootmend.lab.authority import LabAuthority;"
        "sys.stdout.buffer.write(LabAuthority.load_or_create(pathlib.Path(sys.argv[1])).root_pem)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "lab")]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(3)]
    roots = {process.communicate(timeout=60)[0] for process in running}
    assert [process.returncode for process in running] == [0, 0, 0]
    assert len(roots) == 1
    assert next(iter(roots)).startswith(b"-----BEGIN CERTIFICATE-----")


def test_a_damaged_bundle_is_named_and_not_replaced(tmp_path: Path) -> None:
    LabAuthority.load_or_create(tmp_path)
    kept = tmp_path / BUNDLE
    sound = kept.read_bytes()
    blocks = sound.split(b"-----BEGIN CERTIFICATE-----")
    for damaged in (
        b"",
        sound[: len(sound) // 2],
        sound.replace(b"MII", b"MIJ", 1),
        b"-----BEGIN CERTIFICATE-----".join([blocks[0], blocks[2], blocks[1], *blocks[3:]]),
    ):
        kept.write_bytes(damaged)
        with pytest.raises(ParseError, match=BUNDLE):
            LabAuthority.load_or_create(tmp_path)
        assert kept.read_bytes() == damaged
