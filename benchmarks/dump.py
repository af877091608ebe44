"""What reading a kernel dump costs, beside kdmp-parser on the same file.

    python benchmarks/dump.py [--gigabytes 8] [--all] [--runs 5] [--folder DIR]

The dump is made by the lab on a sparse file, nearly all of its pages zeros: every fourth page of the machine is in it,
the hardest case for whoever counts them, or with --all every one, as in a complete dump. Each reader runs
in a process of its own: seconds and the most memory are those of reading alone, after its modules were imported and
the program's texts were read (which the other one has none of).
"""

from __future__ import annotations

import argparse
import statistics
import struct
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import BinaryIO

from bootmend.dumps.header import HEAD64, DumpType
from bootmend.lab.crashed_memory import PAGE, Crash, CrashedMemory
from bootmend.lab.dump_maker import header, write_bitmap

DRIVER = "\\SystemRoot\\System32\\drivers\\filecrypt.sys"
CRASH = Crash(arguments=(1, "\\Driver\\FileCrypt", DRIVER, 0xFFFFFFFFC0000428))
ONE_IN = 4

MEASURE = """
import sys, time
def most():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
{imports}
before, started = most(), time.perf_counter()
{work}
seconds = time.perf_counter() - started
print(seconds, most() - before, {figures})
"""
READERS = {
    "bootmend": (
        "from bootmend.disk.raw import RawFile\nfrom bootmend.dumps import open_dump\n"
        "from bootmend.dumps.verdict import judge\nfrom bootmend.reports.dump import document\n"
        "from bootmend.texts import say\nsay('dumps.unknown')",
        "dump = open_dump(RawFile(sys.argv[1]), sys.argv[1])\nassert document(dump, judge(dump))['image_name']",
        "dump.reader.reads, dump.reader.bytes_read",
    ),
    "kdmp-parser": (
        "import kdmp_parser",
        "dump = kdmp_parser.KernelDumpParser(sys.argv[1])\nassert dump.read_physical_page(dump.directory_table_base)",
        "0, 0",
    ),
}


def made(folder: Path, gigabytes: int, *, every: bool) -> Path:
    path = folder / f"{'complete' if every else 'kernel'}-{gigabytes}.dmp"
    if not path.exists():
        memory = CrashedMemory(CRASH, frames=(gigabytes << 30) // PAGE)
        with path.open("wb") as target:
            if every:
                write_complete(target, memory)
            else:
                write_bitmap(target, memory, DumpType.BITMAP_FULL, also=range(1, memory.frames, ONE_IN))
    return path


def write_complete(target: BinaryIO, memory: CrashedMemory) -> None:
    """All pages are in it: each one's number is its place. No list of millions of them is made."""
    bits = b"\xff" * (memory.frames // 8)
    start = -(-(HEAD64 + 0x38 + len(bits)) // PAGE) * PAGE
    head = struct.pack("<8s24xQQQ", b"FDMPDUMP", start, memory.frames, memory.frames)
    target.write(header(memory, DumpType.BITMAP_FULL) + head + bits)
    for frame, page in memory.pages.items():
        target.seek(start + frame * PAGE)
        target.write(page)
    target.truncate(start + memory.frames * PAGE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gigabytes", type=int, default=8)
    parser.add_argument("--all", action="store_true", help="every page of the machine is in the dump")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "bootmend-dump-benchmark")
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    path = made(chosen.folder, chosen.gigabytes, every=chosen.all)
    sys.stdout.write(f"{path}: {path.stat().st_size >> 20} MiB, {path.stat().st_blocks >> 11} MiB on the disk\n")
    for name, (imports, work, figures) in READERS.items():
        script = MEASURE.format(imports=imports, work=work, figures=figures)
        rows = []
        for _ in range(chosen.runs):
            done = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, check=True)
            rows.append([float(word) for word in done.stdout.split()])
        seconds, memory, reads, read = (statistics.median(column) for column in zip(*rows, strict=True))
        counted = f", {reads:.0f} reads, {read / 1024:.0f} KiB" if reads else ""
        sys.stdout.write(f"{name:<12} {seconds * 1000:8.1f} ms  {memory / 1024:8.1f} MiB{counted}\n")


if __name__ == "__main__":
    main()
