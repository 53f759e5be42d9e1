import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from mention_triage.v1 import classification_pb2 as _classification_pb2
from mention_triage.v1 import mention_pb2 as _mention_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class MentionLabels(_message.Message):
    __slots__ = ("inquiry_type", "sentiment", "actionable", "language")
    INQUIRY_TYPE_FIELD_NUMBER: _ClassVar[int]
    SENTIMENT_FIELD_NUMBER: _ClassVar[int]
    ACTIONABLE_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    inquiry_type: _classification_pb2.InquiryType
    sentiment: _classification_pb2.Sentiment
    actionable: bool
    language: str
    def __init__(self, inquiry_type: _Optional[_Union[_classification_pb2.InquiryType, str]] = ..., sentiment: _Optional[_Union[_classification_pb2.Sentiment, str]] = ..., actionable: _Optional[bool] = ..., language: _Optional[str] = ...) -> None: ...

class Correction(_message.Message):
    __slots__ = ("id", "mention", "classification", "labels", "occurred_at", "received_at", "agent_id", "reason")
    ID_FIELD_NUMBER: _ClassVar[int]
    MENTION_FIELD_NUMBER: _ClassVar[int]
    CLASSIFICATION_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_AT_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_AT_FIELD_NUMBER: _ClassVar[int]
    AGENT_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    id: str
    mention: _mention_pb2.Mention
    classification: _classification_pb2.Classification
    labels: MentionLabels
    occurred_at: _timestamp_pb2.Timestamp
    received_at: _timestamp_pb2.Timestamp
    agent_id: str
    reason: str
    def __init__(self, id: _Optional[str] = ..., mention: _Optional[_Union[_mention_pb2.Mention, _Mapping]] = ..., classification: _Optional[_Union[_classification_pb2.Classification, _Mapping]] = ..., labels: _Optional[_Union[MentionLabels, _Mapping]] = ..., occurred_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., received_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., agent_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...
