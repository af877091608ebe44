"""The certificate extensions that decide about a chain.

`cryptography` reads all extensions of a certificate or none, and refuses real intermediates over a policy
text in the wrong alphabet (four roots of Microsoft's own programme are such); those are read with `asn1crypto`.
"""

from __future__ import annotations

from dataclasses import dataclass

from cryptography import x509

_UNDERSTOOD = {
    "2.5.29.14",  # subject key identifier
    "2.5.29.15",  # key usage
    "2.5.29.17",  # subject alternative name
    "2.5.29.19",  # basic constraints
    "2.5.29.30",  # name constraints
    "2.5.29.31",  # revocation list distribution points
    "2.5.29.32",  # certificate policies
    "2.5.29.35",  # authority key identifier
    "2.5.29.36",  # policy constraints
    "2.5.29.37",  # extended key usage
    "2.5.29.54",  # inhibit any policy
}


@dataclass(frozen=True, slots=True)
class Extensions:
    """What a certificate may be used for; the defaults are those of a certificate that does not say."""

    is_ca: bool = False
    path_length: int | None = None
    signs_certificates: bool = True
    signs_data: bool = True
    usages: frozenset[str] | None = None
    """Extended key usages, dotted; None where the certificate has no such extension."""
    key_identifier: bytes | None = None
    strange: bool = False
    """Has a critical extension nobody here understands: no chain may rely on it."""


def read(parsed: x509.Certificate, der: bytes) -> Extensions:
    """Raises ValueError, TypeError or KeyError where even the lenient reader gives up."""
    try:
        found = list(parsed.extensions)
    except (ValueError, x509.DuplicateExtension):
        return _read_leniently(der)
    values = {type(one.value): one.value for one in found}
    basic = values.get(x509.BasicConstraints)
    usage = values.get(x509.KeyUsage)
    extended = values.get(x509.ExtendedKeyUsage)
    identifier = values.get(x509.SubjectKeyIdentifier)
    return Extensions(
        is_ca=isinstance(basic, x509.BasicConstraints) and basic.ca,
        path_length=basic.path_length if isinstance(basic, x509.BasicConstraints) else None,
        signs_certificates=not isinstance(usage, x509.KeyUsage) or usage.key_cert_sign,
        signs_data=not isinstance(usage, x509.KeyUsage) or usage.digital_signature,
        usages=frozenset(one.dotted_string for one in extended)
        if isinstance(extended, x509.ExtendedKeyUsage)
        else None,
        key_identifier=identifier.digest if isinstance(identifier, x509.SubjectKeyIdentifier) else None,
        strange=any(one.critical and one.oid.dotted_string not in _UNDERSTOOD for one in found),
    )


def _read_leniently(der: bytes) -> Extensions:
    from asn1crypto import x509 as lenient

    certificate = lenient.Certificate.load(der)
    basic = certificate.basic_constraints_value
    usage = certificate.key_usage_value.native if certificate.key_usage_value else None
    extended = certificate.extended_key_usage_value
    critical = [one["extn_id"].dotted for one in certificate["tbs_certificate"]["extensions"] if one["critical"].native]
    return Extensions(
        is_ca=bool(basic and basic["ca"].native),
        path_length=basic["path_len_constraint"].native if basic else None,
        signs_certificates=usage is None or "key_cert_sign" in usage,
        signs_data=usage is None or "digital_signature" in usage,
        usages=frozenset(one.dotted for one in extended) if extended else None,
        key_identifier=certificate.key_identifier,
        strange=any(one not in _UNDERSTOOD for one in critical),
    )
