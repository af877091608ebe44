"""The bound that other tests rest on: it holds back what is too much, and nothing else."""

from __future__ import annotations

import sys

import pytest
from bounded_work import bounded_work


def test_a_call_too_many_ends_the_block() -> None:
    done = 0
    with pytest.raises(pytest.fail.Exception, match="more than 100 calls"), bounded_work(calls=100):
        for done in range(10_000):
            abs(done)
    assert 90 < done <= 100
    assert sys.getprofile() is None


def test_as_many_as_are_allowed_are_made() -> None:
    with bounded_work(calls=1_000):
        assert sum(abs(number) for number in range(400)) == 400 * 399 // 2
    with bounded_work():
        assert sum(abs(number) for number in range(10_000)) == 10_000 * 9_999 // 2
    assert sys.getprofile() is None
