"""The INF of a driver package, short but of the right form: what driver stores and vendors' catalogs hold."""

from __future__ import annotations

from bootmend.lab.roster import Binary


def inf_text(binary: Binary, arch: str, version: str) -> bytes:
    """UTF-16 with a byte order mark, as Windows' own INFs are."""
    provider = "bootmend lab" if binary.inbox else f"bootmend lab {binary.owner}"
    lines = [
        "[Version]",
        'Signature = "$WINDOWS NT$"',
        "Class = System",
        "ClassGuid = {4d36e97d-e325-11ce-bfc1-08002be10318}",
        f"Provider = {provider!r}".replace("'", '"'),
        f"DriverVer = 01/09/2024,{version}",
        f"CatalogFile = {binary.package}.cat",
        "[DestinationDirs]",
        "DefaultDestDir = 12",
        "[SourceDisksNames]",
        "1 = disk",
        "[SourceDisksFiles]",
        f"{binary.name} = 1",
        "[Manufacturer]",
        f"Lab = Models, NT{arch}",
        f"[Models.NT{arch}]",
        f"Device = Install, ROOT\\{binary.service}",
        "[Install.NT]",
        "CopyFiles = Files",
        "[Files]",
        binary.name,
        "[Install.NT.Services]",
        f"AddService = {binary.service}, 2, Service",
        "[Service]",
        "ServiceType = 1",
        f"StartType = {binary.start}",
        f"ErrorControl = {binary.error_control}",
        f"ServiceBinary = %12%\\{binary.name}",
        "",
    ]
    return "\r\n".join(lines).encode("utf-16")
