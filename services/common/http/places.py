"""How many requests may be worked on at once, where each takes long."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from services.common.http.problems import Problem


class Places:
    """The requests being worked on: at most `limit` in the process, and half of them for one tenant.

    `refusal` makes the 429 problem for one beyond that.
    """

    def __init__(self, limit: int, refusal: Callable[[], Problem]) -> None:
        self._limit = limit
        self._limit_of_tenant = max(1, limit // 2)
        self._refusal = refusal
        self._taken: Counter[str] = Counter()

    @contextmanager
    def taken(self, tenant: str) -> Iterator[None]:
        """Hold a place while the request is worked on. Raises the problem if there is none."""
        if self._taken[tenant] >= self._limit_of_tenant or self._taken.total() >= self._limit:
            raise self._refusal()
        self._taken[tenant] += 1
        try:
            yield
        finally:
            self._taken[tenant] -= 1
