from services.classify.cache import PredictionCache
from services.classify.model.base import Prediction

A = Prediction((1, 0, 0, 0, 0), (1, 0, 0), 0.1)
B = Prediction((0, 1, 0, 0, 0), (0, 1, 0), 0.2)


def test_an_answer_is_found_for_exactly_its_input_and_version() -> None:
    cache = PredictionCache(10)
    cache.put("1", (0, 5, 2), A)
    assert cache.get("1", (0, 5, 2)) == A
    assert cache.get("2", (0, 5, 2)) is None
    assert cache.get("1", (0, 5, 5, 2)) is None


def test_the_least_recently_used_leaves_first() -> None:
    cache = PredictionCache(2)
    cache.put("1", (1,), A)
    cache.put("1", (2,), B)
    assert cache.get("1", (1,)) == A
    cache.put("1", (3,), B)
    assert len(cache) == 2
    assert cache.get("1", (2,)) is None
    assert cache.get("1", (1,)) == A


def test_no_entries_is_no_cache() -> None:
    cache = PredictionCache(0)
    cache.put("1", (1,), A)
    assert cache.get("1", (1,)) is None
    assert len(cache) == 0
