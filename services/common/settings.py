"""Settings that every service shares. All settings come from the environment; each service adds its own class."""

from pathlib import Path
from typing import Literal, TypeVar

from pydantic import Field, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.common.errors import TriageError


class SettingsError(TriageError):
    """A setting is wrong; the message names the variable and says what it takes."""


class CommonSettings(BaseSettings):
    """What every service needs to know."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, populate_by_name=True)

    data_dir: Path = Field(Path("var"), validation_alias="TRIAGE_DATA_DIR")
    host: str = Field("127.0.0.1", validation_alias="TRIAGE_HOST")
    log_level: Literal["debug", "info", "warning", "error"] | None = Field(None, validation_alias="TRIAGE_LOG_LEVEL")

    log_url: str = Field("", validation_alias="LOG_URL")
    # 12 can be shared evenly by 1, 2, 3, 4, 6 or 12 workers, and never changes in place.
    log_partitions: int = Field(12, ge=1, le=1024, validation_alias="LOG_PARTITIONS")
    # The embedded log refuses new events beyond this size rather than fill the disk.
    log_max_bytes: int = Field(16 << 30, ge=16 << 20, validation_alias="LOG_MAX_BYTES")

    # A stage stops before it gives up more records than this, of the last 1,000 and in a row: a bad deploy must not
    # drain its topic into the dead letters. Raise them while it works off records that are known to be bad.
    dead_letter_max_share: float = Field(0.1, gt=0, le=1, validation_alias="DEAD_LETTER_MAX_SHARE")
    dead_letter_max_run: int = Field(50, ge=1, validation_alias="DEAD_LETTER_MAX_RUN")

    keys_file: Path | None = Field(None, validation_alias="API_KEYS_FILE")

    @property
    def url_of_log(self) -> str:
        """LOG_URL, or the embedded log in the data folder."""
        return self.log_url or f"sqlite:///{self.data_dir / 'log.db'}"

    @property
    def path_of_keys(self) -> Path:
        """API_KEYS_FILE, or the one in the data folder."""
        return self.keys_file or self.data_dir / "keys.json"


S = TypeVar("S", bound=BaseSettings)


def load_settings(kind: type[S]) -> S:
    """Settings of this class from the environment. Raises `SettingsError`, naming every wrong variable."""
    try:
        return kind()
    except ValidationError as error:
        prefix = kind.model_config.get("env_prefix", "")
        raise SettingsError("wrong settings: " + "; ".join(_line(e, prefix) for e in error.errors())) from None


def _line(error: ErrorDetails, prefix: str) -> str:
    """One fault: the variable, unless the message names those that contradict each other, and what is wrong."""
    message = error["msg"].removeprefix("Value error, ")
    if not error["loc"]:
        return message
    name = ".".join(str(part) for part in error["loc"])
    return f"{name if name.isupper() else (prefix + name).upper()}: {message}"
