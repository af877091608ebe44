"""Whom a stop 0x5A may be about whose dump does not hold the driver's name: small dumps mostly do not.

An inference from the disk, never a finding of the dump: the drivers without which this Windows does not start
(ErrorControl 3), whose file or signature fails today with the very status that the dump tells.
"""

from __future__ import annotations

from dataclasses import replace

from bootmend.dumps.dump import Dump
from bootmend.dumps.verdict import CRITICAL_SERVICE_FAILED, Verdict
from bootmend.windows.installation import Windows
from bootmend.windows.prediction import predict_driver


def with_suspects(verdict: Verdict, dump: Dump, windows: Windows) -> Verdict:
    """The verdict, with the images that the disk points at where the dump of a 0x5A names none."""
    if dump.code != CRITICAL_SERVICE_FAILED or verdict.image or dump.header.made_by_a_tool:
        return verdict
    images = []
    for driver in windows.audited:
        likely = predict_driver(windows, driver)
        blamed = likely is not None and likely.stop == CRITICAL_SERVICE_FAILED and likely.status == verdict.status
        if blamed and driver.image not in images:
            images.append(driver.image)
    return replace(verdict, inferred=tuple(images))
