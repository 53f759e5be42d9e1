import datetime

from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class MentionKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MENTION_KIND_UNSPECIFIED: _ClassVar[MentionKind]
    MENTION_KIND_POST: _ClassVar[MentionKind]
    MENTION_KIND_REPLY: _ClassVar[MentionKind]
    MENTION_KIND_COMMENT: _ClassVar[MentionKind]
    MENTION_KIND_REVIEW: _ClassVar[MentionKind]
    MENTION_KIND_DIRECT_MESSAGE: _ClassVar[MentionKind]
MENTION_KIND_UNSPECIFIED: MentionKind
MENTION_KIND_POST: MentionKind
MENTION_KIND_REPLY: MentionKind
MENTION_KIND_COMMENT: MentionKind
MENTION_KIND_REVIEW: MentionKind
MENTION_KIND_DIRECT_MESSAGE: MentionKind

class Author(_message.Message):
    __slots__ = ("id", "handle", "followers", "verified", "tags", "customer_id", "tier", "value")
    ID_FIELD_NUMBER: _ClassVar[int]
    HANDLE_FIELD_NUMBER: _ClassVar[int]
    FOLLOWERS_FIELD_NUMBER: _ClassVar[int]
    VERIFIED_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    CUSTOMER_ID_FIELD_NUMBER: _ClassVar[int]
    TIER_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    id: str
    handle: str
    followers: int
    verified: bool
    tags: _containers.RepeatedScalarFieldContainer[str]
    customer_id: str
    tier: str
    value: float
    def __init__(self, id: _Optional[str] = ..., handle: _Optional[str] = ..., followers: _Optional[int] = ..., verified: _Optional[bool] = ..., tags: _Optional[_Iterable[str]] = ..., customer_id: _Optional[str] = ..., tier: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...

class InReplyTo(_message.Message):
    __slots__ = ("id", "by_brand", "text")
    ID_FIELD_NUMBER: _ClassVar[int]
    BY_BRAND_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    id: str
    by_brand: bool
    text: str
    def __init__(self, id: _Optional[str] = ..., by_brand: _Optional[bool] = ..., text: _Optional[str] = ...) -> None: ...

class Mention(_message.Message):
    __slots__ = ("mention_id", "tenant", "brand", "platform", "native_id", "kind", "text", "language", "author", "conversation", "in_reply_to", "url", "occurred_at", "received_at", "attributes", "customer_key")
    MENTION_ID_FIELD_NUMBER: _ClassVar[int]
    TENANT_FIELD_NUMBER: _ClassVar[int]
    BRAND_FIELD_NUMBER: _ClassVar[int]
    PLATFORM_FIELD_NUMBER: _ClassVar[int]
    NATIVE_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    AUTHOR_FIELD_NUMBER: _ClassVar[int]
    CONVERSATION_FIELD_NUMBER: _ClassVar[int]
    IN_REPLY_TO_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_AT_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_AT_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    CUSTOMER_KEY_FIELD_NUMBER: _ClassVar[int]
    mention_id: str
    tenant: str
    brand: str
    platform: str
    native_id: str
    kind: MentionKind
    text: str
    language: str
    author: Author
    conversation: str
    in_reply_to: InReplyTo
    url: str
    occurred_at: _timestamp_pb2.Timestamp
    received_at: _timestamp_pb2.Timestamp
    attributes: _struct_pb2.Struct
    customer_key: str
    def __init__(self, mention_id: _Optional[str] = ..., tenant: _Optional[str] = ..., brand: _Optional[str] = ..., platform: _Optional[str] = ..., native_id: _Optional[str] = ..., kind: _Optional[_Union[MentionKind, str]] = ..., text: _Optional[str] = ..., language: _Optional[str] = ..., author: _Optional[_Union[Author, _Mapping]] = ..., conversation: _Optional[str] = ..., in_reply_to: _Optional[_Union[InReplyTo, _Mapping]] = ..., url: _Optional[str] = ..., occurred_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., received_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., attributes: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., customer_key: _Optional[str] = ...) -> None: ...
