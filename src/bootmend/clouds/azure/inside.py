"""What runs on the helper: each order of a parcel by the command line's own `repair`, and the results written back.

    run bootmend.clouds.azure.inside PARCEL-DEVICE WORK-FOLDER

Each disk is worked on by a process of its own: what is on it is hostile, and a crash or an endless loop there must
not take the others along. An order: {"device", "only", "accept", "trust", "seconds"}; a result: {"code", "told",
"document", "check"} with the exit codes and documents of the command line (`check`: the diagnosis afterwards).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from bootmend.clouds.azure.parcel import Places, read_header, read_orders, results
from bootmend.disk.device import BlockDevice
from bootmend.disk.raw import RawFile

_CHUNK = 1 << 20
_SECONDS = 3600
_DEVICE_SECONDS = 120.0
_MOST_TOLD = 4000


def main(arguments: list[str]) -> int:
    parcel, folder = Path(arguments[0]), Path(arguments[1])
    with RawFile(parcel) as device:
        places = read_header(device)
        orders = read_orders(device, places)
        donors = _donors(device, places, folder)
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        numbered = enumerate(orders)
        done = list(pool.map(lambda pair: _carried_out(folder / str(pair[0]), pair[1], donors), numbered))
    with RawFile(parcel, writable=True) as device:
        device.write(places.results, results(done))
        device.flush()
    return 0


def _donors(device: BlockDevice, places: Places, folder: Path) -> list[str]:
    """The words that name the donors' files, unpacked; none where none came along."""
    if not places.donors_length:
        return []
    into = folder / "donors"
    into.mkdir(parents=True)
    archive = into.with_suffix(".zip")
    with archive.open("wb") as file:
        end = places.donors + places.donors_length
        for at in range(places.donors, end, _CHUNK):
            file.write(device.read(at, min(_CHUNK, end - at)))
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(into)
    archive.unlink()
    return ["--donor", str(into)]


def _carried_out(folder: Path, order: dict[str, Any], donors: list[str]) -> dict[str, Any]:
    folder.mkdir(parents=True)
    try:
        device = _there(order["device"])
    except FileNotFoundError as error:
        return {"code": 4, "told": str(error), "document": None, "check": None}
    trusted: list[str] = []
    for number, pem in enumerate(order.get("trust", [])):
        path = folder / f"{number}.pem"
        path.write_bytes(pem.encode("latin-1"))
        trusted += ["--trust", str(path)]
    words = [word for key in ("only", "accept") for one in order.get(key, []) for word in (f"--{key}", str(one))]
    trusted += donors
    journal = ["--journal-dir", str(folder / "journal")]
    seconds = int(order.get("seconds", _SECONDS))
    code, document, told = _run(seconds, ["repair", device, "--yes", "--json", *words, *trusted, *journal])
    check = None
    if document is not None and document.get("commit"):
        _, check, _ = _run(seconds, ["diagnose", device, "--json", *trusted, *journal])
    return {"code": code, "told": told, "document": document, "check": check}


def _run(seconds: int, words: list[str]) -> tuple[int, dict[str, Any] | None, str]:
    """Exit code, document, and what stood on stderr."""
    starter = os.environ["BOOTMEND_RUN"]
    try:
        done = subprocess.run([starter, "bootmend", *words], capture_output=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return 4, None, f"no end after {seconds} seconds"
    told = done.stderr.decode(errors="replace")[-_MOST_TOLD:]
    try:
        document = json.loads(done.stdout)
    except ValueError:
        document = None
    return done.returncode, document, told


def _there(device: str) -> str:
    """The device of a LUN, once udev has made its name; FileNotFoundError where it does not come."""
    places = [Path(os.environ.get("BOOTMEND_DEV", "/dev")) / place for place in device.split("|")]
    end = time.monotonic() + _DEVICE_SECONDS
    while time.monotonic() < end:
        for place in places:
            if place.exists():
                return str(place.resolve())
        time.sleep(0.2)
    raise FileNotFoundError(f"no disk at {device}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
