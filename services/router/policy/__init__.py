"""The policy: who handles a mention and how fast, as a file that people edit and pure functions that apply it."""

from pathlib import Path
from typing import Final

DEFAULT_POLICY: Final = Path(__file__).with_name("default.yaml")
