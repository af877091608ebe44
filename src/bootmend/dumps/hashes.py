"""The hashes by which Microsoft's debugger tells one failure from another.

Found by recomputing what public `!analyze` outputs print; the strings and frames must be exactly those of
the debugger, or the hash is another one.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Frame:
    """One line of a stack, its top first. `function` is empty where there is no symbol."""

    module: str
    function: str = ""
    offset: int = 0


@dataclass(frozen=True, slots=True)
class ThreadHashes:
    """THREAD_SHA1_HASH_MOD, _MOD_FUNC and _MOD_FUNC_OFFSET, in hexadecimal."""

    mod: str
    mod_func: str
    mod_func_offset: str


def failure_id_hash(text: str) -> uuid.UUID:
    """FAILURE_ID_HASH of a FAILURE_ID_HASH_STRING, such as `km:0x5a_c0000428_image_filecrypt.sys`."""
    digest = hashlib.md5(text.lower().encode("utf-16-le"), usedforsecurity=False).digest()
    return uuid.UUID(bytes_le=digest)


def hash_string(bucket: str, *, kernel: bool = True) -> str:
    """FAILURE_ID_HASH_STRING of a FAILURE_BUCKET_ID."""
    return f"{'km' if kernel else 'um'}:{bucket}".lower()


def thread_hashes(frames: Sequence[Frame]) -> ThreadHashes:
    """Of all frames, top to bottom."""
    functions = [f"!{frame.function}" if frame.function else "" for frame in frames]
    modules = [frame.module.lower() for frame in frames]
    offsets = [f"+{frame.offset:x}" if frame.function else "+0" for frame in frames]
    return ThreadHashes(
        _sha1(modules),
        _sha1([module + function for module, function in zip(modules, functions, strict=True)]),
        _sha1([a + b + c for a, b, c in zip(modules, functions, offsets, strict=True)]),
    )


def _sha1(parts: list[str]) -> str:
    return hashlib.sha1("".join(parts).encode("utf-8"), usedforsecurity=False).hexdigest()
