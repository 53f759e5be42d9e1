import pytest

from services.classify.model.base import ModelError
from services.classify.model.labels import NAMES, columns_of


def test_labels_are_told_apart_by_name_in_any_order_and_case() -> None:
    assert columns_of(dict(enumerate(NAMES)), "here") == list(range(9))
    assert columns_of({n: name.upper() for n, name in enumerate(reversed(NAMES))}, "here") == list(range(8, -1, -1))


def test_the_field_may_be_left_out() -> None:
    names = ["Complaint", "feedback", "recommendation", "technical", "answer", "neutral", "negative", "positive"]
    assert columns_of(dict(enumerate(names)), "here") == [0, 1, 2, 3, 4, 6, 5, 7, None]
    assert columns_of(dict(enumerate([*names, "actionable"])), "here")[-1] == 8


def test_a_missing_label_is_named() -> None:
    with pytest.raises(ModelError, match="has the labels label_0, label_1, but none for inquiry_type/complaint"):
        columns_of({0: "LABEL_0", 1: "LABEL_1"}, "here")
