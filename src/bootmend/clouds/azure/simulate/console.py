"""What a machine says on its serial port, as boot diagnostics keep it.

https://learn.microsoft.com/troubleshoot/azure/virtual-machines/windows/serial-console-windows (the Special Admin Console, as
images of the gallery have it switched on), and for the boot manager's error over EMS and the stop code Microsoft's articles on
boot errors. Not recorded on Azure.
"""  # noqa: E501  a link

from __future__ import annotations

from bootmend.clouds.azure.simulate.wire import Json
from bootmend.clouds.azure.simulate.world import Resource

_GREETING = (
    "Computer is booting, SAC started and initialized.\r\n\r\n"
    'Use the "ch -?" command for information about using channels.\r\n'
    'Use the "?" command for general help.\r\n\r\n\r\n'
)


def serial_log(phase: str, outcome: Json, vm: Resource) -> str:
    """Of the start that is under way."""
    if phase in ("off", "firmware", "black", "booting"):
        return ""
    if phase == "boot_manager":
        return (
            "\x1b[2J\x1b[1;1HWindows Boot Manager\r\n\r\n"
            "Windows failed to start. A recent hardware or software change might be the cause.\r\n\r\n"
            f"    File: {outcome.get('file', '')}\r\n\r\n    Status: {outcome.get('status', '')}\r\n"
        )
    if phase == "stop":
        code = int(str(outcome.get("stop", "0x0")), 16)
        return f"{_GREETING}SAC>\r\n!SAC>\r\n*** STOP: 0x{code:08X}\r\n{outcome.get('name', '')}\r\n"
    told = (
        f'{_GREETING}<?xml version="1.0"?>\r\n<machine-info>\r\n<name>{vm.name}</name>\r\n</machine-info>\r\nSAC>\r\n'
    )
    if phase == "ready":
        told += "EVENT: The CMD command is now available.\r\nSAC>\r\n"
    return told
