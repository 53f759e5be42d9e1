"""How far a file was sent: a small file beside it, written after each acknowledged batch."""

import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from services.cli.errors import CliError
from services.cli.send.lines import Batch, Fingerprint, Unbuffered
from services.common.files import replace_file

_CHUNK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Progress:
    """What was acknowledged: `offset` bytes or `line` lines of the file, whose SHA-256 is `sha256`; sent to `url`."""

    url: str
    offset: int = 0
    line: int = 0
    accepted: int = 0
    rejected: int = 0
    sha256: str = ""


class StateFile:
    """The progress of one file to one address, kept across runs."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def resume(self, url: str, data: Unbuffered) -> tuple[Progress, Fingerprint]:
        """Where to go on, with `data` moved there: the beginning, if nothing was sent yet.

        Raises `CliError` if the state is for another address, or the file no longer begins with what was sent.
        """
        fingerprint = Fingerprint()
        progress = self._read()
        if progress is None:
            return Progress(url), fingerprint
        if progress.url != url:
            raise CliError(f"{self.path} is how far this file was sent to {progress.url}: {self._way_out}")
        left = progress.offset
        while left and (chunk := data.read(min(left, _CHUNK))):
            fingerprint.update(chunk)
            left -= len(chunk)
        if left or fingerprint.hex() != progress.sha256:
            raise CliError(f"the file has changed within the {progress.line:,} lines that were sent: {self._way_out}")
        return progress, fingerprint

    def write(self, progress: Progress) -> None:
        """Replace the state: whole or not at all."""
        replace_file(self.path, json.dumps(asdict(progress)))

    @property
    def _way_out(self) -> str:
        return "use --restart to send it from its beginning (mentions that were seen are dropped), or another --state"

    def _read(self) -> Progress | None:
        try:
            return Progress(**json.loads(self.path.read_bytes()))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError):
            raise CliError(f"{self.path} is no state of `send`: {self._way_out}") from None


def advance(progress: Progress, batch: Batch, accepted: int, fingerprint: Fingerprint) -> Progress:
    """The progress once the batch is acknowledged."""
    fingerprint.update(batch.raw)
    return replace(
        progress,
        offset=progress.offset + len(batch.raw),
        line=batch.last_line,
        accepted=progress.accepted + accepted,
        rejected=progress.rejected + len(batch.events) - accepted,
        sha256=fingerprint.hex(),
    )


def default_state_path(file: Path, data_dir: Path) -> Path:
    """`FILE.sent` beside the file, or in the data folder where that place cannot be written."""
    beside = file.with_name(file.name + ".sent")
    if os.access(file.absolute().parent, os.W_OK):
        return beside
    fallback = data_dir / "sent"
    fallback.mkdir(parents=True, exist_ok=True)
    return fallback / ("_".join(file.absolute().parts[1:]) + ".sent")
