from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CountSource(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    COUNT_SOURCE_UNSPECIFIED: _ClassVar[CountSource]
    COUNT_SOURCE_MENTIONS: _ClassVar[CountSource]
    COUNT_SOURCE_CLASSIFIED: _ClassVar[CountSource]
COUNT_SOURCE_UNSPECIFIED: CountSource
COUNT_SOURCE_MENTIONS: CountSource
COUNT_SOURCE_CLASSIFIED: CountSource

class PartialCount(_message.Message):
    __slots__ = ("brand", "platform", "bucket", "mentions", "old_mentions", "sketches", "mix")
    BRAND_FIELD_NUMBER: _ClassVar[int]
    PLATFORM_FIELD_NUMBER: _ClassVar[int]
    BUCKET_FIELD_NUMBER: _ClassVar[int]
    MENTIONS_FIELD_NUMBER: _ClassVar[int]
    OLD_MENTIONS_FIELD_NUMBER: _ClassVar[int]
    SKETCHES_FIELD_NUMBER: _ClassVar[int]
    MIX_FIELD_NUMBER: _ClassVar[int]
    brand: str
    platform: str
    bucket: int
    mentions: int
    old_mentions: int
    sketches: Sketches
    mix: Mix
    def __init__(self, brand: _Optional[str] = ..., platform: _Optional[str] = ..., bucket: _Optional[int] = ..., mentions: _Optional[int] = ..., old_mentions: _Optional[int] = ..., sketches: _Optional[_Union[Sketches, _Mapping]] = ..., mix: _Optional[_Union[Mix, _Mapping]] = ...) -> None: ...

class Sketches(_message.Message):
    __slots__ = ("authors", "reach", "texts", "roots", "links", "tags", "author_tags", "examples")
    class ExamplesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: int
        value: str
        def __init__(self, key: _Optional[int] = ..., value: _Optional[str] = ...) -> None: ...
    AUTHORS_FIELD_NUMBER: _ClassVar[int]
    REACH_FIELD_NUMBER: _ClassVar[int]
    TEXTS_FIELD_NUMBER: _ClassVar[int]
    ROOTS_FIELD_NUMBER: _ClassVar[int]
    LINKS_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    AUTHOR_TAGS_FIELD_NUMBER: _ClassVar[int]
    EXAMPLES_FIELD_NUMBER: _ClassVar[int]
    authors: bytes
    reach: Reach
    texts: bytes
    roots: bytes
    links: bytes
    tags: bytes
    author_tags: bytes
    examples: _containers.ScalarMap[int, str]
    def __init__(self, authors: _Optional[bytes] = ..., reach: _Optional[_Union[Reach, _Mapping]] = ..., texts: _Optional[bytes] = ..., roots: _Optional[bytes] = ..., links: _Optional[bytes] = ..., tags: _Optional[bytes] = ..., author_tags: _Optional[bytes] = ..., examples: _Optional[_Mapping[int, str]] = ...) -> None: ...

class Reach(_message.Message):
    __slots__ = ("authors", "followers")
    AUTHORS_FIELD_NUMBER: _ClassVar[int]
    FOLLOWERS_FIELD_NUMBER: _ClassVar[int]
    authors: _containers.RepeatedScalarFieldContainer[int]
    followers: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, authors: _Optional[_Iterable[int]] = ..., followers: _Optional[_Iterable[int]] = ...) -> None: ...

class Mix(_message.Message):
    __slots__ = ("inquiry_types", "sentiments", "languages")
    class LanguagesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    INQUIRY_TYPES_FIELD_NUMBER: _ClassVar[int]
    SENTIMENTS_FIELD_NUMBER: _ClassVar[int]
    LANGUAGES_FIELD_NUMBER: _ClassVar[int]
    inquiry_types: _containers.RepeatedScalarFieldContainer[int]
    sentiments: _containers.RepeatedScalarFieldContainer[int]
    languages: _containers.ScalarMap[str, int]
    def __init__(self, inquiry_types: _Optional[_Iterable[int]] = ..., sentiments: _Optional[_Iterable[int]] = ..., languages: _Optional[_Mapping[str, int]] = ...) -> None: ...

class MentionCounts(_message.Message):
    __slots__ = ("source", "source_partition", "until", "tenant", "counts")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_PARTITION_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    TENANT_FIELD_NUMBER: _ClassVar[int]
    COUNTS_FIELD_NUMBER: _ClassVar[int]
    source: CountSource
    source_partition: int
    until: int
    tenant: str
    counts: _containers.RepeatedCompositeFieldContainer[PartialCount]
    def __init__(self, source: _Optional[_Union[CountSource, str]] = ..., source_partition: _Optional[int] = ..., until: _Optional[int] = ..., tenant: _Optional[str] = ..., counts: _Optional[_Iterable[_Union[PartialCount, _Mapping]]] = ...) -> None: ...
