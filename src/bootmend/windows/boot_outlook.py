"""What Windows will probably do for want of its boot manager, boot loader, kernel or a library.

Sources: "Windows boot error - invalid image hash", "Windows boot error 0xC000000F" and "0xC0000225" among
Microsoft's articles on machines that do not start; NTSTATUS values in [MS-ERREF].
"""

from __future__ import annotations

from bootmend.findings import Confidence, Prediction, Screen, Station
from bootmend.signing.verdict import Status
from bootmend.texts import say
from bootmend.windows.bootfiles import BootFile, Role
from bootmend.windows.drivers import Trouble
from bootmend.windows.prediction import INVALID_IMAGE_HASH, NO_SUCH_FILE, predict_screen, predict_stop
from bootmend.windows.service import Start

INVALID_IMAGE_FORMAT = 0xC000007B

_STATIONS = {Role.MANAGER: Station.BOOT_MANAGER, Role.LOADER: Station.BOOT_LOADER, Role.KERNEL: Station.KERNEL}


def station_of(file: BootFile) -> Station:
    known = _STATIONS.get(file.role)
    if known is not None:
        return known
    return Station.BOOT_DRIVERS if file.service.start == Start.BOOT else Station.SYSTEM_DRIVERS


def predict_file(file: BootFile) -> Prediction | None:
    """What comes of a file that is not loaded; None where the machine starts without it."""
    if not file.stops_the_boot:
        return None
    status = _status(file)
    image = file.location.path
    if file.service.start != Start.BOOT:
        why = say("rules_kernel.predicted_system", image=file.image, needed_by=file.needed_by)
        return predict_stop(0x5A, why, Confidence.MEDIUM, status=status, image=file.image)
    if file.role is Role.MANAGER and status == INVALID_IMAGE_FORMAT:
        words = say("rules_kernel.words_firmware")
        why = say("rules_kernel.predicted_firmware")
        return predict_screen(Screen.BIOS, words, why, Confidence.MEDIUM, image=image)
    words = say(
        "rules_kernel.words_missing" if file.trouble is Trouble.FILE_MISSING else "rules_kernel.words_unverified"
    )
    why = say(f"rules_kernel.predicted_{file.role.value}", image=file.image, needed_by=file.needed_by)
    # Microsoft documents 0xC0000428 of the boot loader, from real machines; of the kernel the status varies.
    sure = file.role is Role.LOADER and status == INVALID_IMAGE_HASH
    confidence = Confidence.HIGH if sure else Confidence.MEDIUM
    return predict_screen(Screen.BOOT_MANAGER, words, why, confidence, status=status, image=image)


def _status(file: BootFile) -> int:
    if file.trouble is Trouble.FILE_MISSING:
        return NO_SUCH_FILE
    if file.verdict is None or file.verdict.status is Status.NOT_A_DRIVER:
        return INVALID_IMAGE_FORMAT
    return file.verdict.ntstatus or INVALID_IMAGE_HASH
