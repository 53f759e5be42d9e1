"""Requests that schemathesis makes up from the OpenAPI, good and bad, against a real server."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.integration.ingest.bad_requests import CORRECTIONS, MENTIONS, OUTCOMES
from tests.integration.ingest.serving import served
from tests.integration.ingest.world import World

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, World]]:
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as address_and_world:
        yield address_and_world


@pytest.mark.slow
@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize("path", [MENTIONS, OUTCOMES, CORRECTIONS])
def test_no_answer_is_outside_the_contract(server: tuple[str, World], path: str, mode: GenerationMode) -> None:
    address, world = server
    operation = schemathesis.openapi.from_url(f"{address}/openapi.json")[path]["POST"]
    statuses = set()

    @settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=mode))
    def exchange(case: schemathesis.Case[Any]) -> None:
        response = case.call_and_validate(headers={"Authorization": f"Bearer {world.key}"}, checks=CHECKS)
        statuses.add(response.status_code)

    exchange()
    assert len(statuses) > 1, "all requests were answered alike: they do not try much"
