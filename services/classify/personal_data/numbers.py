"""Numbers that are known by their form, their check digits and the word that names them."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from services.classify.personal_data.finding import Finding, Kind
from services.classify.personal_data.labels import OTHER, THEIRS, Names

ANYWHERE: Final = ("*",)

# Where a number may begin and end: not inside a word, a longer number, a price or an amount.
_BEGIN: Final = r"(?<![\w$€£+])(?<!\d[.,/:-])(?<!\d )(?<![$€£] )"
_UNITS: Final = (
    r"mil|mill[óo]n(?:es)?|milh(?:ão|ões)|million|pesos|reais|d[óo]lar\w*|dollars|euros?|soles|usd|cop|mxn|ars|clp|brl|eur"
    r"|puntos|pontos|points|millas|milhas|miles|veces|vezes|times|hs|hrs?|horas?|hours?|min|mins|minut[eo]s?|d[íi]as?"
    r"|days?|noches|noites|nights|semanas?|weeks?|mes(?:es)?|months?|a[ñn]os?|years?|km|kil\w+|mts?|metros?|cm|mm|gr"
    r"|kg|ml|kwh?|[kmgt]b|mah|[mg]hz|mbps|cuadras?|quadras?|unidades|units|usuari[oa]s|users|seguidores|followers"
    r"|person[ae]s?|pessoas?|people"
)
# What follows makes a number an amount.
AMOUNT: Final = rf" ?(?:[%€$£]|(?:de )?(?i:{_UNITS})(?!\w))"
END: Final = rf"(?!\w)(?![.,/:-]\d)(?!{AMOUNT})"
_JOINTS: Final = re.compile(r"[\s./-]")
_DAY_MONTH: Final = r"(?:[0-2]\d|3[01])(?:0[1-9]|1[0-2])"
_MONTH_DAY: Final = r"(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])"
_DATE: Final = re.compile(rf"(?:19|20)\d\d{_MONTH_DAY}|(?:{_DAY_MONTH}|{_MONTH_DAY})(?:19|20)\d\d")


@dataclass(frozen=True, slots=True)
class Form:
    """One sort of number.

    It is found where `pattern` matches, `valid` accepts the match without its separators (in capitals), and either one
    of `names` names it, or the text comes from one of `countries` (ISO 3166, or anywhere) and nothing says that the
    number is another thing's.
    """

    kind: Kind
    pattern: re.Pattern[str]
    valid: Callable[[str], bool]
    names: frozenset[str]
    countries: frozenset[str]

    def find(self, text: str, names: Names, regions: Sequence[str]) -> Iterator[Finding]:
        """All of them in `text`; `regions`: the countries it may come from."""
        unnamed = not self.countries.isdisjoint((*ANYWHERE, *regions))
        if not unnamed and self.names.isdisjoint(names.all):
            return
        for match in self.pattern.finditer(text):
            compact = _JOINTS.sub("", match[0]).upper()
            # 000.000.000-00 and 00000000-X are placeholders.
            if len(set(compact)) > 1 + compact.endswith("X") and self.valid(compact):
                name = names.beside(text, *match.span())
                if name in self.names or (unnamed and name not in (OTHER, THEIRS)):
                    yield Finding(self.kind, *match.span())


def no_amount(compact: str) -> bool:
    """What is asked of a number without check digits: that it is no date and not round."""
    return not compact.endswith("000") and not _DATE.fullmatch(compact)


def form(
    kind: Kind,
    pattern: str,
    valid: Callable[[str], bool] = bool,
    *,
    names: Iterable[str] = (),
    countries: Iterable[str] = (),
    any_case: bool = False,
) -> Form:
    """A form; `pattern` without the boundaries of a number. `valid` left out: it has no check digits."""
    compiled = re.compile(f"{_BEGIN}(?:{pattern}){END}", re.IGNORECASE if any_case else 0)
    return Form(kind, compiled, valid, frozenset(names), frozenset(countries))
