"""Which firmware a disk is made for, by its table and the boot files on it."""

from __future__ import annotations

from uuid import UUID

import pytest
from strange_machines import Pieces, partition, strange

from bootmend.disk.overlay import Overlay
from bootmend.volumes.tables.partition import BASIC_DATA, ESP, Partition
from bootmend.volumes.tables.write import write_gpt, write_mbr
from bootmend.windows.bootchain import BootChain, read_boot_chain
from bootmend.windows.image import Image

MIB = 1 << 20


def chain_of(disk: Overlay) -> BootChain:
    image = Image(disk)
    try:
        return read_boot_chain(image)
    finally:
        image.close()


@pytest.mark.parametrize(("generation", "firmware"), [(1, "bios"), (2, "uefi")])
def test_a_machine_as_setup_made_it(generation: int, firmware: str) -> None:
    with strange(generation) as odd:
        chain = chain_of(odd.disk)
        assert (chain.firmware, chain.start.volume, chain.start.partitions) == (firmware, 1, (1,))
        assert chain.judged is chain.store is not None
        assert all(one.where and one.what for one in chain.start.told_by)


@pytest.mark.parametrize("kind", ["0x0c", "0xef"])
def test_only_uefi_files_on_an_mbr(kind: str) -> None:
    with strange(2) as base:
        system = partition(base.disk, 1)
        disk = Overlay(Pieces(2 * MIB + system.size, [(MIB, system)]))
        write_mbr(disk, 7, [Partition(1, MIB, system.size, kind)])
        chain = chain_of(disk)
        assert (chain.firmware, chain.start.volume) == ("uefi", 1)
        assert chain.judged is not None


def test_the_files_of_both_decide_nothing() -> None:
    """A stick made for BIOS and UEFI: the store that is read first tells the way, and no rule judges it."""
    with strange(1) as one, strange(2) as two:
        bios, uefi = partition(one.disk, 1), partition(two.disk, 1)
        second = 2 * MIB + bios.size
        disk = Overlay(Pieces(second + uefi.size + MIB, [(MIB, bios), (second, uefi)]))
        active = Partition(1, MIB, bios.size, "0x07", active=True)
        write_mbr(disk, 7, [active, Partition(2, second, uefi.size, "0x0c")])
        chain = chain_of(disk)
        assert (chain.start.firmware, chain.start.volume, chain.judged) == (None, None, None)
        assert chain.store is not None


def test_of_two_efi_system_partitions_the_one_with_the_store() -> None:
    with strange(2) as base:
        system = partition(base.disk, 1)
        second = 2 * MIB + system.size
        disk = Overlay(Pieces(second + system.size + 2 * MIB, [(MIB, system), (second, system)]))
        table = [Partition(1, MIB, system.size, ESP), Partition(2, second, system.size, ESP)]
        write_gpt(disk, UUID(int=7), table)
        image = Image(disk)
        image.delete_file(1, "\\EFI\\Microsoft\\Boot\\BCD")
        image.close()
        chain = chain_of(disk)
        assert (chain.start.volume, chain.start.partitions) == (2, (1, 2))


def test_a_volume_alone_and_a_gpt_without_a_system_partition() -> None:
    with strange(1) as base:
        system = partition(base.disk, 1)
        alone = chain_of(Overlay(Pieces(system.size, [(0, system)])))
        assert (alone.firmware, alone.start.firmware, alone.judged) == ("bios", None, None)
        disk = Overlay(Pieces(system.size + 2 * MIB, [(MIB, system)]))
        write_gpt(disk, UUID(int=7), [Partition(1, MIB, system.size, BASIC_DATA)])
        chain = chain_of(disk)
        # Windows starts from a GPT through UEFI alone: a BIOS store there starts nothing.
        assert (chain.firmware, chain.start.volume, chain.judged) == ("uefi", None, None)
