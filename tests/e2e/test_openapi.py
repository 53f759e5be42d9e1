"""Requests that schemathesis makes up from the OpenAPI of the router and of classify, against a real stack."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from bench.texts import sample_mentions
from tests.support.stack import Stack

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    started = Stack(tmp_path_factory.mktemp("stack") / "var")
    started.start()
    answer = httpx.post(f"{started.ready.ingest}/v1/mentions", json=sample_mentions()[:20], headers=started.headers)
    assert answer.status_code == 202
    yield started
    started.kill()


@pytest.mark.slow
@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize(
    ("service", "path", "method"), [("router", "/v1/routed", "GET"), ("classify", "/v1/classify", "POST")]
)
def test_no_answer_is_outside_the_contract(
    stack: Stack, service: str, path: str, method: str, mode: GenerationMode
) -> None:
    address = getattr(stack.ready, service)
    operation = schemathesis.openapi.from_url(f"{address}/openapi.json")[path][method]
    statuses = set()

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=mode))
    def exchange(case: schemathesis.Case[Any]) -> None:
        statuses.add(case.call_and_validate(headers=stack.headers, checks=CHECKS).status_code)

    exchange()
    assert statuses & ({200} if mode is GenerationMode.POSITIVE else {415, 422}), statuses
