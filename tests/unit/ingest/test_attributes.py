from typing import Any

import pytest

from services.common.http.rejections import Rejection
from services.ingest.attributes import check_attributes, check_values


def check(attributes: dict[str, Any], max_depth: int = 3, max_bytes: int = 1000) -> None:
    check_attributes(attributes, max_depth, max_bytes)


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"a": {"b": {}}},
        {"a": {"b": []}},
        {"a": [1, -2.5, "tres\n", True, None, {"ñ": 2**53}]},
        {"": "", "a": -(2**53)},
    ],
)
def test_what_comes_back_unchanged_is_kept(attributes: dict[str, Any]) -> None:
    check(attributes)


@pytest.mark.parametrize(
    ("attributes", "code", "field"),
    [
        ({"a": {"b": {"c": {}}}}, "too_deep", "attributes.a.b.c"),
        ({"a": [[[]]]}, "too_deep", "attributes.a.0.0"),
        ({"a": [1, 2**53 + 1]}, "invalid_value", "attributes.a.1"),
        ({"a": 1e29}, "invalid_value", "attributes.a"),
        ({"a": float("inf")}, "invalid_value", "attributes.a"),
        ({"a": "b\0"}, "invalid_value", "attributes.a"),
        ({"b": {"a\0": 1}}, "invalid_value", "attributes.b"),
        ({"a": "x" * 1000}, "too_large", "attributes"),
        ({"a": "ñ" * 500}, "too_large", "attributes"),
    ],
)
def test_what_would_not_is_refused(attributes: dict[str, Any], code: str, field: str) -> None:
    with pytest.raises(Rejection) as caught:
        check(attributes)
    assert (caught.value.code, caught.value.field) == (code, field)


def test_a_thousand_levels_are_too_deep() -> None:
    attributes: dict[str, Any] = {}
    for _ in range(1000):
        attributes = {"a": attributes}
    with pytest.raises(Rejection, match="too_deep"):
        check(attributes)


@pytest.mark.parametrize("attributes", [{"a": 1, "b": {"c": [1]}}, {"a": [1, 2, 3]}, {"a": {"b": {"c": {}}}}])
def test_values_are_counted_at_all_levels(attributes: dict[str, Any]) -> None:
    check_values(attributes, 4)
    with pytest.raises(Rejection) as caught:
        check_values({**attributes, "more": [0]}, 4)
    assert (caught.value.code, caught.value.field) == ("too_large", "attributes")
