"""The lab's own certificate authority, one a user.

    bootmend lab root
    ├── bootmend lab Windows PCA
    │   ├── bootmend lab Windows                                 signs in-box catalogs and files
    │   ├── bootmend lab Windows Hardware Compatibility Publisher  signs third-party catalogs
    │   └── bootmend lab time stamping
    └── bootmend lab vendor CA
        └── bootmend lab vendor                                  a driver vendor's own signature

It is kept in one file, written whole or not at all: keys and certificates as PEM, readable by the user
alone. A second process that starts at the same moment waits, and reads what the first one wrote.
Nothing but `--trust` on the command line makes bootmend believe it.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from bootmend.errors import ParseError
from bootmend.lab.certificates import (
    CODE_SIGNING,
    TIME_STAMPING,
    WHCP_VERIFICATION,
    WINDOWS_VERIFICATION,
    Identity,
    Leaf,
    Profile,
    issue,
)

BUNDLE = "authority.pem"

_ROOT = "bootmend lab root"
_PCA = "bootmend lab Windows PCA"
_VENDOR_CA = "bootmend lab vendor CA"
_WINDOWS = "bootmend lab Windows"
_WHCP = "bootmend lab Windows Hardware Compatibility Publisher"
_STAMPER = "bootmend lab time stamping"
_VENDOR = "bootmend lab vendor"

_TREE = (
    (None, Profile(name=_ROOT, ca=True, bits=3072)),
    (_ROOT, Profile(name=_PCA, ca=True)),
    (_ROOT, Profile(name=_VENDOR_CA, ca=True)),
    (_PCA, Profile(name=_WINDOWS, usages=(CODE_SIGNING, WINDOWS_VERIFICATION))),
    (_PCA, Profile(name=_WHCP, usages=(CODE_SIGNING, WHCP_VERIFICATION))),
    (_PCA, Profile(name=_STAMPER, usages=(TIME_STAMPING,))),
    (_VENDOR_CA, Profile(name=_VENDOR, usages=(CODE_SIGNING,))),
)
_PEM_BLOCK = re.compile(rb"-----BEGIN ([A-Z ]+)-----\n.*?-----END \1-----\n", re.DOTALL)


class LabAuthority:
    """Who signs for the lab. The bad ones (expired, TLS only, ...) are made by `bad_leaves`."""

    def __init__(self, identities: Mapping[str, Identity]) -> None:
        self._identities = dict(identities)

    @classmethod
    def ephemeral(cls, seed: int | str = 0) -> LabAuthority:
        """A new authority that is kept nowhere. `seed` settles all but the keys and what follows from them."""
        made: dict[str, Identity] = {}
        for issuer, profile in _TREE:
            made[profile.name] = issue(profile, made[issuer] if issuer else None, str(seed))
        return cls(made)

    @classmethod
    def load_or_create(cls, folder: Path) -> LabAuthority:
        """The authority kept in `folder` (mode 0700), made at the first call.

        Raises ParseError where the kept file is damaged: delete it to get a new authority.
        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        bundle = folder / BUNDLE
        with _locked(folder):
            if bundle.exists():
                bundle.chmod(0o600)
                return cls(_unpack(bundle.read_bytes(), str(bundle)))
            authority = cls.ephemeral(secrets.token_hex(16))
            _write_whole(bundle, authority._pack())
            return authority

    @property
    def root(self) -> Identity:
        return self._identities[_ROOT]

    @property
    def pca(self) -> Identity:
        """The intermediate under the root that issues the Windows, WHCP and time stamping leaves."""
        return self._identities[_PCA]

    @property
    def vendor_ca(self) -> Identity:
        """The intermediate under the root that issues the vendor's leaf."""
        return self._identities[_VENDOR_CA]

    @cached_property
    def root_pem(self) -> bytes:
        return self.root.certificate.public_bytes(serialization.Encoding.PEM)

    @cached_property
    def stamper(self) -> Leaf:
        return self._leaf(_STAMPER, _PCA, None)

    @cached_property
    def windows(self) -> Leaf:
        return self._leaf(_WINDOWS, _PCA, self.stamper)

    @cached_property
    def whcp(self) -> Leaf:
        return self._leaf(_WHCP, _PCA, self.stamper)

    @cached_property
    def vendor(self) -> Leaf:
        return self._leaf(_VENDOR, _VENDOR_CA, self.stamper)

    def _leaf(self, name: str, issuer: str, stamper: Leaf | None) -> Leaf:
        return Leaf(self._identities[name], (self._identities[issuer].der,), stamper)

    def _pack(self) -> bytes:
        parts = []
        for identity in self._identities.values():
            parts.append(identity.certificate.public_bytes(serialization.Encoding.PEM))
            parts.append(
                identity.key.private_bytes(
                    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
                )
            )
        return b"".join(parts)


def _unpack(data: bytes, file: str) -> dict[str, Identity]:
    """The identities of a kept bundle: certificate, key, certificate, key, ... in the order of `_TREE`."""
    blocks = list(_PEM_BLOCK.finditer(data))
    if len(blocks) != 2 * len(_TREE):
        raise ParseError(file, 0, f"{2 * len(_TREE)} PEM blocks of a lab authority", str(len(blocks)))
    found = {}
    for (_, profile), certificate_block, key_block in zip(_TREE, blocks[0::2], blocks[1::2], strict=True):
        try:
            certificate = x509.load_pem_x509_certificate(certificate_block.group())
            key = serialization.load_pem_private_key(key_block.group(), password=None)
        except (ValueError, TypeError) as error:
            raise ParseError(file, certificate_block.start(), f"certificate and key of {profile.name}") from error
        if not isinstance(key, rsa.RSAPrivateKey) or certificate.public_key() != key.public_key():
            raise ParseError(file, key_block.start(), f"the key of {profile.name}", "another key")
        identity = Identity(certificate, key)
        if identity.name != profile.name:
            raise ParseError(file, certificate_block.start(), f"the certificate {profile.name}", identity.name)
        found[profile.name] = identity
    return found


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One process at a time in `folder`; the lock goes with the process, however it ends."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _write_whole(path: Path, data: bytes) -> None:
    """`path` appears with all of `data`, readable by its owner alone, or not at all."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink()
        raise
