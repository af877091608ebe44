"""What Windows is known to refuse although its signature is good: revoked signers and blocked files.

The built-in table is empty on purpose. Windows keeps its block lists in signed policy files on the disk
(`driversipolicy.p7b`, `disallowedcert.stl`) and in firmware, and changes them monthly; an entry copied from
hearsay would call a sound driver bad. Whoever knows better passes a `DenyList` to `Auditor`.
"""

from __future__ import annotations

from dataclasses import dataclass

from bootmend.signing.certificate import Certificate


@dataclass(frozen=True, slots=True)
class DenyList:
    """A certificate is denied by its issuer and serial number, or by its thumbprint; a file by its image hash."""

    serials: frozenset[tuple[bytes, int]] = frozenset()
    """(issuer name as raw DER, serial number)."""
    thumbprints: frozenset[str] = frozenset()
    """SHA-1 of the certificate, lower-case hex."""
    images: frozenset[bytes] = frozenset()
    """Authenticode hashes, 20 or 32 bytes."""

    def denies(self, certificate: Certificate) -> bool:
        return (certificate.issuer, certificate.serial) in self.serials or certificate.thumbprint in self.thumbprints


NOTHING_DENIED = DenyList()
