import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class OutcomeType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OUTCOME_TYPE_UNSPECIFIED: _ClassVar[OutcomeType]
    OUTCOME_TYPE_FIRST_RESPONSE: _ClassVar[OutcomeType]
    OUTCOME_TYPE_RESPONSE: _ClassVar[OutcomeType]
    OUTCOME_TYPE_RESOLVED: _ClassVar[OutcomeType]
    OUTCOME_TYPE_MOVED: _ClassVar[OutcomeType]
    OUTCOME_TYPE_REOPENED: _ClassVar[OutcomeType]
    OUTCOME_TYPE_SURVEYED: _ClassVar[OutcomeType]
OUTCOME_TYPE_UNSPECIFIED: OutcomeType
OUTCOME_TYPE_FIRST_RESPONSE: OutcomeType
OUTCOME_TYPE_RESPONSE: OutcomeType
OUTCOME_TYPE_RESOLVED: OutcomeType
OUTCOME_TYPE_MOVED: OutcomeType
OUTCOME_TYPE_REOPENED: OutcomeType
OUTCOME_TYPE_SURVEYED: OutcomeType

class Outcome(_message.Message):
    __slots__ = ("id", "tenant", "type", "mention_id", "customer_key", "occurred_at", "received_at", "channel", "agent_id", "effort_seconds", "cost", "satisfaction")
    ID_FIELD_NUMBER: _ClassVar[int]
    TENANT_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    MENTION_ID_FIELD_NUMBER: _ClassVar[int]
    CUSTOMER_KEY_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_AT_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_AT_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    AGENT_ID_FIELD_NUMBER: _ClassVar[int]
    EFFORT_SECONDS_FIELD_NUMBER: _ClassVar[int]
    COST_FIELD_NUMBER: _ClassVar[int]
    SATISFACTION_FIELD_NUMBER: _ClassVar[int]
    id: str
    tenant: str
    type: OutcomeType
    mention_id: str
    customer_key: str
    occurred_at: _timestamp_pb2.Timestamp
    received_at: _timestamp_pb2.Timestamp
    channel: str
    agent_id: str
    effort_seconds: float
    cost: float
    satisfaction: int
    def __init__(self, id: _Optional[str] = ..., tenant: _Optional[str] = ..., type: _Optional[_Union[OutcomeType, str]] = ..., mention_id: _Optional[str] = ..., customer_key: _Optional[str] = ..., occurred_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., received_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., channel: _Optional[str] = ..., agent_id: _Optional[str] = ..., effort_seconds: _Optional[float] = ..., cost: _Optional[float] = ..., satisfaction: _Optional[int] = ...) -> None: ...
