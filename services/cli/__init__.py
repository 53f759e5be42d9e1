"""The command line: `mention-triage`."""

from services.cli.app import main

__all__ = ["main"]
