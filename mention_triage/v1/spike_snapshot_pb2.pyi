from mention_triage.v1 import spike_state_pb2 as _spike_state_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class OpenBucket(_message.Message):
    __slots__ = ("start", "series", "mentions")
    START_FIELD_NUMBER: _ClassVar[int]
    SERIES_FIELD_NUMBER: _ClassVar[int]
    MENTIONS_FIELD_NUMBER: _ClassVar[int]
    start: int
    series: _containers.RepeatedScalarFieldContainer[int]
    mentions: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, start: _Optional[int] = ..., series: _Optional[_Iterable[int]] = ..., mentions: _Optional[_Iterable[int]] = ...) -> None: ...

class TenantSilence(_message.Message):
    __slots__ = ("tenant", "expected")
    TENANT_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_FIELD_NUMBER: _ClassVar[int]
    tenant: str
    expected: float
    def __init__(self, tenant: _Optional[str] = ..., expected: _Optional[float] = ...) -> None: ...

class SeriesKey(_message.Message):
    __slots__ = ("tenant", "brand", "platform")
    TENANT_FIELD_NUMBER: _ClassVar[int]
    BRAND_FIELD_NUMBER: _ClassVar[int]
    PLATFORM_FIELD_NUMBER: _ClassVar[int]
    tenant: str
    brand: str
    platform: str
    def __init__(self, tenant: _Optional[str] = ..., brand: _Optional[str] = ..., platform: _Optional[str] = ...) -> None: ...

class WatermarkState(_message.Message):
    __slots__ = ("numbers",)
    NUMBERS_FIELD_NUMBER: _ClassVar[int]
    numbers: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, numbers: _Optional[_Iterable[int]] = ...) -> None: ...

class SnapshotEnd(_message.Message):
    __slots__ = ("covers", "shards", "closed", "volume", "mix")
    COVERS_FIELD_NUMBER: _ClassVar[int]
    SHARDS_FIELD_NUMBER: _ClassVar[int]
    CLOSED_FIELD_NUMBER: _ClassVar[int]
    VOLUME_FIELD_NUMBER: _ClassVar[int]
    MIX_FIELD_NUMBER: _ClassVar[int]
    covers: int
    shards: int
    closed: int
    volume: WatermarkState
    mix: WatermarkState
    def __init__(self, covers: _Optional[int] = ..., shards: _Optional[int] = ..., closed: _Optional[int] = ..., volume: _Optional[_Union[WatermarkState, _Mapping]] = ..., mix: _Optional[_Union[WatermarkState, _Mapping]] = ...) -> None: ...

class SpikeSnapshot(_message.Message):
    __slots__ = ("origin", "round", "shard", "series", "detector", "brands", "end", "open", "silence")
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    ROUND_FIELD_NUMBER: _ClassVar[int]
    SHARD_FIELD_NUMBER: _ClassVar[int]
    SERIES_FIELD_NUMBER: _ClassVar[int]
    DETECTOR_FIELD_NUMBER: _ClassVar[int]
    BRANDS_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    OPEN_FIELD_NUMBER: _ClassVar[int]
    SILENCE_FIELD_NUMBER: _ClassVar[int]
    origin: str
    round: int
    shard: int
    series: _containers.RepeatedCompositeFieldContainer[SeriesKey]
    detector: bytes
    brands: _containers.RepeatedCompositeFieldContainer[_spike_state_pb2.BrandState]
    end: SnapshotEnd
    open: _containers.RepeatedCompositeFieldContainer[OpenBucket]
    silence: _containers.RepeatedCompositeFieldContainer[TenantSilence]
    def __init__(self, origin: _Optional[str] = ..., round: _Optional[int] = ..., shard: _Optional[int] = ..., series: _Optional[_Iterable[_Union[SeriesKey, _Mapping]]] = ..., detector: _Optional[bytes] = ..., brands: _Optional[_Iterable[_Union[_spike_state_pb2.BrandState, _Mapping]]] = ..., end: _Optional[_Union[SnapshotEnd, _Mapping]] = ..., open: _Optional[_Iterable[_Union[OpenBucket, _Mapping]]] = ..., silence: _Optional[_Iterable[_Union[TenantSilence, _Mapping]]] = ...) -> None: ...
