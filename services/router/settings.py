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
