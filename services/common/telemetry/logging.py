"""Structured logs: one JSON object per line on standard error, ours and the libraries' alike.

No message text and no personal data: events carry ids, counts and error types.
"""

import logging
import sys
import time
from collections.abc import Callable
from typing import Any, Final

import orjson
import structlog

_REPEAT_SECONDS: Final = 10.0


class _Sparse(logging.Filter):
    """Lets each message of a library through once in a while: aiokafka tells a hundred times a second that a broker is
    away."""

    def __init__(self, library: str, clock: Callable[[], float]) -> None:
        super().__init__()
        self._library = library
        self._clock = clock
        self._last: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it was last let through long enough ago. Its arguments do not count."""
        if not record.name.startswith(self._library):
            return True
        now, key = self._clock(), (record.name, str(record.msg))
        if now - self._last.get(key, float("-inf")) < _REPEAT_SECONDS:
            return False
        self._last[key] = now
        return True


def _dumps(event: Any, **_: Any) -> str:
    return orjson.dumps(event, default=str).decode()


def configure_logging(level: str) -> None:
    """Send everything to standard error as JSON, from `level` (debug, info, warning, error) up."""
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(_dumps),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers = []
        logging.getLogger(name).propagate = True
    if level == "info":  # aiokafka tells every step of joining a group and finding a coordinator
        logging.getLogger("aiokafka").setLevel(logging.WARNING)
    handler.addFilter(_Sparse("aiokafka", time.monotonic))
    logging.getLogger("uvicorn.access").disabled = True  # counted as metrics; a path may hold an id
