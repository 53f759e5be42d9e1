import asyncio
from collections.abc import Mapping

import pytest

from tests.integration.ingest.bad_requests import BAD_REQUESTS, DOCUMENT, Answer, BadRequest, document, try_all


@pytest.fixture(scope="module")
def answers() -> Mapping[BadRequest, Answer]:
    return asyncio.run(try_all())


@pytest.mark.parametrize("bad", BAD_REQUESTS, ids=lambda bad: bad.what)
def test_bad_request_gets_what_the_table_says(bad: BadRequest, answers: Mapping[BadRequest, Answer]) -> None:
    answer = answers[bad]
    assert (answer.status, answer.fault["code"], answer.fault.get("field")) == (bad.status, bad.code, bad.at)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.problem["status"] == answer.status
    assert answer.problem["code"] == ("all_rejected" if "results" in answer.problem else bad.code)
    assert ("retry-after" in answer.headers) == (answer.status in (429, 503))
    assert ("www-authenticate" in answer.headers) == (answer.status == 401)


def test_the_document_is_in_sync(answers: Mapping[BadRequest, Answer]) -> None:
    assert DOCUMENT.read_text() == document(answers), "run `python -m tests.integration.ingest.bad_requests`"
