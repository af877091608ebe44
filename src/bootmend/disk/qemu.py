"""A disk in a container that QEMU knows, through a qemu-nbd child of our own.

The socket is made, and we are connected to it, before the child starts: it inherits the
listening end (systemd's socket activation) and finds us waiting. So there is no path that
someone else could connect to, no waiting for a file to appear, and no child that outlives us:
without --persistent it ends when its only client is gone, however that client died, and the
image is closed in good order. (A death signal would do neither: it is tied to the thread
that started the child, and it can cut a qcow2 update in two.)

The format is given, never guessed by QEMU, and the file name reaches it as one option's value.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bootmend.disk.device import BlockDevice
from bootmend.disk.nbd import NbdClient
from bootmend.errors import DeviceError, InputError
from bootmend.texts import say

_ACTIVATED = 'export LISTEN_FDS=1 LISTEN_PID=$$; exec "$@" 3<&0 0</dev/null'
"""The listening socket comes as standard input and goes on as descriptor 3, as sd_listen_fds(3) wants it."""

_PATIENCE = 120.0
"""Seconds that one answer may take: a cloud's network disk can be slow, a hung child must not hang us."""

_GOODBYE = 30.0


class QemuDisk(BlockDevice):
    """The disk in the image at `path`, of the given QEMU format. InputError, with QEMU's words, if it cannot."""

    def __init__(self, path: str, image_format: str, writable: bool = False) -> None:
        self.name = path
        self.container = image_format
        self.writable = writable
        if shutil.which("qemu-nbd") is None:
            raise InputError(say("disk.no_qemu", path=path, format=image_format))
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115
        self._child: subprocess.Popen[bytes] | None = None
        try:
            self._client = NbdClient(self._start(path, image_format), path)
        except (DeviceError, OSError) as error:
            self._end()
            why = self._last_words() or str(error)
            raise InputError(say("disk.qemu_failed", path=path, why=why)) from error
        self.size = self._client.size

    def _start(self, path: str, image_format: str) -> socket.socket:
        options = (
            f"driver={image_format},file.driver=file,file.filename={str(Path(path).absolute()).replace(',', ',,')}"
        )
        mode = [] if self.writable else ["--read-only"]
        if not self.writable:
            options += ",force-share=on"  # as a raw image can be read while its machine runs
        short = None if len(tempfile.gettempdir()) < 80 else "/tmp"  # a socket's path has 108 bytes at most
        with (
            tempfile.TemporaryDirectory(prefix="bootmend-", dir=short) as folder,
            socket.socket(socket.AF_UNIX) as listener,
        ):
            listener.bind(f"{folder}/nbd")
            listener.listen(1)
            connection = socket.socket(socket.AF_UNIX)
            try:
                connection.settimeout(_PATIENCE)
                connection.connect(f"{folder}/nbd")
                command = ["/bin/sh", "-c", _ACTIVATED, "sh", "qemu-nbd", *mode, "--image-opts", options]
                # In a session of its own: a Ctrl-C is ours to deal with, and to put bytes back we need it alive.
                self._child = subprocess.Popen(
                    command,
                    stdin=listener.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=self._complaints,
                    start_new_session=True,
                )
            except BaseException:
                connection.close()
                raise
        return connection

    def _read(self, offset: int, length: int) -> bytes:
        return self._client.read(offset, length)

    def _write(self, offset: int, data: bytes) -> None:
        self._client.write(offset, data)

    def flush(self) -> None:
        if self.writable:
            self._client.flush()

    def close(self) -> None:
        self._client.disconnect()
        self._end()
        self._complaints.close()

    def data_extents(self) -> Iterator[tuple[int, int]]:
        start = end = 0
        for low, high in self._client.extents():
            if low != end:
                if end > start:
                    yield (start, end)
                start = low
            end = high
        if end > start:
            yield (start, end)

    def _end(self) -> None:
        """Waits for the child, which has nobody left to serve; one that does not end is made to."""
        if self._child is None:
            return
        for urge in (self._child.terminate, self._child.kill):
            try:
                self._child.wait(_GOODBYE)
                return
            except subprocess.TimeoutExpired:
                urge()
        self._child.wait()

    def _last_words(self) -> str:
        """What the child said last, without its name and the file's, which the sentence has already."""
        self._complaints.seek(0)
        lines = self._complaints.read(1 << 16).decode("utf-8", "replace").strip().splitlines()
        return lines[-1].removeprefix("qemu-nbd: ") if lines else ""
