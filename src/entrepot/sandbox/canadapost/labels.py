"""Labels as the carrier makes them: one page of 4 by 6 inches with the address, the number, and its barcode."""

from collections.abc import Sequence
from dataclasses import dataclass

from entrepot.sandbox.canadapost.drawing import Page

_WIDTH, _HEIGHT = 101.6, 152.4
#: Widths of bars and gaps, in modules, of the values 0 to 106 of Code 128 (ISO/IEC 15417, table 1).
_PATTERNS = (
    "212222", "222122", "222221", "121223", "121322", "131222", "122213", "122312", "132212", "221213", "221312",
    "231212", "112232", "122132", "122231", "113222", "123122", "123221", "223211", "221132", "221231", "213212",
    "223112", "312131", "311222", "321122", "321221", "312212", "322112", "322211", "212123", "212321", "232121",
    "111323", "131123", "131321", "112313", "132113", "132311", "211313", "231113", "231311", "112133", "112331",
    "132131", "113123", "113321", "133121", "313121", "211331", "231131", "213113", "213311", "213131", "311123",
    "311321", "331121", "312113", "312311", "332111", "314111", "221411", "431111", "111224", "111422", "121124",
    "121421", "141122", "141221", "112214", "112412", "122114", "122411", "142112", "142211", "241211", "221114",
    "413111", "241112", "134111", "111242", "121142", "121241", "114212", "124112", "124211", "411212", "421112",
    "421211", "212141", "214121", "412121", "111143", "111341", "131141", "114113", "114311", "411113", "411311",
    "113141", "114131", "311141", "411131", "211412", "211214", "211232", "2331112",
)  # fmt: skip
_START_C, _STOP = 105, 106


@dataclass(frozen=True, slots=True)
class Label:
    """What a label shows."""

    service: str
    sender: Sequence[str]
    recipient: Sequence[str]
    postal_code: str
    pin: str
    reference: str
    weight: str


def code_128(digits: str) -> str:
    """The bars and gaps of a number of an even count of digits, in modules, beginning with a bar (code set C).

    Raises ValueError for anything else.
    """
    if not digits.isascii() or not digits.isdigit() or len(digits) % 2:
        raise ValueError(f"Code set C takes pairs of digits, not {digits!r}.")
    values = [int(digits[at : at + 2]) for at in range(0, len(digits), 2)]
    check = (_START_C + sum(at * value for at, value in enumerate(values, start=1))) % 103
    return "".join(_PATTERNS[value] for value in (_START_C, *values, check, _STOP))


def draw(label: Label) -> bytes:
    """The label as a PDF of one page."""
    page = Page(_WIDTH, _HEIGHT, f"Label {label.pin}")
    page.write(6, 10, 13, label.service)
    _lines(page, 6, 20, 7, ("FROM / DE", *label.sender))
    page.write(68, 20, 7, f"{label.weight} kg")
    page.bar(4, 44, _WIDTH - 8, 0.3)
    _lines(page, 6, 52, 10, ("TO / A", *label.recipient))
    page.write(6, 86, 20, f"{label.postal_code[:3]} {label.postal_code[3:]}")
    _bars(page, code_128(label.pin), x=8, y=94, width=_WIDTH - 16, height=30)
    page.write(22, 131, 11, " ".join(label.pin[at : at + 4] for at in range(0, len(label.pin), 4)))
    page.write(6, 140, 7, f"Ref: {label.reference}")
    page.write(6, 147, 6, "SANDBOX - NO POSTAGE PAID")
    return page.pdf()


def _bars(page: Page, modules: str, *, x: float, y: float, width: float, height: float) -> None:
    module = width / sum(int(count) for count in modules)
    for at, count in enumerate(modules):
        if at % 2 == 0:
            page.bar(x, y, int(count) * module, height)
        x += int(count) * module


def _lines(page: Page, x: float, y: float, size: float, lines: Sequence[str]) -> None:
    for at, one in enumerate(line for line in lines if line):
        page.write(x, y + at * size * 0.45, size, one)
