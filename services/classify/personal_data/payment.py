"""Payment cards, IBANs, and bank accounts in the forms of the countries served."""

import re
from collections.abc import Iterator
from typing import Final

from stdnum import iban, luhn
from stdnum.ar import cbu
from stdnum.es import ccc
from stdnum.us import rtn

from services.classify.personal_data.finding import Finding, Kind
from services.classify.personal_data.labels import OTHER, THEIRS
from services.classify.personal_data.numbers import ANYWHERE, form, no_amount

# Issuer ranges: what a number begins with, and how long it then is. The international schemes as they publish them;
# Elo and Hipercard (Brazil), Naranja and Cabal (Argentina) by their own ranges.
_ISSUERS: Final = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})"  # Visa, and Elo in part
    r"|(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}"  # Mastercard
    r"|3[47]\d{13}"  # American Express
    r"|3(?:0[0-59]|[689]\d)\d{11}"  # Diners Club
    r"|(?:6011|64[4-9]\d|65\d\d)\d{12}"  # Discover, and Elo in part
    r"|35(?:2[89]|[3-8]\d)\d{12}"  # JCB
    r"|62\d{14,17}"  # UnionPay
    r"|(?:50(?:18|20|38)|5893|6304|6759|676[1-3])\d{8,15}"  # Maestro
    r"|(?:5041|506[67]|5090|6277|6362|6363)\d{12}"  # Elo
    r"|606282\d{10}"  # Hipercard
    r"|(?:589562|6042(?:0[1-9]|1\d))\d{10}"  # Naranja, Cabal
)
_ACCOUNT_NAMES: Final = ("bank_account", "account")

# An IBAN, with or without its groups, and perhaps words after it.
_IBAN: Final = re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]{2,4}){3,8}(?: ?[A-Z0-9]{1,4})?(?!\w)", re.IGNORECASE)
_IBAN_PARTS: Final = re.compile(r"[ -]|$")


def _card(compact: str) -> bool:
    return bool(_ISSUERS.fullmatch(compact)) and luhn.is_valid(compact)


def _clabe(compact: str) -> bool:
    """The check digit of Mexico's CLABE: digits weighted 3, 7, 1 in turn, each product modulo 10."""
    total = sum(int(digit) * weight % 10 for digit, weight in zip(compact[:17], (3, 7, 1) * 6, strict=False))
    return int(compact[17]) == -total % 10


def _account(compact: str) -> bool:
    return len(compact) >= 6 and no_amount(compact)


FORMS: Final = (
    # The groups printed on a card are a card's whatever the words say; a bare run of digits may be a parcel's.
    form(Kind.CARD, r"\d{4}([ .-])\d{4}\1\d{4}\1\d{4}(?:\1\d{3})?", _card, names=(OTHER, THEIRS), countries=ANYWHERE),
    form(Kind.CARD, r"\d{4}([ .-])\d{6}\1\d{4,5}", _card, names=(OTHER, THEIRS), countries=ANYWHERE),
    form(Kind.CARD, r"\d{13,19}", _card, countries=ANYWHERE),
    form(Kind.BANK_ACCOUNT, r"\d{22}|\d{8}[ -]\d{14}", cbu.is_valid, countries=ANYWHERE),
    form(
        Kind.BANK_ACCOUNT,
        r"\d{20}|\d{4}([ -])\d{4}\1\d{2}\1\d{10}",
        ccc.is_valid,
        names=_ACCOUNT_NAMES,
        countries=["ES"],
    ),
    form(
        Kind.BANK_ACCOUNT,
        r"\d{18}|\d{3}([ -])\d{3}\1\d{11}\1\d",
        _clabe,
        names=("clabe", *_ACCOUNT_NAMES),
        countries=["MX"],
    ),
    form(Kind.BANK_ACCOUNT, r"\d{20}|\d{3}([ -])\d{3}\1\d{12}\1\d{2}", names=["cci"]),
    form(Kind.BANK_ACCOUNT, r"\d{9}", rtn.is_valid, names=["routing"]),
    form(Kind.BANK_ACCOUNT, r"\d{2}([ -])\d{2}\1\d{2}|\d{6}", names=["sort_code"]),
    form(
        Kind.BANK_ACCOUNT,
        # Not 2.500.000: an amount.
        r"\d{5,20}(?:-[\dX]{1,2})?|(?!\d{1,3}(?:\.\d{3})+(?![\d-]))\d{1,6}(?:[ .-]\d{1,8}){1,5}(?:-[\dX])?",
        _account,
        names=["bank_account"],
        any_case=True,
    ),
    form(Kind.BANK_ACCOUNT, r"\d{8,20}(?:-[\dX])?|\d{4,12}-[\dX]", no_amount, names=["account"], any_case=True),
    # Keys that pay into an account: Argentina's alias and Brazil's random PIX key.
    form(Kind.BANK_ACCOUNT, r"[A-Z0-9-]{2,20}(?:\.[A-Z0-9-]{2,20}){1,3}", names=["alias"], any_case=True),
    form(Kind.BANK_ACCOUNT, r"[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}", names=["pix"], any_case=True),
)


def find_ibans(text: str) -> Iterator[Finding]:
    """IBANs by their country's form and check digits; words that follow are left out."""
    for match in _IBAN.finditer(text):
        ends = [part.start() for part in _IBAN_PARTS.finditer(match[0])]
        for end in reversed(ends):
            if iban.is_valid(match[0][:end]):
                yield Finding(Kind.IBAN, match.start(), match.start() + end)
                break
