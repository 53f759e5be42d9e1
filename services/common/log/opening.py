"""LOG_URL picks the adapter; nothing else in the services knows which one runs."""

from pathlib import Path

from services.common.log.embedded.log import EmbeddedLog
from services.common.log.embedded.reader import EmbeddedReader
from services.common.log.embedded.retention import Retention
from services.common.log.port import Log, LogError, Reader
from services.common.log.topics import TOPICS
from services.common.settings import CommonSettings

_SQLITE = "sqlite:///"


def open_log(settings: CommonSettings) -> Log:
    """Open the log for reading and writing; needs a running event loop. Raises `LogError` for a URL it cannot serve."""
    path = _sqlite_path(settings.url_of_log)
    return EmbeddedLog(path, settings.log_partitions, retention=Retention(TOPICS, settings.log_max_bytes))


def open_reader(settings: CommonSettings) -> Reader:
    """Open the log read-only, also beside a running stack. Raises `LogError` for a URL it cannot serve."""
    return EmbeddedReader(_sqlite_path(settings.url_of_log))


def _sqlite_path(url: str) -> Path:
    """File of `sqlite:///relative.db` or `sqlite:////absolute.db`."""
    if not url.startswith(_SQLITE) or len(url) == len(_SQLITE):
        raise LogError(
            f"LOG_URL={url!r} is not served: write sqlite:///var/log.db (relative) or sqlite:////… (absolute)"
        )
    return Path(url.removeprefix(_SQLITE))
