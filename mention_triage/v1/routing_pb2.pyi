import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from mention_triage.v1 import classification_pb2 as _classification_pb2
from mention_triage.v1 import mention_pb2 as _mention_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Priority(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PRIORITY_UNSPECIFIED: _ClassVar[Priority]
    PRIORITY_P1: _ClassVar[Priority]
    PRIORITY_P2: _ClassVar[Priority]
    PRIORITY_P3: _ClassVar[Priority]
    PRIORITY_P4: _ClassVar[Priority]
PRIORITY_UNSPECIFIED: Priority
PRIORITY_P1: Priority
PRIORITY_P2: Priority
PRIORITY_P3: Priority
PRIORITY_P4: Priority

class Reason(_message.Message):
    __slots__ = ("rule", "points")
    RULE_FIELD_NUMBER: _ClassVar[int]
    POINTS_FIELD_NUMBER: _ClassVar[int]
    rule: str
    points: int
    def __init__(self, rule: _Optional[str] = ..., points: _Optional[int] = ...) -> None: ...

class Routing(_message.Message):
    __slots__ = ("priority", "score", "reasons", "queue", "first_response_due", "resolution_due", "tone", "length_limit", "policy_version")
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    FIRST_RESPONSE_DUE_FIELD_NUMBER: _ClassVar[int]
    RESOLUTION_DUE_FIELD_NUMBER: _ClassVar[int]
    TONE_FIELD_NUMBER: _ClassVar[int]
    LENGTH_LIMIT_FIELD_NUMBER: _ClassVar[int]
    POLICY_VERSION_FIELD_NUMBER: _ClassVar[int]
    priority: Priority
    score: int
    reasons: _containers.RepeatedCompositeFieldContainer[Reason]
    queue: str
    first_response_due: _timestamp_pb2.Timestamp
    resolution_due: _timestamp_pb2.Timestamp
    tone: str
    length_limit: int
    policy_version: str
    def __init__(self, priority: _Optional[_Union[Priority, str]] = ..., score: _Optional[int] = ..., reasons: _Optional[_Iterable[_Union[Reason, _Mapping]]] = ..., queue: _Optional[str] = ..., first_response_due: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., resolution_due: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., tone: _Optional[str] = ..., length_limit: _Optional[int] = ..., policy_version: _Optional[str] = ...) -> None: ...

class RoutedMention(_message.Message):
    __slots__ = ("mention", "classification", "routing")
    MENTION_FIELD_NUMBER: _ClassVar[int]
    CLASSIFICATION_FIELD_NUMBER: _ClassVar[int]
    ROUTING_FIELD_NUMBER: _ClassVar[int]
    mention: _mention_pb2.Mention
    classification: _classification_pb2.Classification
    routing: Routing
    def __init__(self, mention: _Optional[_Union[_mention_pb2.Mention, _Mapping]] = ..., classification: _Optional[_Union[_classification_pb2.Classification, _Mapping]] = ..., routing: _Optional[_Union[Routing, _Mapping]] = ...) -> None: ...
