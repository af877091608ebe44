"""Generated pictures of screens: drawn by this file, never seen on a machine. Every report of them says so.

The texts are those of Microsoft's articles (the two blue screens of "CRITICAL SERVICE FAILED" in English and
Korean among them) and of Windows' own screens; fonts, sizes, colours and codes come from a seed. Fonts are
packages of `scripts/setup test`; where none for a language is installed, `fonts` says so by an empty list.
"""

from __future__ import annotations

import io
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from random import Random

from PIL import Image, ImageDraw, ImageFont

FONTS = Path("/usr/share/fonts/truetype")
LATIN = ("open-sans/OpenSans-Regular.ttf", "liberation/LiberationSans-Regular.ttf", "dejavu/DejaVuSans.ttf")
HANGUL = ("lexi/LexiGulim.ttf", "naver-d2coding/D2Coding*.ttc", "nanum/NanumGothic.ttf")
MONO = ("liberation/LiberationMono-Regular.ttf", "dejavu/DejaVuSansMono.ttf")
SIZES = ((600, 450), (800, 600), (1024, 768), (1280, 720), (1920, 1080))
"""What documents and boot diagnostics hold; the smallest is a 1024x768 screen made smaller, as documents do."""
GROUNDS = ((0, 120, 215), (16, 112, 170), (32, 103, 178), (0, 0, 0), (17, 113, 62))
"""Windows 10, its documentation, Windows 8 and servers, Windows 11, previews."""
LIKELY = (0x5A, 0x7B, 0x7E, 0xC2, 0xD1, 0xEF, 0xF4, 0x1E, 0x24, 0x50, 0x67, 0x6B, 0x74, 0x109, 0x139, 0xED)
"""What keeps machines from starting most often; the first is the article's."""
STATUSES = (0xC0000428, 0xC0000225, 0xC000000F, 0xC000000E, 0xC0000098, 0xC000014C, 0xC0000034, 0xC0000221, 0xC0000001)
LOADED = ("\\Windows\\system32\\winload.exe", "\\Boot\\BCD", "\\Windows\\system32\\drivers\\filecrypt.sys", "")


@dataclass(frozen=True, slots=True)
class Words:
    """The sentences of a stop screen in one language."""

    language: str
    head: str
    percent: str
    more: str
    call: str
    stop: str
    failed: str
    search: str


ENGLISH = Words(
    "en",
    "Your PC ran into a problem and needs to restart. We're just collecting some error info, and then we'll restart "
    "for you.",
    "{percent}% complete",
    "For more information about this issue and possible fixes, visit https://www.windows.com/stopcode",
    "If you call a support person, give them this info:",
    "Stop code: {code}",
    "What failed: {file}",
    "If you'd like to know more, you can search online later for this error: {code}",
)
KOREAN = Words(
    "ko",
    "PC에 문제가 발생하여 다시 시작해야 합니다. 일부 오류 정보를 수집하고 있습니다. "
    "그런 다음 자동으로 다시 시작합니다.",
    "{percent}% 완료",
    "이 문제와 가능한 해결 방법에 대한 자세한 내용은 https://www.windows.com/stopcode를 참조하세요.",
    "지원 담당자에게 연락하는 경우 이 정보를 제공하세요.",
    "중지 코드: {code}",
    "실패한 항목: {file}",
    "자세한 내용을 보려면 나중에 온라인에서 다음 오류를 검색할 수 있습니다. {code}",
)
ARTICLE: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "en-1": (
        "en",
        "Your PC ran into a problem and needs to restart. You can restart.",
        (
            "For more information about this issue and possible fixes, visit http://windows.com/stopcode",
            "If you call a support person, give them this info:",
            "Stop code: CRITICAL SERVICE FAILED",
        ),
    ),
    "en-2": (
        "en",
        ENGLISH.head,
        ("If you'd like to know more, you can search online later for this error: CRITICAL_SERVICE_FAILED",),
    ),
    "ko-1": (
        "ko",
        "PC에 문제가 생겨 다시 시작해야 합니다. 다시 시작할 수 있습니다.",
        (
            "이 문제와 가능한 수정 사항에 대한 자세한 내용은 http://windows.com/stopcode를 참조하세요.",
            "지원 담당자를 호출하는 경우 이 정보를 제공합니다.",
            "코드 중지: 중요 서비스 실패",
        ),
    ),
    "ko-2": (
        "ko",
        "PC에 문제가 생겨 다시 시작해야 합니다. 일부 오류 정보를 수집하고 있습니다. 그런 다음 자동으로 "
        "다시 시작합니다.",
        ("자세한 내용을 보려면 나중에 온라인에서 다음 오류를 검색할 수 있습니다. CRITICAL_SERVICE_FAILED",),
    ),
}
"""Language, headline, and what stands below it."""


def encoded(picture: Image.Image, kind: str = "PNG") -> bytes:
    """The bytes of its file."""
    out = io.BytesIO()
    picture.save(out, kind)
    return out.getvalue()


def fonts(names: tuple[str, ...]) -> list[Path]:
    return [path for name in names for path in sorted(FONTS.glob(name))]


@cache
def all_codes() -> dict[int, str]:
    """Every published stop code by its name, but for those that only a debugger shows."""
    table = tomllib.loads(resources.files("bootmend.dumps").joinpath("bugchecks.toml").read_text(encoding="utf-8"))
    return {int(code, 16): row[0] for code, row in table.items() if int(code, 16) < 0x10000}


@dataclass(frozen=True, slots=True)
class Drawn:
    """A generated picture and the truth about it."""

    name: str
    data: bytes
    kind: str
    language: str
    stop: int | None = None
    status: int | None = None
    file: str | None = None


class Sheet:
    """A screen to write on, 1024 pixels to its width; text wraps at the right margin."""

    def __init__(self, size: tuple[int, int], ground: tuple[int, int, int], font: Path) -> None:
        # The smallest size is drawn large and made smaller, as pictures in documents are.
        self.size = size
        self.drawn = (1024, 768) if size[0] < 800 else size
        self.picture = Image.new("RGB", self.drawn, ground)
        self.draw = ImageDraw.Draw(self.picture)
        self.unit = max(self.drawn[0], 1000) / 1024
        self.font = font
        self.ink = (255, 255, 255)

    def write(self, text: str, left: float, top: float, em: float, width: float = 760) -> float:
        """Draws a paragraph; gives the top of what comes below it."""
        font = ImageFont.truetype(str(self.font), max(8, round(em * self.unit)))
        line = ""
        for word in text.split(" "):
            longer = f"{line} {word}".strip()
            if line and font.getlength(longer) > width * self.unit:
                top = self._line(line, left, top, em, font)
                longer = word
            line = longer
        return self._line(line, left, top, em, font)

    def _line(self, text: str, left: float, top: float, em: float, font: ImageFont.FreeTypeFont) -> float:
        self.draw.text((left * self.unit, top * self.unit), text, fill=self.ink, font=font)
        return top + em * 1.5

    def qr(self, left: float, top: float, side: float) -> None:
        import zxingcpp

        code = zxingcpp.create_barcode("https://www.windows.com/stopcode", zxingcpp.BarcodeFormat.QRCode)
        drawn = Image.fromarray(code.to_image(scale=4)).convert("RGB")
        edge = round(side * self.unit)
        place = (round(left * self.unit), round(top * self.unit))
        self.picture.paste(drawn.resize((edge, edge), Image.Resampling.BILINEAR), place)

    def encoded(self, random: Random) -> bytes:
        made = self.picture if self.size == self.drawn else self.picture.resize(self.size, Image.Resampling.BICUBIC)
        out = io.BytesIO()
        if random.random() < 0.25:
            made.save(out, "JPEG", quality=random.randint(80, 95))
        else:
            made.save(out, "PNG")
        return out.getvalue()


def stop_screen(code: int, words: Words, size: tuple[int, int], random: Random) -> Drawn:
    """A stop screen of Windows 10 or 11 (with its QR code) or of Windows 8, its font and colour drawn by lot."""
    name = all_codes()[code]
    font = random.choice(fonts(HANGUL if words.language == "ko" else LATIN))
    sheet = Sheet(size, random.choice(GROUNDS), font)
    file = random.choice(("", "", "myfault.sys", "filecrypt.sys", "storport.sys"))
    top = sheet.write(":(", 100, 60, 90)
    top = sheet.write(words.head, 100, top + 20, 24)
    top = sheet.write(words.percent.format(percent=random.randint(0, 100)), 100, top + 10, 24)
    if random.random() < 0.25:
        shown = f"{name} ({file})" if file else name
        sheet.write(words.search.format(code=shown), 100, top + 30, 13)
    else:
        sheet.qr(100, top + 20, 100)
        top = sheet.write(words.more, 215, top + 22, 13, 700)
        top = sheet.write(words.call, 215, top + 14, 12, 700)
        top = sheet.write(words.stop.format(code=name), 215, top + 4, 12, 700)
        if file:
            sheet.write(words.failed.format(file=file), 215, top + 4, 12, 700)
    label = f"stop {code:#x} {words.language} {size[0]}x{size[1]} {font.stem}"
    return Drawn(label, sheet.encoded(random), "stop", words.language, stop=code, file=file or None)


def article_screen(which: str, size: tuple[int, int], random: Random) -> Drawn:
    """One of the article's blue screens, word for word."""
    language, head, rest = ARTICLE[which]
    font = random.choice(fonts(LATIN if language == "en" else HANGUL))
    sheet = Sheet(size, GROUNDS[0], font)
    top = sheet.write(":(", 100, 60, 90)
    top = sheet.write(head, 100, top + 20, 24) + 30
    for text in rest:
        top = sheet.write(text, 100, top, 13) + 10
    label = f"article {which} {size[0]}x{size[1]} {font.stem}"
    return Drawn(label, sheet.encoded(random), "stop", language, stop=0x5A)


def boot_manager_screen(status: int, file: str, size: tuple[int, int], random: Random) -> Drawn:
    """The boot manager's error in text mode."""
    font = random.choice(fonts(MONO))
    sheet = Sheet(size, (0, 0, 0), font)
    top = sheet.write("Windows Boot Manager", 400, 10, 15)
    for text in (
        "Windows failed to start. A recent hardware or software change might be the cause. To fix the problem:",
        "  1. Insert your Windows installation disc and restart your computer.",
        '  2. Choose your language settings, and then click "Next."',
        '  3. Click "Repair your computer."',
        "If you do not have this disc, contact your system administrator or computer manufacturer for assistance.",
        *([f"    File: {file}"] if file else []),
        f"    Status: {status:#x}",
        "    Info: The selected entry could not be loaded because the application is missing or corrupt.",
    ):
        top = sheet.write(text, 20, top + 10, 15, 940)
    sheet.write("ENTER=Continue", 20, 730 * size[1] * 1024 / size[0] / 768, 15)
    label = f"boot manager {status:#x} {size[0]}x{size[1]} {font.stem}"
    data = sheet.encoded(random)
    return Drawn(label, data, "boot_manager", "en", status=status, file=file.lower() or None)


def plain_screen(kind: str, lines: tuple[str, ...], size: tuple[int, int], random: Random) -> Drawn:
    """Some lines on a dark ground, as firmware and waiting screens have them."""
    korean = any(ord(sign) > 0x1100 for line in lines for sign in line)
    mono = kind == "bios" and not korean
    font = random.choice(fonts(MONO if mono else HANGUL if korean else LATIN))
    sheet = Sheet(size, (0, 0, 0) if kind == "bios" else random.choice(GROUNDS), font)
    top = 40.0 if kind == "bios" else 300.0
    for line in lines:
        top = sheet.write(line, 40 if kind == "bios" else 380, top, 16, 900)
    label = f"{kind} {lines[0][:30]} {size[0]}x{size[1]} {font.stem}"
    return Drawn(label, sheet.encoded(random), kind, "ko" if korean else "en")


PLAIN: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("bios", ("An operating system wasn't found. Try disconnecting any drives that don't",
              "contain an operating system.", "Press Ctrl+Alt+Del to restart")),
    ("bios", ("BOOTMGR is missing", "Press Ctrl+Alt+Del to restart")),
    ("bios", ("Boot failure. Reboot and Select proper Boot device", "or Insert Boot Media in selected Boot device")),
    ("bios", ("Virtual Machine Boot Summary", "1. SCSI Disk (0,0)", "The boot loader did not load an operating system.",
              "2. Network Adapter (000D3A4DD64D)", "   A boot image was not found.", "No operating system was loaded. "
              "Your virtual machine may be configured incorrectly.")),
    ("getting_ready", ("Getting ready",)),
    ("getting_ready", ("Getting devices ready 35%",)),
    ("getting_ready", ("준비 중",)),
    ("updating", ("Working on updates 30%", "Don't turn off your PC. This will take a while.")),
    ("updating", ("We couldn't complete the updates", "Undoing changes", "Don't turn off your computer")),
    ("updating", ("업데이트 작업 중 30%", "PC를 끄지 마세요. 시간이 걸립니다.", "PC가 여러 번 다시 시작됩니다.")),
    ("winre", ("Diagnosing your PC",)),
    ("stuck", ("Please wait for the Group Policy Client",)),
    ("stuck", ("Applying computer settings",)),
    ("other", ("Press Ctrl+Alt+Delete to unlock.", "10:41")),
)  # fmt: skip


PAPERS = (
    ((255, 255, 255), (20, 20, 20)),
    ((250, 248, 240), (60, 60, 60)),
    ((30, 30, 30), (220, 220, 220)),
    ((1, 36, 86), (238, 237, 240)),
    ((12, 12, 12), (204, 204, 204)),
)
"""Ground and text of pages, of editors and of consoles."""


def text_about(code: int, size: tuple[int, int], random: Random) -> Drawn:
    """A page, a console or a message that only speaks of a stop code: no screen of a machine that stopped."""
    ground, ink = random.choice(PAPERS)
    font = random.choice(fonts(random.choice((LATIN, MONO))))
    sheet = Sheet(size, ground, font)
    sheet.ink = ink
    name = all_codes()[code]
    top = sheet.write(f"Troubleshoot error {name}", 40, 40, 26, 900)
    texts = [
        f"This article helps you when a machine stops with the stop code: {name}.",
        f"Error code 0x{code:08X} means that the system could not go on.",
        "If the status is 0xC0000428, a file is not signed: \\Windows\\system32\\winload.exe.",
        f"PS C:\\> Get-BugCheck {name}",
        f"BugCheck {code:X}, {{1, 2, 3, 4}}",
        f"{name} ({code:x})",
    ]
    for text in random.sample(texts, 4):
        top = sheet.write(text, 40, top + 14, 16, 900)
    label = f"text about {name} {size[0]}x{size[1]} {font.stem} on {ground}"
    return Drawn(label, sheet.encoded(random), "other", "")


def recovery_menu(size: tuple[int, int], random: Random) -> Drawn:
    """Windows 7's menu after a start that failed; its first sentences are the boot manager's."""
    font = random.choice(fonts(MONO))
    sheet = Sheet(size, (0, 0, 0), font)
    top = sheet.write("Windows Error Recovery", 400, 10, 15)
    for text in (
        "Windows failed to start. A recent hardware or software change might be the cause.",
        "If Windows files have been damaged or configured incorrectly, Startup Repair can help diagnose and fix the "
        "problem. If power was interrupted during startup, choose Start Windows Normally.",
        "(Use the arrow keys to highlight your choice.)",
        "Launch Startup Repair (recommended)",
        "Start Windows Normally",
    ):
        top = sheet.write(text, 20, top + 12, 15, 940)
    return Drawn(f"error recovery {size[0]}x{size[1]} {font.stem}", sheet.encoded(random), "menu", "en")


def generated_set(seed: int, codes: int = 16) -> list[Drawn]:
    """`codes` stop codes in two languages and five sizes, the article's screens, and those without a stop code."""
    random = Random(seed)
    chosen = [0x5A, *random.sample(sorted(set(all_codes()) - {0x5A}), codes - 1)]
    made = [stop_screen(code, words, size, random) for code in chosen for words in (ENGLISH, KOREAN) for size in SIZES]
    made += [article_screen(which, size, random) for which in ARTICLE for size in SIZES]
    made += [boot_manager_screen(status, random.choice(LOADED), size, random) for status in STATUSES for size in SIZES]
    made += [plain_screen(kind, lines, size, random) for kind, lines in PLAIN for size in SIZES]
    made += [text_about(code, size, random) for code in chosen[:6] for size in SIZES]
    made += [recovery_menu(size, random) for size in SIZES]
    return made
