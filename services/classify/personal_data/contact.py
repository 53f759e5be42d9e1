"""Mail addresses and telephone numbers."""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Final

import phonenumbers
from phonenumbers import PhoneNumberType

from services.classify.personal_data.finding import Finding, Kind
from services.classify.personal_data.labels import FOUND, OTHER, THEIRS, Names
from services.classify.personal_data.numbers import END

_EMAIL: Final = re.compile(
    r"(?<![\w.+-])([\w.+-]{1,64})@(?:[\w-]{1,63}\.){1,4}[a-z]{2,24}(?![\w-])"
    # Spelt out, at a provider of private mailboxes.
    r"|(?<![\w.+-])([\w.+-]{1,64}) ?(?:\(at\)|\[at\]|\barroba\b|@) ?(?:gmail|hotmail|outlook|yahoo|icloud|live|uol|bol)"
    r" ?(?:\.|,|\bpunto\b|\bponto\b|\bdot\b|\(dot\)|\[dot\]) ?com(?:\.[a-z]{2})?(?!\w)",
    re.IGNORECASE,
)
# Mailboxes of a role, not of a person: a brand's, a shop's, or a fraud's.
_ROLES: Final = re.compile(
    r"no-?reply|nao-?responda|no-?responder?|info\w*|contact[oe]?|contato|sac|atendimento|atenci[oó]n\w*|soporte|suporte"
    r"|support|help(?:desk)?|ayuda|ajuda|care|customer\w*|client\w*|service\w*|servicio\w*|claims?|reclamos?"
    r"|reclamacoes|ouvidoria|avisos?|alert[ase]*|notific\w*|news\w*|press|prensa|imprensa|talento|rrhh|rh|hr|jobs|careers"
    r"|ventas|vendas|sales|admin|webmaster|postmaster|billing|factura\w*|cobran[cz]as?|seguridad|security|seguranca"
    r"|privacy|hola|hello",
    re.IGNORECASE,
)

_PHONE: Final = re.compile(
    r"(?<![\w$€£.,/#-])(?<![$€£] )(?<!\d )(?:\+ ?|00)?(?:\(\+?\d{1,4}\)[ .-]?)?\d(?:[ .\-/]{0,3}\(?\d\)?){6,14}" + END
)
# Dates, amounts by thousands, and 0800, 01 800 and 1-800, which are free of charge in every country served.
_NOT: Final = re.compile(
    r"\d{4}([-/.])\d{1,2}\1\d{1,2}(?!\d)|\d{1,2}([-/.])\d{1,2}\2\d{4}(?!\d)"
    r"|\d{1,2}(?:\.\d{3}){2,}(?!\d)|(?:\+?1|01|0)?[ .-]?\(?800[ .)-]?\d"
)
_NAMES: Final = ("tel", "tel_me", "pix")
_GROUPS: Final = re.compile(r"\d+")
# Between the parts of a list of somebody's data: "dni 30111222, 1155667788, ana@…".
_COMMA: Final = r"[ ,;/|\n]{1,3}(?:[yeo] )?"
_AFTER_FOUND: Final = re.compile(rf"{FOUND}{_COMMA}$")
_BEFORE_FOUND: Final = re.compile(_COMMA + FOUND)
# Mexico's mobiles had a 1 after the country's code until 2019; address books still have it.
_OLD_MEXICAN: Final = re.compile(r"(\+ ?52)[ .-]?1(?=[ .-]?\d)")
# Numbers of everybody: free of charge, at shared cost, of one company in all places.
_PUBLIC: Final = frozenset(
    (
        PhoneNumberType.TOLL_FREE,
        PhoneNumberType.SHARED_COST,
        PhoneNumberType.PREMIUM_RATE,
        PhoneNumberType.UAN,
        PhoneNumberType.PAGER,
        PhoneNumberType.VOICEMAIL,
    )
)
_LEAST_ALONE: Final = 9


def find_emails(text: str) -> Iterator[Finding]:
    """Mail addresses of people."""
    for match in _EMAIL.finditer(text):
        if not _ROLES.fullmatch(match[1] or match[2]):
            yield Finding(Kind.EMAIL, *match.span())


def find_phones(text: str, names: Names, regions: Sequence[str]) -> Iterator[Finding]:
    """Telephone numbers of people, valid in one of `regions` (ISO 3166) or written with a country's code.

    Without a country's code a number must be named as one, be written in groups as telephone numbers are, stand beside
    other personal data, or alone. Numbers free of charge, and those that the customer called or was called from, are
    left.
    """
    for match in _PHONE.finditer(text):
        name = names.beside(text, *match.span())
        international = "+" in match[0]
        if name == THEIRS or (name == OTHER and not international) or _NOT.match(match[0]):
            continue
        named = name in _NAMES
        looks_like_one = _grouped(match[0]) or _is_listed(text, *match.span())
        if not (named or international or (name is None and looks_like_one) or _is_all(text, match)):
            continue
        types = _types(match[0], regions)
        # Where nobody says that it is one, it must not be a number of everybody anywhere.
        if types and (types.isdisjoint(_PUBLIC) or (named and not types <= _PUBLIC)):
            yield Finding(Kind.PHONE, *match.span())


def _types(number: str, regions: Sequence[str]) -> set[int]:
    """What sorts of number it is, in all regions where it is valid."""
    types = set()
    for region in (None,) if "+" in number else regions:
        with suppress(phonenumbers.NumberParseException):
            parsed = phonenumbers.parse(_OLD_MEXICAN.sub(r"\1", number), region)
            if phonenumbers.is_valid_number(parsed):
                types.add(phonenumbers.number_type(parsed))
    return types


def _grouped(number: str) -> bool:
    """Whether it is written as telephone numbers are: a code in brackets, or groups of two to five digits."""
    groups = _GROUPS.findall(number)
    short = number.count("/") or any(len(group) > 5 for group in groups)
    return not short and ("(" in number or (len(groups) >= 3 and all(len(group) >= 2 for group in groups[1:])))


def _is_listed(text: str, start: int, end: int) -> bool:
    """Whether it stands in a list of somebody's data."""
    return bool(_AFTER_FOUND.search(text, max(0, start - 6), start) or _BEFORE_FOUND.match(text, end))


def _is_all(text: str, match: re.Match[str]) -> bool:
    """Whether the text is nothing but this number: the answer to a question for it."""
    enough = sum(map(str.isdigit, match[0])) >= _LEAST_ALONE
    return enough and not any(map(str.isalnum, text[: match.start()] + text[match.end() :]))
