"""What can be found, and the text without it."""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """What a text gives away: the names and the order of the contract's `PersonalDataKind`."""

    CARD = "card"
    IBAN = "iban"
    BANK_ACCOUNT = "bank_account"
    NATIONAL_ID = "national_id"
    TAX_ID = "tax_id"
    PASSPORT = "passport"
    PHONE = "phone"
    EMAIL = "email"
    ADDRESS = "address"
    BOOKING = "booking"


class Finding(NamedTuple):
    """One piece of personal data: its kind and where it stands, in characters of the text."""

    kind: Kind
    start: int
    end: int


def redact(text: str, findings: Sequence[Finding]) -> str:
    """The text with each finding replaced by its kind in brackets. `findings`: in order, without overlaps."""
    parts, end = [], 0
    for finding in findings:
        parts += [text[end : finding.start], f"[{finding.kind}]"]
        end = finding.end
    return "".join([*parts, text[end:]])
