"""The script of a batch: as that of one repair (helper.py), but the program stays on the helper from batch to batch.

A parcel is known by its mark, so that one that was at the same LUN a moment ago is never taken for it. The program
is unpacked beside its place and renamed: half of one is never run.
"""

from __future__ import annotations

from bootmend.clouds.azure.helper import Program, device_of
from bootmend.clouds.azure.parcel import HEADER, PROGRAM_AT

NO_PROGRAM = 75
"""Exit code where the parcel brings no program and none is there: nothing was touched."""


def batch_script(lun: int, program: Program, mark: str) -> str:
    """Runs as root under any POSIX shell. DEV and VM_HOME stand for /dev and /var/lib on the double."""
    one, other = device_of(lun).split("|")
    return f"""set -eu
export BOOTMEND_DEV="${{DEV:-/dev}}"
parcel=
for wait in $(seq 600); do
    for place in "$BOOTMEND_DEV/{one}" "$BOOTMEND_DEV/{other}"; do
        if [ -e "$place" ] && dd if="$place" bs={HEADER} count=1 status=none | grep -aq {mark}; then
            parcel=$place
            break 2
        fi
    done
    sleep 0.2
done
if [ -z "$parcel" ]; then
    echo "the parcel is not there" >&2
    exit 1
fi
keep="${{VM_HOME:-/var/lib}}/bootmend"
home="$keep/{program.digest}"
if [ ! -x "$home/run" ]; then
    if [ {program.length} -eq 0 ]; then
        echo "no program" >&2
        exit {NO_PROGRAM}
    fi
    mkdir -p -m 700 "$keep"
    new=$(mktemp -d "$keep/new.XXXXXX")
    dd if="$parcel" of="$new.tar.gz" bs={PROGRAM_AT} skip=1 count={-(-program.length // PROGRAM_AT)} status=none
    truncate -s {program.length} "$new.tar.gz"
    echo "{program.digest}  $new.tar.gz" | sha256sum -c --quiet -
    tar -xzf "$new.tar.gz" -C "$new"
    rm -rf "$new.tar.gz" "$home"
    mv "$new" "$home"
fi
work=$(mktemp -d "${{TMPDIR:-/tmp}}/bootmend.XXXXXX")
trap 'rm -rf "$work"' EXIT
export BOOTMEND_RUN="$home/run"
"$BOOTMEND_RUN" bootmend.clouds.azure.inside "$parcel" "$work/disks"
"""
