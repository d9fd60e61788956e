"""Version numbers as the operators `$veq`, `$vlt` … compare them: semantic versions written so that texts sort.

Source: "Build Your Own SDK", GrowthBook's specification, `paddedVersionString`.
"""

import math
from functools import lru_cache
from typing import Any

#: Longer texts are compared, too, but not remembered.
_REMEMBERED = 100


def sortable(version: Any) -> str:
    """A version (a text, or a number as JavaScript writes it) as a text that sorts as versions do.

    "v1.2.3-rc.1+build5" becomes "    1-    2-    3-rc-    1"; a release sorts after its pre-releases.
    """
    text = version if isinstance(version, str) else written_number(version)
    return _remembered(text) if len(text) <= _REMEMBERED else _sortable(text)


def _sortable(text: str) -> str:
    parts = _without_build(text or "0").replace("-", ".").split(".")
    if len(parts) == 3:
        # "~" sorts after every letter, and so a release after "1.0.0-beta".
        parts.append("~")
    return "-".join(part.rjust(5) if part.isdigit() else part for part in parts)


_remembered = lru_cache(maxsize=4096)(_sortable)


def _without_build(text: str) -> str:
    """Without a leading `v`, and without what follows a plus on the last line.

    The specification says `(^v|\\+.*$)`; that expression takes quadratic time on a text of many plus signs.
    """
    body, end = (text[:-1], "\n") if text.endswith("\n") else (text, "")
    start = body.rfind("\n") + 1
    plus = body.find("+", start)
    kept = body if plus < 0 else body[:plus]
    return kept.removeprefix("v") + end


def written_number(value: int | float) -> str:
    """A number as JavaScript's `String(number)` writes it: 1, 1.5, 1e+21, 1.5e-7.

    Source: ECMAScript, Number::toString.
    """
    try:
        number = float(value)
    except OverflowError:
        number = math.inf if value > 0 else -math.inf
    if math.isnan(number):
        return "NaN"
    if number == 0:
        return "0"
    sign = "-" if number < 0 else ""
    if math.isinf(number):
        return sign + "Infinity"
    # repr gives the shortest digits that read back as the same number, in Python's layout.
    mantissa, _, exponent = repr(abs(number)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    significant = (whole + fraction).lstrip("0")
    point = int(exponent or 0) - len(fraction) + len(significant)
    digits = significant.rstrip("0")
    if 0 < point <= 21:
        layout = digits.ljust(point, "0")
        return sign + layout[:point] + ("." + layout[point:] if len(layout) > point else "")
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    tail = "." + digits[1:] if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{tail}e{'+' if point > 0 else '-'}{abs(point - 1)}"
