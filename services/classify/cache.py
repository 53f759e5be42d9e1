"""Predictions already made, by exact model input: copies and reposts are most of a viral spike."""

from cachetools import LRUCache

from services.classify.model.base import Prediction, TokenIds


class PredictionCache:
    """At most `entries` predictions, the least recently used leaves first; 0 entries is no cache.

    Used by one event loop only.
    """

    def __init__(self, entries: int) -> None:
        self._entries: LRUCache[tuple[str, TokenIds], Prediction] = LRUCache(max(entries, 0))

    def get(self, version: str, ids: TokenIds) -> Prediction | None:
        """What the model of that version said about exactly these ids, if it is still known."""
        return self._entries.get((version, ids))

    def put(self, version: str, ids: TokenIds, prediction: Prediction) -> None:
        """Remember it."""
        if self._entries.maxsize:
            self._entries[version, ids] = prediction

    def __len__(self) -> int:
        return len(self._entries)
