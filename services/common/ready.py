"""`ready.json`: what `up` says about itself once it is ready."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

FILE_NAME: Final = "ready.json"


@dataclass(frozen=True, slots=True)
class Ready:
    """Where the services listen, and a key of the tenant `demo`."""

    ingest: str
    classify: str
    router: str
    api_key: str

    def dumps(self) -> str:
        """The file's content."""
        return json.dumps(asdict(self), indent=1) + "\n"


def read_ready(path: Path) -> Ready:
    """What a file says. Raises `FileNotFoundError`, or `ValueError` for one that `up` did not write."""
    content = json.loads(path.read_bytes())
    try:
        return Ready(**{name: str(content[name]) for name in Ready.__slots__})
    except (KeyError, TypeError) as error:
        raise ValueError("not what `up` writes") from error
