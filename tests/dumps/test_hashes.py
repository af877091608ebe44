"""Microsoft's hashes of failures, on outputs that its debugger printed and people published."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sample_data import need

from bootmend.dumps.hashes import Frame, failure_id_hash, hash_string, thread_hashes

ARTICLE = [
    Frame("nt", "KeBugCheckEx", 0),
    Frame("nt", "IopLoadDriver", 0x19F8E6),
    Frame("nt", "IopInitializeSystemDrivers", 0x137),
    Frame("nt", "IoInitSystem", 0x16),
    Frame("nt", "Phase1Initialization", 0x3C),
    Frame("nt", "PspSystemThreadStartup", 0x41),
    Frame("nt", "KxStartSystemThread", 0x16),
]


def pairs() -> list[dict[str, Any]]:
    return [json.loads(line) for line in need("analyze/pairs.jsonl").read_text().splitlines()]


def test_of_the_article() -> None:
    """Source: the sample analysis of the article on CRITICAL_SERVICE_FAILED."""
    text = hash_string("0x5A_c0000428_IMAGE_filecrypt.sys")
    assert text == "km:0x5a_c0000428_image_filecrypt.sys"
    assert str(failure_id_hash(text)) == "35f25777-b01e-70a1-c502-f690dab6cb3a"
    hashes = thread_hashes(ARTICLE)
    assert hashes.mod == "30a3e915496deaace47137d5b90c3ecc03746bf6"
    assert hashes.mod_func == "eb79608c07faa1af62c0e61f25ff6bc1d6dfdb25"
    assert hashes.mod_func_offset == "96a3a314834bb4e8443a8b7201525fc5dfc1878b"


@pytest.mark.data
def test_failure_id_of_every_published_pair() -> None:
    checked = 0
    for pair in pairs():
        printed = pair["FAILURE_ID_HASH_STRING"]
        kernel = printed.startswith("km:") if printed else pair["bugcheck"] is not None
        # A debugger that prints no string hashed the bucket itself.
        text = printed or hash_string(pair["FAILURE_BUCKET_ID"], kernel=kernel)
        assert str(failure_id_hash(text)) == pair["FAILURE_ID_HASH"], text
        checked += 1
    assert checked >= 15


@pytest.mark.data
def test_bucket_and_string_belong_together() -> None:
    both = [pair for pair in pairs() if pair["FAILURE_ID_HASH_STRING"]]
    assert both
    for pair in both:
        kernel = pair["FAILURE_ID_HASH_STRING"].startswith("km:")
        assert hash_string(pair["FAILURE_BUCKET_ID"], kernel=kernel) == pair["FAILURE_ID_HASH_STRING"]


def frame(text: str) -> Frame:
    """`mod!func+0x12`, `mod+0x12` (no symbol), or `mod!func`."""
    name, _, offset = text.partition("+")
    module, _, function = name.partition("!")
    return Frame(module, function, int(offset or "0", 16))


@pytest.mark.data
def test_thread_hashes_of_every_whole_stack() -> None:
    whole = [pair for pair in pairs() if pair["frames_complete"] and pair["THREAD_SHA1_HASH_MOD"]]
    assert len(whole) >= 5
    for pair in whole:
        hashes = thread_hashes([frame(one) for one in pair.get("recovered_frames") or pair["frames"]])
        assert hashes.mod == pair["THREAD_SHA1_HASH_MOD"], pair["FAILURE_BUCKET_ID"]
        assert hashes.mod_func == pair["THREAD_SHA1_HASH_MOD_FUNC"]
        assert hashes.mod_func_offset == pair["THREAD_SHA1_HASH_MOD_FUNC_OFFSET"]


def test_a_frame_without_symbol_counts_its_module_alone() -> None:
    named, bare = thread_hashes([Frame("a", "f", 5)]), thread_hashes([Frame("a", "", 5)])
    assert named.mod == bare.mod
    assert bare.mod_func == bare.mod
    assert named.mod_func != bare.mod_func
    assert bare.mod_func_offset == thread_hashes([Frame("a", "", 9)]).mod_func_offset
