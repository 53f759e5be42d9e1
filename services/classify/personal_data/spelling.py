"""A text as keyboards write it, however it was typed or pasted, and where each character of that stands in the text."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from services.classify.personal_data.labels import FOUND

_SPACES: Final = "\t\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u3000"
_HYPHENS: Final = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"
# Spaces and hyphens of print, full-width forms and the digits of mathematics, and what stands for findings.
_PLAIN: Final = (
    dict.fromkeys(map(ord, _SPACES), " ")
    | dict.fromkeys(map(ord, _HYPHENS), "-")
    | {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
    | {code: str((code - 0x1D7CE) % 10) for code in range(0x1D7CE, 0x1D800)}
    | {ord(FOUND): " "}
)
# Marks of direction and of where a line may break.
_UNSEEN: Final = "\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff"
_ODD: Final = re.compile(
    rf"(?P<unseen>[{_UNSEEN}])"
    # Between digits: wide hyphens and wide spaces.
    rf"|(?P<hyphen>(?<=\d)[ {_SPACES}]+[-{_HYPHENS}][ {_SPACES}]+(?=\d))|(?P<space>(?<=\d)[ {_SPACES}]{{2,}}(?=\d))"
    rf"|[^\W\d_][\u0300-\u036f]+|[{''.join(map(chr, _PLAIN))}]"
)


@dataclass(frozen=True, slots=True)
class Spelling:
    """`text`, and of each of its characters where it starts and ends in the original."""

    text: str
    starts: list[int]
    ends: list[int]


def spell(text: str) -> Spelling | None:
    """The text in plain characters, accents composed; None where it is so already."""
    if not _ODD.search(text):
        return None
    parts: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    last = 0
    for match in _ODD.finditer(text):
        start, end = match.span()
        parts.append(text[last:start])
        starts += range(last, start)
        ends += range(last + 1, start + 1)
        plain = _plain(match)
        parts.append(plain)
        starts += [start] * len(plain)
        ends += [end] * len(plain)
        last = end
    parts.append(text[last:])
    starts += range(last, len(text))
    ends += range(last + 1, len(text) + 1)
    return Spelling("".join(parts), starts, ends)


def _plain(match: re.Match[str]) -> str:
    match match.lastgroup:
        case "unseen":
            return ""
        case "hyphen":
            return "-"
        case "space":
            return " "
        case _:
            return unicodedata.normalize("NFC", match[0].translate(_PLAIN))
