from mention_triage.v1 import mention_pb2 as _mention_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class InquiryType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    INQUIRY_TYPE_UNSPECIFIED: _ClassVar[InquiryType]
    INQUIRY_TYPE_COMPLAINT: _ClassVar[InquiryType]
    INQUIRY_TYPE_FEEDBACK: _ClassVar[InquiryType]
    INQUIRY_TYPE_RECOMMENDATION: _ClassVar[InquiryType]
    INQUIRY_TYPE_TECHNICAL: _ClassVar[InquiryType]
    INQUIRY_TYPE_ANSWER: _ClassVar[InquiryType]

class Sentiment(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SENTIMENT_UNSPECIFIED: _ClassVar[Sentiment]
    SENTIMENT_NEGATIVE: _ClassVar[Sentiment]
    SENTIMENT_NEUTRAL: _ClassVar[Sentiment]
    SENTIMENT_POSITIVE: _ClassVar[Sentiment]

class ConfidenceLevel(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CONFIDENCE_LEVEL_UNSPECIFIED: _ClassVar[ConfidenceLevel]
    CONFIDENCE_LEVEL_LOW: _ClassVar[ConfidenceLevel]
    CONFIDENCE_LEVEL_MEDIUM: _ClassVar[ConfidenceLevel]
    CONFIDENCE_LEVEL_HIGH: _ClassVar[ConfidenceLevel]
    CONFIDENCE_LEVEL_ABSTAIN: _ClassVar[ConfidenceLevel]

class PersonalDataKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PERSONAL_DATA_KIND_UNSPECIFIED: _ClassVar[PersonalDataKind]
    PERSONAL_DATA_KIND_CARD: _ClassVar[PersonalDataKind]
    PERSONAL_DATA_KIND_IBAN: _ClassVar[PersonalDataKind]
    PERSONAL_DATA_KIND_BANK_ACCOUNT: _ClassVar[PersonalDataKind]
    PERSONAL_DATA_KIND_NATIONAL_ID: _ClassVar[PersonalDataKind]
    PERSONAL_DATA_KIND_TAX_ID: _ClassVar[PersonalDataKind]
    PERSONAL_DATA_KIND_PASSPORT: _ClassVar[PersonalDataKind]
    PERSONAL_DATA_KIND_PHONE: _ClassVar[PersonalDataKind]
    PERSONAL_DATA_KIND_EMAIL: _ClassVar[PersonalDataKind]
    PERSONAL_DATA_KIND_ADDRESS: _ClassVar[PersonalDataKind]
    PERSONAL_DATA_KIND_BOOKING: _ClassVar[PersonalDataKind]
INQUIRY_TYPE_UNSPECIFIED: InquiryType
INQUIRY_TYPE_COMPLAINT: InquiryType
INQUIRY_TYPE_FEEDBACK: InquiryType
INQUIRY_TYPE_RECOMMENDATION: InquiryType
INQUIRY_TYPE_TECHNICAL: InquiryType
INQUIRY_TYPE_ANSWER: InquiryType
SENTIMENT_UNSPECIFIED: Sentiment
SENTIMENT_NEGATIVE: Sentiment
SENTIMENT_NEUTRAL: Sentiment
SENTIMENT_POSITIVE: Sentiment
CONFIDENCE_LEVEL_UNSPECIFIED: ConfidenceLevel
CONFIDENCE_LEVEL_LOW: ConfidenceLevel
CONFIDENCE_LEVEL_MEDIUM: ConfidenceLevel
CONFIDENCE_LEVEL_HIGH: ConfidenceLevel
CONFIDENCE_LEVEL_ABSTAIN: ConfidenceLevel
PERSONAL_DATA_KIND_UNSPECIFIED: PersonalDataKind
PERSONAL_DATA_KIND_CARD: PersonalDataKind
PERSONAL_DATA_KIND_IBAN: PersonalDataKind
PERSONAL_DATA_KIND_BANK_ACCOUNT: PersonalDataKind
PERSONAL_DATA_KIND_NATIONAL_ID: PersonalDataKind
PERSONAL_DATA_KIND_TAX_ID: PersonalDataKind
PERSONAL_DATA_KIND_PASSPORT: PersonalDataKind
PERSONAL_DATA_KIND_PHONE: PersonalDataKind
PERSONAL_DATA_KIND_EMAIL: PersonalDataKind
PERSONAL_DATA_KIND_ADDRESS: PersonalDataKind
PERSONAL_DATA_KIND_BOOKING: PersonalDataKind

class InquiryTypePrediction(_message.Message):
    __slots__ = ("label", "probabilities")
    LABEL_FIELD_NUMBER: _ClassVar[int]
    PROBABILITIES_FIELD_NUMBER: _ClassVar[int]
    label: InquiryType
    probabilities: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, label: _Optional[_Union[InquiryType, str]] = ..., probabilities: _Optional[_Iterable[float]] = ...) -> None: ...

class SentimentPrediction(_message.Message):
    __slots__ = ("label", "probabilities")
    LABEL_FIELD_NUMBER: _ClassVar[int]
    PROBABILITIES_FIELD_NUMBER: _ClassVar[int]
    label: Sentiment
    probabilities: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, label: _Optional[_Union[Sentiment, str]] = ..., probabilities: _Optional[_Iterable[float]] = ...) -> None: ...

class Confidence(_message.Message):
    __slots__ = ("inquiry_type", "sentiment", "actionable")
    INQUIRY_TYPE_FIELD_NUMBER: _ClassVar[int]
    SENTIMENT_FIELD_NUMBER: _ClassVar[int]
    ACTIONABLE_FIELD_NUMBER: _ClassVar[int]
    inquiry_type: ConfidenceLevel
    sentiment: ConfidenceLevel
    actionable: ConfidenceLevel
    def __init__(self, inquiry_type: _Optional[_Union[ConfidenceLevel, str]] = ..., sentiment: _Optional[_Union[ConfidenceLevel, str]] = ..., actionable: _Optional[_Union[ConfidenceLevel, str]] = ...) -> None: ...

class ModelInfo(_message.Message):
    __slots__ = ("name", "version")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: str
    def __init__(self, name: _Optional[str] = ..., version: _Optional[str] = ...) -> None: ...

class Classification(_message.Message):
    __slots__ = ("inquiry_type", "sentiment", "actionable", "actionable_probability", "language", "confidence", "model", "needs_private_channel", "personal_data", "redacted_text", "redacted_in_reply_to_text")
    INQUIRY_TYPE_FIELD_NUMBER: _ClassVar[int]
    SENTIMENT_FIELD_NUMBER: _ClassVar[int]
    ACTIONABLE_FIELD_NUMBER: _ClassVar[int]
    ACTIONABLE_PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    NEEDS_PRIVATE_CHANNEL_FIELD_NUMBER: _ClassVar[int]
    PERSONAL_DATA_FIELD_NUMBER: _ClassVar[int]
    REDACTED_TEXT_FIELD_NUMBER: _ClassVar[int]
    REDACTED_IN_REPLY_TO_TEXT_FIELD_NUMBER: _ClassVar[int]
    inquiry_type: InquiryTypePrediction
    sentiment: SentimentPrediction
    actionable: bool
    actionable_probability: float
    language: str
    confidence: Confidence
    model: ModelInfo
    needs_private_channel: bool
    personal_data: _containers.RepeatedScalarFieldContainer[PersonalDataKind]
    redacted_text: str
    redacted_in_reply_to_text: str
    def __init__(self, inquiry_type: _Optional[_Union[InquiryTypePrediction, _Mapping]] = ..., sentiment: _Optional[_Union[SentimentPrediction, _Mapping]] = ..., actionable: _Optional[bool] = ..., actionable_probability: _Optional[float] = ..., language: _Optional[str] = ..., confidence: _Optional[_Union[Confidence, _Mapping]] = ..., model: _Optional[_Union[ModelInfo, _Mapping]] = ..., needs_private_channel: _Optional[bool] = ..., personal_data: _Optional[_Iterable[_Union[PersonalDataKind, str]]] = ..., redacted_text: _Optional[str] = ..., redacted_in_reply_to_text: _Optional[str] = ...) -> None: ...

class ClassifiedMention(_message.Message):
    __slots__ = ("mention", "classification")
    MENTION_FIELD_NUMBER: _ClassVar[int]
    CLASSIFICATION_FIELD_NUMBER: _ClassVar[int]
    mention: _mention_pb2.Mention
    classification: Classification
    def __init__(self, mention: _Optional[_Union[_mention_pb2.Mention, _Mapping]] = ..., classification: _Optional[_Union[Classification, _Mapping]] = ...) -> None: ...
