"""bootmend finds what keeps a Windows machine from booting and repairs it on its disk."""

__version__ = "0.1.0"
