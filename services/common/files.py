"""Files of ours that other processes read, and that hold what is nobody else's business."""

import os
from pathlib import Path


def replace_file(path: Path, content: str) -> None:
    """Write a file that only its owner may read: whole or not at all, and durably. Raises `OSError`."""
    new = path.with_name(path.name + ".new")
    try:
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        new.rename(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the rename itself
    finally:
        os.close(folder)
