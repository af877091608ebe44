"""Azure keeps the contract, as far as the double tells: the real SDK talks to it over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from azure_stage import azure_cloud, double_with_machines, file_of
from contracts.cloud import CloudContract, CloudStage


class TestAzureCloud(CloudContract):
    @contextmanager
    def set_up(self, folder: Path) -> Iterator[CloudStage]:
        with double_with_machines(folder) as double:
            yield CloudStage(azure_cloud(double), lambda disk: file_of(double, disk))
