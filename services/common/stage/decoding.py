"""Decoding a record's value, or saying why not."""

from typing import TypeVar

from google.protobuf.message import DecodeError, Message

from services.common.log.port import Record
from services.common.stage.stage import Rejected

M = TypeVar("M", bound=Message)


def decode(record: Record, kind: type[M]) -> M | Rejected:
    """The record's value as a message of this kind, or the record rejected as `undecodable`."""
    if record.value is None:
        return Rejected(record, "undecodable", "the record has no value")
    try:
        return kind.FromString(record.value)
    except DecodeError:
        return Rejected(record, "undecodable", f"the value is no {kind.DESCRIPTOR.full_name}")
