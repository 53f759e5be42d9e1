"""Settings of the router."""

from pathlib import Path

from pydantic import Field

from services.common.settings import CommonSettings
from services.router.policy import DEFAULT_POLICY


class RouterSettings(CommonSettings):
    """What the router needs to know."""

    port: int = Field(8082, ge=1, le=65_535, validation_alias="ROUTER_PORT")
    policy_file: Path = Field(DEFAULT_POLICY, validation_alias="POLICY_FILE")
    # Items in one page of GET /v1/routed.
    max_page: int = Field(500, ge=1, le=10_000, validation_alias="ROUTER_MAX_PAGE")
    # Records that one request may look at. The log is shared: a tenant with few mentions, or a narrow filter, would
    # otherwise read all of it in one request.
    max_scan: int = Field(5_000, ge=1, le=1_000_000, validation_alias="ROUTER_MAX_SCAN")
    # Pages made at the same time, half of them for one tenant: what pages may take of memory and of the event loop.
    max_pages_at_once: int = Field(8, ge=1, le=1_000, validation_alias="ROUTER_MAX_PAGES_AT_ONCE")
    # Mentions remembered per partition so that each is counted once; see CLASSIFY_SEEN_LIMIT.
    seen_limit: int = Field(200_000, ge=1_000, validation_alias="ROUTER_SEEN_LIMIT")
    # What was written longer than this before it was received is history delivered late: it is counted apart.
    old_after_seconds: int = Field(3_600, ge=60, validation_alias="SPIKES_OLD_AFTER_SECONDS")
    # Brands, and brands by platform, that are watched in one partition; a series takes a few KB.
    max_series: int = Field(10_000, ge=1, le=1_000_000, validation_alias="SPIKES_MAX_SERIES")
    # An episode is over after so long a calm.
    end_after_seconds: int = Field(900, ge=10, le=86_400, validation_alias="SPIKES_END_AFTER_SECONDS")
    # Planned events, and what is normal for series that this router has not counted yet (`spikes learn` makes it).
    calendar_file: Path | None = Field(None, validation_alias="SPIKES_CALENDAR_FILE")
    baseline_file: Path | None = Field(None, validation_alias="SPIKES_BASELINE_FILE")
