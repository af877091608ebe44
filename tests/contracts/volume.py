"""The contract of every Volume: subclass `VolumeContract` and say how to make and open one.

`make_device(folder)` gives a fresh, formatted, writable device of about 32 MiB; `open_volume`
opens the volume on it; `check` runs the file system's own checker, where there is one, and
fails the test if it finds fault. Every test that writes ends in `again`: close, check, open.
"""

from __future__ import annotations

import hashlib
import random
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path

import pytest

from bootmend.disk.device import BlockDevice
from bootmend.errors import BootmendError, InputError, Missing
from bootmend.volumes.volume import ARCHIVE, DIRECTORY, HIDDEN, READ_ONLY, SETTABLE, SYSTEM, NotInPlace, Volume

NAMES = [
    "bootmgfw.efi",
    "A long name with spaces and.several.dots.txt",
    "UPPER.TXT",
    "MiXed.Sys",
    "noextension",
    "été.log",
    "日本語のファイル名.dat",
    "\U0001f600 emoji.txt",
    "[brackets]+,;=.x",
    "x" * 255,
    "dollar$%'-_@~`!(){}^#&.ini",
    "pile~1.txt",
    " leading space",
]


def noise(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


def digest(device: BlockDevice) -> bytes:
    return hashlib.sha256(device.read(0, device.size)).digest()


class VolumeContract(ABC):
    @abstractmethod
    def make_device(self, folder: Path) -> BlockDevice: ...

    @abstractmethod
    def open_volume(self, device: BlockDevice) -> Volume: ...

    def check(self, device: BlockDevice) -> None:
        """Fails if the file system's own checker finds fault."""
        return

    @pytest.fixture
    def device(self, tmp_path: Path) -> BlockDevice:
        return self.make_device(tmp_path)

    @pytest.fixture
    def volume(self, device: BlockDevice) -> Iterator[Volume]:
        with self.open_volume(device) as volume:
            yield volume

    def again(self, volume: Volume) -> Volume:
        """The same volume as the next one to open it finds it."""
        device = volume.device
        volume.close()
        self.check(device)
        return self.open_volume(device)

    def test_the_root_is_a_folder(self, volume: Volume) -> None:
        assert volume.stat("\\").directory
        assert volume.stat("\\").attributes & DIRECTORY
        assert all(entry.name not in (".", "..") for entry in volume.listdir("\\"))

    @pytest.mark.parametrize("size", [0, 1, 511, 512, 4096, 4097, 65536, 1_000_003])
    def test_what_is_created_is_read_back(self, volume: Volume, size: int) -> None:
        volume.create("\\file.bin", noise(size))
        assert volume.read("\\file.bin") == noise(size)
        volume = self.again(volume)
        assert volume.read("\\file.bin") == noise(size)
        assert volume.stat("\\file.bin").size == size
        assert not volume.stat("\\file.bin").directory
        volume.close()

    def test_files_are_read_in_parts(self, volume: Volume) -> None:
        data = noise(300_000)
        volume.create("\\file.bin", data)
        file = volume.open("\\file.bin")
        assert file.size == len(data)
        for offset, length in ((0, 1), (4095, 2), (65535, 70000), (299_999, 1), (123, 0)):
            assert file.read(offset, length) == data[offset : offset + length]
        assert file.read(299_990, 100) == data[299_990:]
        assert file.read(300_000, 10) == b""
        assert file.read(400_000, 10) == b""

    def test_names_are_found_in_any_case_and_keep_theirs(self, volume: Volume) -> None:
        volume.mkdir("\\EFI")
        volume.mkdir("\\EFI\\Microsoft")
        volume.create("\\efi\\MICROSOFT\\BootMgFw.efi", b"code")
        volume = self.again(volume)
        assert volume.read("\\Efi\\microsoft\\BOOTMGFW.EFI") == b"code"
        assert [entry.name for entry in volume.listdir("\\EFI\\Microsoft")] == ["BootMgFw.efi"]
        assert volume.stat("\\efi\\microsoft\\bootmgfw.efi").name == "BootMgFw.efi"
        assert volume.exists("\\EFI\\MICROSOFT") and not volume.exists("\\EFI\\Boot")
        volume.close()

    @pytest.mark.parametrize("name", NAMES)
    def test_names_of_every_kind(self, volume: Volume, name: str) -> None:
        volume.mkdir("\\folder")
        volume.create(f"\\folder\\{name}", name.encode())
        volume = self.again(volume)
        assert [entry.name for entry in volume.listdir("\\folder")] == [name]
        assert volume.read(f"\\folder\\{name}") == name.encode()
        volume.delete(f"\\folder\\{name}")
        volume = self.again(volume)
        assert volume.listdir("\\folder") == []
        volume.close()

    def test_names_that_windows_cannot_have_are_refused(self, volume: Volume) -> None:
        before = digest(volume.device)
        for name in ("a/b", "a*b", "a?b", 'a"b', "a<b", "a>b", "a|b", "a:b", "a\0b", "a\nb", "y" * 256, "end.", "end "):
            with pytest.raises(BootmendError):
                volume.create(f"\\{name}", b"")
            with pytest.raises(BootmendError):
                volume.mkdir(f"\\{name}")
        volume.close()
        assert digest(volume.device) == before

    def test_what_is_missing_is_missing(self, volume: Volume) -> None:
        volume.create("\\file", b"content")
        for path in ("\\none", "\\none\\none", "\\file\\none"):
            for ask in (volume.stat, volume.open, volume.listdir, volume.extents, volume.delete):
                with pytest.raises(Missing):
                    ask(path)
            with pytest.raises(Missing):
                volume.replace(path, b"")
            with pytest.raises(Missing):
                volume.rename(path, "\\other")
        for path in ("\\none\\new", "\\file\\new"):
            with pytest.raises(Missing):
                volume.create(path, b"")
            with pytest.raises(Missing):
                volume.mkdir(path)
            with pytest.raises(Missing):
                volume.rename("\\file", path)
        with pytest.raises(Missing):
            volume.listdir("\\file")
        self.again(volume).close()

    def test_a_folder_has_no_bytes_to_read(self, volume: Volume) -> None:
        volume.mkdir("\\folder")
        with pytest.raises(InputError):
            volume.open("\\folder")
        with pytest.raises(BootmendError):
            volume.replace("\\folder", b"x")

    def test_the_same_name_cannot_be_made_twice(self, volume: Volume) -> None:
        volume.create("\\Name.txt", b"first")
        volume.mkdir("\\Folder")
        for path in ("\\Name.txt", "\\NAME.TXT", "\\Folder", "\\folder"):
            with pytest.raises(BootmendError):
                volume.create(path, b"second")
            with pytest.raises(BootmendError):
                volume.mkdir(path)
        volume = self.again(volume)
        assert volume.read("\\name.txt") == b"first"
        volume.close()

    @pytest.mark.parametrize(
        ("old", "new"), [(100_000, 100_000), (100, 500_000), (500_000, 100), (70_000, 0), (0, 9000)]
    )
    def test_replace_gives_new_content_of_any_size(self, volume: Volume, old: int, new: int) -> None:
        volume.create("\\Before.bin", noise(200_000, 2))
        volume.create("\\File.bin", noise(old))
        volume.create("\\After.bin", noise(200_000, 3))
        attributes = volume.stat("\\File.bin").attributes
        volume.replace("\\file.BIN", noise(new, 4))
        volume = self.again(volume)
        assert volume.read("\\File.bin") == noise(new, 4)
        assert volume.stat("\\file.bin").name == "File.bin"
        assert volume.stat("\\file.bin").attributes == attributes
        assert volume.read("\\Before.bin") == noise(200_000, 2)
        assert volume.read("\\After.bin") == noise(200_000, 3)
        volume.close()

    def test_delete_gives_the_room_back(self, volume: Volume) -> None:
        for turn in range(12):  # 12 x 4 MiB are more than the volume holds
            volume.create("\\big.bin", noise(4 << 20, turn))
            assert volume.read("\\big.bin") == noise(4 << 20, turn)
            volume.delete("\\big.bin")
            assert not volume.exists("\\big.bin")
        self.again(volume).close()

    def test_a_folder_is_deleted_only_when_empty(self, volume: Volume) -> None:
        volume.mkdir("\\folder")
        volume.create("\\folder\\file", b"x")
        with pytest.raises(BootmendError):
            volume.delete("\\folder")
        with pytest.raises(BootmendError):
            volume.delete("\\")
        volume.delete("\\folder\\file")
        volume.delete("\\folder")
        volume = self.again(volume)
        assert not volume.exists("\\folder")
        volume.close()

    def test_rename_moves_names_not_content(self, volume: Volume) -> None:
        volume.mkdir("\\from")
        volume.mkdir("\\to")
        volume.mkdir("\\from\\inner")
        volume.create("\\from\\inner\\deep.txt", b"deep")
        volume.create("\\from\\file.txt", noise(50_000))
        volume.rename("\\from\\file.txt", "\\from\\a longer name for it.txt")
        volume.rename("\\from\\a longer name for it.txt", "\\to\\moved.bin")
        volume.rename("\\from\\inner", "\\to\\Inner")
        volume.rename("\\to\\moved.bin", "\\to\\MOVED.bin")
        volume = self.again(volume)
        assert volume.listdir("\\from") == []
        assert sorted(entry.name for entry in volume.listdir("\\to")) == ["Inner", "MOVED.bin"]
        assert volume.read("\\to\\moved.bin") == noise(50_000)
        assert volume.read("\\to\\inner\\deep.txt") == b"deep"
        volume.close()

    def test_attributes_are_set_and_taken_away_again(self, volume: Volume) -> None:
        volume.create("\\a long name.txt", noise(10_000))
        volume.mkdir("\\folder")
        volume.set_attributes("\\A LONG NAME.TXT", READ_ONLY | HIDDEN | SYSTEM)
        volume.set_attributes("\\folder", HIDDEN)
        volume = self.again(volume)
        for entry in (volume.stat("\\a long name.txt"), volume.listdir("\\")[0]):
            assert entry.attributes & SETTABLE == READ_ONLY | HIDDEN | SYSTEM
        assert volume.stat("\\folder").attributes & (SETTABLE | DIRECTORY) == HIDDEN | DIRECTORY
        volume.set_attributes("\\a long name.txt", ARCHIVE)
        volume = self.again(volume)
        assert volume.stat("\\a long name.txt").attributes & SETTABLE == ARCHIVE
        assert volume.read("\\a long name.txt") == noise(10_000)
        with pytest.raises(Missing):
            volume.set_attributes("\\nothing", ARCHIVE)
        with pytest.raises(BootmendError):
            volume.set_attributes("\\", HIDDEN)

    def test_rename_never_overwrites_nor_moves_a_folder_into_itself(self, volume: Volume) -> None:
        volume.create("\\one", b"1")
        volume.create("\\two", b"2")
        volume.mkdir("\\folder")
        volume.mkdir("\\folder\\inner")
        for path, target in (
            ("\\one", "\\TWO"),
            ("\\one", "\\folder"),
            ("\\folder", "\\folder\\inner\\loop"),
            ("\\folder", "\\folder\\loop"),
            ("\\", "\\folder\\root"),
        ):
            with pytest.raises(BootmendError):
                volume.rename(path, target)
        volume = self.again(volume)
        assert volume.read("\\one") == b"1" and volume.read("\\two") == b"2"
        assert volume.exists("\\folder\\inner")
        volume.close()

    def test_a_folder_of_many_files(self, volume: Volume) -> None:
        volume.mkdir("\\many")
        names = [f"Some driver with a long name {number:03}.sys" for number in range(300)]
        for name in names:
            volume.create(f"\\many\\{name}", name.encode())
        for name in names[::3]:
            volume.delete(f"\\many\\{name}")
        left = sorted(set(names) - set(names[::3]))
        volume = self.again(volume)
        assert sorted(entry.name for entry in volume.listdir("\\many")) == left
        for name in left[::17]:
            assert volume.read(f"\\many\\{name}") == name.encode()
        volume.close()

    def test_listdir_and_stat_agree(self, volume: Volume) -> None:
        volume.mkdir("\\folder")
        volume.create("\\folder\\file.txt", noise(12_345))
        volume.mkdir("\\folder\\inner")
        volume = self.again(volume)
        entries = {entry.name: entry for entry in volume.listdir("\\folder")}
        assert set(entries) == {"file.txt", "inner"}
        for name, entry in entries.items():
            assert volume.stat(f"\\folder\\{name}") == entry
            assert entry.directory == (name == "inner") == bool(entry.attributes & DIRECTORY)
        assert entries["file.txt"].size == 12_345
        volume.close()

    def test_extents_are_where_the_bytes_stand(self, volume: Volume) -> None:
        data = noise(200_001)
        volume.create("\\file.bin", data)
        volume = self.again(volume)
        extents = volume.extents("\\file.bin")
        at = 0
        for extent in extents:
            assert extent.file_offset == at and extent.length > 0
            assert volume.device.read(extent.volume_offset, extent.length) == data[at : at + extent.length]
            at += extent.length
        assert at == len(data)
        volume.close()

    def test_writing_in_place_changes_those_bytes_and_no_others(self, volume: Volume) -> None:
        data = bytearray(noise(200_001))
        volume.create("\\file.bin", bytes(data))
        volume = self.again(volume)
        model = bytearray(volume.device.read(0, volume.device.size))
        extents = volume.extents("\\file.bin")
        for offset, piece in ((0, b"start"), (4090, noise(70_000, 5)), (200_000, b"!")):
            volume.write_in_place("\\file.bin", offset, piece)
            data[offset : offset + len(piece)] = piece
        assert volume.read("\\file.bin") == data
        for extent in extents:
            low = extent.volume_offset
            model[low : low + extent.length] = data[extent.file_offset : extent.file_offset + extent.length]
        assert volume.device.read(0, volume.device.size) == model
        with pytest.raises(NotInPlace):
            volume.write_in_place("\\file.bin", 200_000, b"!!")
        assert volume.device.read(0, volume.device.size) == model
        volume.close()

    def test_reading_never_writes(self, volume: Volume) -> None:
        volume.mkdir("\\folder")
        volume.create("\\folder\\file.txt", noise(90_000))
        volume = self.again(volume)
        before = digest(volume.device)
        volume.state()
        volume.listdir("\\")
        volume.listdir("\\folder")
        volume.read("\\folder\\file.txt")
        volume.extents("\\folder\\file.txt")
        volume.close()
        assert digest(volume.device) == before

    def test_a_full_volume_says_so_and_keeps_what_it_had(self, volume: Volume) -> None:
        volume.create("\\kept.bin", noise(1 << 20))
        with pytest.raises(BootmendError):
            volume.create("\\too big.bin", bytes(volume.device.size))
        with pytest.raises(BootmendError):
            volume.replace("\\kept.bin", bytes(volume.device.size))

    def test_random_work_ends_as_the_model_says(self, volume: Volume) -> None:
        """Files and folders against a dictionary; the checker looks at the end."""
        dice = random.Random(2024)
        folders = ["", "\\A folder", "\\A folder\\Sub"]
        for folder in folders[1:]:
            volume.mkdir(folder)
        model: dict[str, bytes] = {}
        for turn in range(150):
            path = f"{dice.choice(folders)}\\File number {dice.randrange(25)}.bin"
            data = noise(dice.choice((0, 10, 700, 5000, 40_000)), turn)
            deed = dice.choice(("create", "replace", "delete", "rename"))
            if path not in model:
                volume.create(path, data)
                model[path] = data
            elif deed in {"replace", "create"}:
                volume.replace(path, data)
                model[path] = data
            elif deed == "delete":
                volume.delete(path)
                del model[path]
            else:
                target = f"{dice.choice(folders)}\\Renamed {turn}"
                volume.rename(path, target)
                model[target] = model.pop(path)
        volume = self.again(volume)
        for path, data in model.items():
            assert volume.read(path) == data
        for folder in folders:
            names = {entry.name for entry in volume.listdir(folder or "\\") if not entry.directory}
            want = {path.rpartition("\\")[2] for path in model if path.rpartition("\\")[0] == folder}
            assert want <= names
            assert len(names - want) == 0 or not folder  # a root may hold the file system's own files
        volume.close()
