"""Codes of journeys: with the traveller's name they open the booking, so that anybody could change or cancel it.

Numbers of orders, cases and parcels are left: with them alone a stranger gets nothing, and agents search by them.
"""

import re
from collections.abc import Iterator
from typing import Final

from services.classify.personal_data.finding import Finding, Kind

# Six letters and digits, as the airlines' systems give them.
_CODE: Final = re.compile(
    r"(?<!\w)(?i:localizador(?: d[ea](?: la)? reserva)?|localizer|record locator|pnr|reserva"
    r"|(?:c[óo]digo|n[úu]mero) d[ea](?: (?:la|mi|minha))? reserva"
    r"|(?:booking|reservation)(?: (?:ref(?:erence)?|code|number|no))?"
    r"|confirmation (?:code|number))(?!\w)[ :.#-]{0,3}(?:(?i:es|é|is|n[°º.]|nro\.?|número)[ :]{1,2})?[\"“'(]?"
    r"(?P<code>[A-Za-z0-9]{6})(?!\w)"
)
_MIXED: Final = re.compile(r"(?=.*\d)(?=.*[A-Za-z]).*")
# "mesa12", "promo5"
_WORD: Final = re.compile(r"[a-z]{3,}\d+")


def find_bookings(text: str) -> Iterator[Finding]:
    """Codes of bookings that are named as such: capitals, or letters and digits mixed."""
    for match in _CODE.finditer(text):
        code = match["code"]
        if (_MIXED.fullmatch(code) and not _WORD.fullmatch(code)) or (
            code.isalpha() and code.isupper() and not text.isupper()
        ):
            yield Finding(Kind.BOOKING, *match.span("code"))
