import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SpikeEvent(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SPIKE_EVENT_UNSPECIFIED: _ClassVar[SpikeEvent]
    SPIKE_EVENT_STARTED: _ClassVar[SpikeEvent]
    SPIKE_EVENT_ESCALATED: _ClassVar[SpikeEvent]
    SPIKE_EVENT_EASED: _ClassVar[SpikeEvent]
    SPIKE_EVENT_ENDED: _ClassVar[SpikeEvent]

class SpikeCause(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SPIKE_CAUSE_UNSPECIFIED: _ClassVar[SpikeCause]
    SPIKE_CAUSE_UNKNOWN: _ClassVar[SpikeCause]
    SPIKE_CAUSE_VIRALITY: _ClassVar[SpikeCause]
    SPIKE_CAUSE_CAMPAIGN: _ClassVar[SpikeCause]
    SPIKE_CAUSE_PRESS: _ClassVar[SpikeCause]
    SPIKE_CAUSE_OUTAGE: _ClassVar[SpikeCause]
    SPIKE_CAUSE_FLOOD: _ClassVar[SpikeCause]
SPIKE_EVENT_UNSPECIFIED: SpikeEvent
SPIKE_EVENT_STARTED: SpikeEvent
SPIKE_EVENT_ESCALATED: SpikeEvent
SPIKE_EVENT_EASED: SpikeEvent
SPIKE_EVENT_ENDED: SpikeEvent
SPIKE_CAUSE_UNSPECIFIED: SpikeCause
SPIKE_CAUSE_UNKNOWN: SpikeCause
SPIKE_CAUSE_VIRALITY: SpikeCause
SPIKE_CAUSE_CAMPAIGN: SpikeCause
SPIKE_CAUSE_PRESS: SpikeCause
SPIKE_CAUSE_OUTAGE: SpikeCause
SPIKE_CAUSE_FLOOD: SpikeCause

class SpikeEvidence(_message.Message):
    __slots__ = ("name", "value", "normal")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    NORMAL_FIELD_NUMBER: _ClassVar[int]
    name: str
    value: float
    normal: float
    def __init__(self, name: _Optional[str] = ..., value: _Optional[float] = ..., normal: _Optional[float] = ...) -> None: ...

class SpikeSeries(_message.Message):
    __slots__ = ("platform", "observed_per_minute", "expected_per_minute")
    PLATFORM_FIELD_NUMBER: _ClassVar[int]
    OBSERVED_PER_MINUTE_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_PER_MINUTE_FIELD_NUMBER: _ClassVar[int]
    platform: str
    observed_per_minute: float
    expected_per_minute: float
    def __init__(self, platform: _Optional[str] = ..., observed_per_minute: _Optional[float] = ..., expected_per_minute: _Optional[float] = ...) -> None: ...

class SpikePost(_message.Message):
    __slots__ = ("post_id", "platform", "mentions", "copies")
    POST_ID_FIELD_NUMBER: _ClassVar[int]
    PLATFORM_FIELD_NUMBER: _ClassVar[int]
    MENTIONS_FIELD_NUMBER: _ClassVar[int]
    COPIES_FIELD_NUMBER: _ClassVar[int]
    post_id: str
    platform: str
    mentions: int
    copies: bool
    def __init__(self, post_id: _Optional[str] = ..., platform: _Optional[str] = ..., mentions: _Optional[int] = ..., copies: _Optional[bool] = ...) -> None: ...

class SpikeItem(_message.Message):
    __slots__ = ("value", "mentions")
    VALUE_FIELD_NUMBER: _ClassVar[int]
    MENTIONS_FIELD_NUMBER: _ClassVar[int]
    value: str
    mentions: int
    def __init__(self, value: _Optional[str] = ..., mentions: _Optional[int] = ...) -> None: ...

class SpikeMix(_message.Message):
    __slots__ = ("mentions", "inquiry_types", "negative", "languages")
    class LanguagesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    MENTIONS_FIELD_NUMBER: _ClassVar[int]
    INQUIRY_TYPES_FIELD_NUMBER: _ClassVar[int]
    NEGATIVE_FIELD_NUMBER: _ClassVar[int]
    LANGUAGES_FIELD_NUMBER: _ClassVar[int]
    mentions: float
    inquiry_types: _containers.RepeatedScalarFieldContainer[float]
    negative: float
    languages: _containers.ScalarMap[str, float]
    def __init__(self, mentions: _Optional[float] = ..., inquiry_types: _Optional[_Iterable[float]] = ..., negative: _Optional[float] = ..., languages: _Optional[_Mapping[str, float]] = ...) -> None: ...

class SpikeAlert(_message.Message):
    __slots__ = ("alert_id", "episode_id", "event", "tenant", "brand", "at", "since", "severity", "peak_severity", "cause", "evidence", "series", "mentions", "authors", "reach", "posts", "links", "tags", "mix", "normal_mix", "planned", "author_tags")
    ALERT_ID_FIELD_NUMBER: _ClassVar[int]
    EPISODE_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    TENANT_FIELD_NUMBER: _ClassVar[int]
    BRAND_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    SEVERITY_FIELD_NUMBER: _ClassVar[int]
    PEAK_SEVERITY_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    SERIES_FIELD_NUMBER: _ClassVar[int]
    MENTIONS_FIELD_NUMBER: _ClassVar[int]
    AUTHORS_FIELD_NUMBER: _ClassVar[int]
    REACH_FIELD_NUMBER: _ClassVar[int]
    POSTS_FIELD_NUMBER: _ClassVar[int]
    LINKS_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    MIX_FIELD_NUMBER: _ClassVar[int]
    NORMAL_MIX_FIELD_NUMBER: _ClassVar[int]
    PLANNED_FIELD_NUMBER: _ClassVar[int]
    AUTHOR_TAGS_FIELD_NUMBER: _ClassVar[int]
    alert_id: str
    episode_id: str
    event: SpikeEvent
    tenant: str
    brand: str
    at: _timestamp_pb2.Timestamp
    since: _timestamp_pb2.Timestamp
    severity: int
    peak_severity: int
    cause: SpikeCause
    evidence: _containers.RepeatedCompositeFieldContainer[SpikeEvidence]
    series: _containers.RepeatedCompositeFieldContainer[SpikeSeries]
    mentions: int
    authors: int
    reach: int
    posts: _containers.RepeatedCompositeFieldContainer[SpikePost]
    links: _containers.RepeatedCompositeFieldContainer[SpikeItem]
    tags: _containers.RepeatedCompositeFieldContainer[SpikeItem]
    mix: SpikeMix
    normal_mix: SpikeMix
    planned: str
    author_tags: _containers.RepeatedCompositeFieldContainer[SpikeItem]
    def __init__(self, alert_id: _Optional[str] = ..., episode_id: _Optional[str] = ..., event: _Optional[_Union[SpikeEvent, str]] = ..., tenant: _Optional[str] = ..., brand: _Optional[str] = ..., at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., severity: _Optional[int] = ..., peak_severity: _Optional[int] = ..., cause: _Optional[_Union[SpikeCause, str]] = ..., evidence: _Optional[_Iterable[_Union[SpikeEvidence, _Mapping]]] = ..., series: _Optional[_Iterable[_Union[SpikeSeries, _Mapping]]] = ..., mentions: _Optional[int] = ..., authors: _Optional[int] = ..., reach: _Optional[int] = ..., posts: _Optional[_Iterable[_Union[SpikePost, _Mapping]]] = ..., links: _Optional[_Iterable[_Union[SpikeItem, _Mapping]]] = ..., tags: _Optional[_Iterable[_Union[SpikeItem, _Mapping]]] = ..., mix: _Optional[_Union[SpikeMix, _Mapping]] = ..., normal_mix: _Optional[_Union[SpikeMix, _Mapping]] = ..., planned: _Optional[str] = ..., author_tags: _Optional[_Iterable[_Union[SpikeItem, _Mapping]]] = ...) -> None: ...
