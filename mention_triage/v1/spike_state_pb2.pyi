from mention_triage.v1 import alert_pb2 as _alert_pb2
from mention_triage.v1 import counts_pb2 as _counts_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class MixState(_message.Message):
    __slots__ = ("inquiry_types", "sentiments", "languages")
    class LanguagesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    INQUIRY_TYPES_FIELD_NUMBER: _ClassVar[int]
    SENTIMENTS_FIELD_NUMBER: _ClassVar[int]
    LANGUAGES_FIELD_NUMBER: _ClassVar[int]
    inquiry_types: _containers.RepeatedScalarFieldContainer[float]
    sentiments: _containers.RepeatedScalarFieldContainer[float]
    languages: _containers.ScalarMap[str, float]
    def __init__(self, inquiry_types: _Optional[_Iterable[float]] = ..., sentiments: _Optional[_Iterable[float]] = ..., languages: _Optional[_Mapping[str, float]] = ...) -> None: ...

class WindowState(_message.Message):
    __slots__ = ("start", "mentions", "sketches", "mix", "unusual", "has_later")
    START_FIELD_NUMBER: _ClassVar[int]
    MENTIONS_FIELD_NUMBER: _ClassVar[int]
    SKETCHES_FIELD_NUMBER: _ClassVar[int]
    MIX_FIELD_NUMBER: _ClassVar[int]
    UNUSUAL_FIELD_NUMBER: _ClassVar[int]
    HAS_LATER_FIELD_NUMBER: _ClassVar[int]
    start: int
    mentions: int
    sketches: _counts_pb2.Sketches
    mix: MixState
    unusual: bool
    has_later: bool
    def __init__(self, start: _Optional[int] = ..., mentions: _Optional[int] = ..., sketches: _Optional[_Union[_counts_pb2.Sketches, _Mapping]] = ..., mix: _Optional[_Union[MixState, _Mapping]] = ..., unusual: _Optional[bool] = ..., has_later: _Optional[bool] = ...) -> None: ...

class NormalState(_message.Message):
    __slots__ = ("at", "mentions", "authors", "copies", "press", "mix")
    AT_FIELD_NUMBER: _ClassVar[int]
    MENTIONS_FIELD_NUMBER: _ClassVar[int]
    AUTHORS_FIELD_NUMBER: _ClassVar[int]
    COPIES_FIELD_NUMBER: _ClassVar[int]
    PRESS_FIELD_NUMBER: _ClassVar[int]
    MIX_FIELD_NUMBER: _ClassVar[int]
    at: int
    mentions: float
    authors: float
    copies: float
    press: float
    mix: MixState
    def __init__(self, at: _Optional[int] = ..., mentions: _Optional[float] = ..., authors: _Optional[float] = ..., copies: _Optional[float] = ..., press: _Optional[float] = ..., mix: _Optional[_Union[MixState, _Mapping]] = ...) -> None: ...

class EvidenceState(_message.Message):
    __slots__ = ("pending", "windows", "since", "normal", "unusual_from", "unusual_until", "texts", "arrived", "arrived_unusual", "closed")
    PENDING_FIELD_NUMBER: _ClassVar[int]
    WINDOWS_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    NORMAL_FIELD_NUMBER: _ClassVar[int]
    UNUSUAL_FROM_FIELD_NUMBER: _ClassVar[int]
    UNUSUAL_UNTIL_FIELD_NUMBER: _ClassVar[int]
    TEXTS_FIELD_NUMBER: _ClassVar[int]
    ARRIVED_FIELD_NUMBER: _ClassVar[int]
    ARRIVED_UNUSUAL_FIELD_NUMBER: _ClassVar[int]
    CLOSED_FIELD_NUMBER: _ClassVar[int]
    pending: _containers.RepeatedCompositeFieldContainer[WindowState]
    windows: _containers.RepeatedCompositeFieldContainer[WindowState]
    since: WindowState
    normal: NormalState
    unusual_from: int
    unusual_until: int
    texts: _containers.RepeatedScalarFieldContainer[int]
    arrived: MixState
    arrived_unusual: bool
    closed: int
    def __init__(self, pending: _Optional[_Iterable[_Union[WindowState, _Mapping]]] = ..., windows: _Optional[_Iterable[_Union[WindowState, _Mapping]]] = ..., since: _Optional[_Union[WindowState, _Mapping]] = ..., normal: _Optional[_Union[NormalState, _Mapping]] = ..., unusual_from: _Optional[int] = ..., unusual_until: _Optional[int] = ..., texts: _Optional[_Iterable[int]] = ..., arrived: _Optional[_Union[MixState, _Mapping]] = ..., arrived_unusual: _Optional[bool] = ..., closed: _Optional[int] = ...) -> None: ...

class EpisodeState(_message.Message):
    __slots__ = ("episode_id", "since", "events", "severity", "announced_severity", "peak_severity", "worse_since", "milder_since", "rising_at", "ended_at", "reopened", "cause", "evidence", "other_cause", "other_cause_since", "series", "unknown_since")
    EPISODE_ID_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    SEVERITY_FIELD_NUMBER: _ClassVar[int]
    ANNOUNCED_SEVERITY_FIELD_NUMBER: _ClassVar[int]
    PEAK_SEVERITY_FIELD_NUMBER: _ClassVar[int]
    WORSE_SINCE_FIELD_NUMBER: _ClassVar[int]
    MILDER_SINCE_FIELD_NUMBER: _ClassVar[int]
    RISING_AT_FIELD_NUMBER: _ClassVar[int]
    ENDED_AT_FIELD_NUMBER: _ClassVar[int]
    REOPENED_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    OTHER_CAUSE_FIELD_NUMBER: _ClassVar[int]
    OTHER_CAUSE_SINCE_FIELD_NUMBER: _ClassVar[int]
    SERIES_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_SINCE_FIELD_NUMBER: _ClassVar[int]
    episode_id: str
    since: int
    events: int
    severity: int
    announced_severity: int
    peak_severity: int
    worse_since: int
    milder_since: int
    rising_at: int
    ended_at: int
    reopened: int
    cause: _alert_pb2.SpikeCause
    evidence: _containers.RepeatedCompositeFieldContainer[_alert_pb2.SpikeEvidence]
    other_cause: _alert_pb2.SpikeCause
    other_cause_since: int
    series: _containers.RepeatedCompositeFieldContainer[_alert_pb2.SpikeSeries]
    unknown_since: int
    def __init__(self, episode_id: _Optional[str] = ..., since: _Optional[int] = ..., events: _Optional[int] = ..., severity: _Optional[int] = ..., announced_severity: _Optional[int] = ..., peak_severity: _Optional[int] = ..., worse_since: _Optional[int] = ..., milder_since: _Optional[int] = ..., rising_at: _Optional[int] = ..., ended_at: _Optional[int] = ..., reopened: _Optional[int] = ..., cause: _Optional[_Union[_alert_pb2.SpikeCause, str]] = ..., evidence: _Optional[_Iterable[_Union[_alert_pb2.SpikeEvidence, _Mapping]]] = ..., other_cause: _Optional[_Union[_alert_pb2.SpikeCause, str]] = ..., other_cause_since: _Optional[int] = ..., series: _Optional[_Iterable[_Union[_alert_pb2.SpikeSeries, _Mapping]]] = ..., unknown_since: _Optional[int] = ...) -> None: ...

class BrandState(_message.Message):
    __slots__ = ("tenant", "brand", "evidence", "episode")
    TENANT_FIELD_NUMBER: _ClassVar[int]
    BRAND_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    EPISODE_FIELD_NUMBER: _ClassVar[int]
    tenant: str
    brand: str
    evidence: EvidenceState
    episode: EpisodeState
    def __init__(self, tenant: _Optional[str] = ..., brand: _Optional[str] = ..., evidence: _Optional[_Union[EvidenceState, _Mapping]] = ..., episode: _Optional[_Union[EpisodeState, _Mapping]] = ...) -> None: ...
