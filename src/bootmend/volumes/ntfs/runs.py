"""Mapping pairs: which clusters a non-resident attribute stands on.

Format: each run is a header byte (low nibble: bytes of the length, high nibble: bytes of the signed
cluster delta; 0: a hole), then those bytes, little-endian; a zero header ends the list.
"""

from __future__ import annotations

from dataclasses import dataclass

from bootmend.binary import View


@dataclass(frozen=True, slots=True)
class Run:
    """`length` clusters of the attribute from `vcn` stand at `lcn` of the volume, or nowhere (a hole: zeros)."""

    vcn: int
    lcn: int | None
    length: int


def decode_runs(pairs: View, first_vcn: int, last_vcn: int, clusters: int) -> list[Run]:
    """The runs from `first_vcn` to `last_vcn` inclusive; every cluster lies below `clusters`."""
    runs: list[Run] = []
    at, vcn, lcn = 0, first_vcn, 0
    while at < len(pairs) and (header := pairs.u8(at)):
        count, delta = header & 0xF, header >> 4
        if not 1 <= count <= 8 or delta > 8:
            raise pairs.fail(at, "a run header", f"{header:#x}")
        length = int.from_bytes(pairs.bytes(at + 1, count, "a run length"), "little", signed=True)
        if not 0 < length <= last_vcn + 1 - vcn:
            raise pairs.fail(at + 1, f"a run of 1 to {last_vcn + 1 - vcn} clusters", str(length))
        if delta:
            lcn += int.from_bytes(pairs.bytes(at + 1 + count, delta, "a run's cluster"), "little", signed=True)
            if lcn < 0 or lcn + length > clusters:
                raise pairs.fail(at + 1 + count, f"clusters below {clusters}", f"{lcn} + {length}")
        runs.append(Run(vcn, lcn if delta else None, length))
        vcn += length
        at += 1 + count + delta
    if vcn != last_vcn + 1:
        raise pairs.fail(at, f"runs up to cluster {last_vcn} of the attribute", f"{vcn - 1}")
    return runs
