"""Settings of ingest."""

from typing import Self

from pydantic import Field, model_validator

from services.common.http.body import BodyLimits
from services.common.settings import CommonSettings


class IngestSettings(CommonSettings):
    """What ingest takes in, and how much of it at once."""

    port: int = Field(8080, ge=1, le=65535, validation_alias="INGEST_PORT")

    # One request.
    max_body_bytes: int = Field(8 << 20, ge=1024, validation_alias="INGEST_MAX_BODY_BYTES")
    max_batch_events: int = Field(10_000, ge=1, validation_alias="INGEST_MAX_BATCH_EVENTS")
    body_timeout_seconds: float = Field(30, gt=0, validation_alias="INGEST_BODY_TIMEOUT_SECONDS")

    # One event.
    max_text_chars: int = Field(10_000, ge=1, validation_alias="INGEST_MAX_TEXT_CHARS")
    # Protobuf's own limit is 100 nested messages, and each level of attributes takes up to three.
    max_attributes_depth: int = Field(5, ge=1, le=16, validation_alias="INGEST_MAX_ATTRIBUTES_DEPTH")
    max_attributes_bytes: int = Field(16 << 10, ge=2, validation_alias="INGEST_MAX_ATTRIBUTES_BYTES")
    # Their count, not their bytes, is what makes them slow to check and to build.
    max_attributes_values: int = Field(1000, ge=1, validation_alias="INGEST_MAX_ATTRIBUTES_VALUES")
    # Platforms' clocks differ a little; a time further ahead is a mistake in the sender's time zone or unit.
    max_clock_skew_seconds: float = Field(300, ge=0, validation_alias="INGEST_MAX_CLOCK_SKEW_SECONDS")

    # All requests together: what bounds the memory.
    max_in_flight_bytes: int = Field(64 << 20, ge=1024, validation_alias="INGEST_MAX_IN_FLIGHT_BYTES")
    retry_after_seconds: int = Field(1, ge=1, validation_alias="INGEST_RETRY_AFTER_SECONDS")

    @property
    def body_limits(self) -> BodyLimits:
        """What bodies may take."""
        return BodyLimits(
            self.max_body_bytes, self.body_timeout_seconds, self.max_in_flight_bytes, self.retry_after_seconds
        )

    @model_validator(mode="after")
    def _limits_fit(self) -> Self:
        if self.max_body_bytes > self.max_in_flight_bytes // 2:
            raise ValueError(
                f"INGEST_MAX_BODY_BYTES ({self.max_body_bytes}) must not exceed half of INGEST_MAX_IN_FLIGHT_BYTES"
                f" ({self.max_in_flight_bytes}), which one tenant may hold, or the largest body would always get 429"
            )
        if self.max_attributes_bytes > self.max_body_bytes:
            raise ValueError(
                f"INGEST_MAX_ATTRIBUTES_BYTES ({self.max_attributes_bytes}) must not exceed INGEST_MAX_BODY_BYTES"
                f" ({self.max_body_bytes})"
            )
        return self
