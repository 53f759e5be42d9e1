"""All kinds together: one pass over a text, cheap where there is nothing to find."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from services.classify.personal_data import identity, payment
from services.classify.personal_data.booking import find_bookings
from services.classify.personal_data.contact import find_emails, find_phones
from services.classify.personal_data.finding import Finding
from services.classify.personal_data.labels import FOUND, Names
from services.classify.personal_data.place import find_addresses
from services.classify.personal_data.spelling import spell

# Every kind needs a digit, a mailbox, or one of a few words.
_ANYTHING: Final = re.compile(
    r"\d|[\w)\]] ?@ ?\w|arroba|\(at\)|\[at\]|alias|locali[sz]|locator|pnr|reserva|booking|confirmation", re.IGNORECASE
)
# What the forms of numbers need: six digits together, half a CNPJ of letters, half a PIX key, or an alias.
_NUMBER: Final = re.compile(r"(?:\d[ .\-/()]{0,2}){6}|[\da-z]{3}/[\da-z]{4}-|(?:-[\da-f]{4}){3}-|alias", re.IGNORECASE)
# Links, handles and hashtags stay as they are: nothing is looked for in them.
_PUBLIC: Final = re.compile(
    r"(?:https?://|www\.)\S+|(?<![\w@.-])[\w-]+(?:\.[\w-]+)*\.[a-z]{2,4}/\S+|(?<![\w.])@\w[\w.]*|#(?=\d*[^\W\d])\w+",
    re.IGNORECASE,
)
_FORMS: Final = (*payment.FORMS, *identity.FORMS)


def find(text: str, regions: Sequence[str]) -> list[Finding]:
    """What the text gives away, in order and without overlaps. `regions`: where it may come from (ISO 3166)."""
    if not _ANYTHING.search(text):
        return []
    if spelling := spell(text):
        starts, ends = spelling.starts, spelling.ends
        return [Finding(kind, starts[start], ends[end - 1]) for kind, start, end in _find(spelling.text, regions)]
    return _find(text, regions)


def _find(text: str, regions: Sequence[str]) -> list[Finding]:
    findings: list[Finding] = []
    text = _take(text, find_emails(text), findings)
    text = _PUBLIC.sub(lambda match: "\0" * len(match[0]), text)
    has_numbers = _NUMBER.search(text) is not None
    names = Names(text if has_numbers else "")
    if has_numbers:
        text = _take(text, payment.find_ibans(text), findings)
        for form in _FORMS:
            text = _take(text, form.find(text, names, regions), findings)
    text = _take(text, find_bookings(text), findings)
    text = _take(text, find_addresses(text), findings)
    if has_numbers:
        _take(text, find_phones(text, names, regions), findings)
    return sorted(findings, key=lambda finding: finding.start)


def _take(text: str, found: Iterable[Finding], findings: list[Finding]) -> str:
    """Add what was found to `findings`; returns the text with it covered, so that nothing is found twice."""
    for finding in found:
        # Two patterns of one kind may both have found it.
        if FOUND not in text[finding.start : finding.end]:
            findings.append(finding)
            text = text[: finding.start] + FOUND * (finding.end - finding.start) + text[finding.end :]
    return text
