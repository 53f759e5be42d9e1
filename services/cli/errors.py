"""Errors that a person at the command line can do something about: one red line and an exit code, never a traceback."""
# ruff: noqa: PLC0415 - imports in the functions keep `--help` quick and free of extras

import errno
import sys
from typing import Any, Final

import typer
from typer.core import TyperGroup

from services.common.errors import TriageError

_EXTRA_OF: Final = {
    "httpx": "client",
    "matplotlib": "plot",
    "datasketches": "router",
    "numpy": "router",
    "yaml": "router",
    "cachetools": "classify",
    "openvino": "classify",
    "py3langid": "classify",
    "tokenizers": "classify",
    "phonenumbers": "classify",
    "stdnum": "classify",
    "torch": "torch",
    "transformers": "torch",
    "safetensors": "torch",
}


class CliError(TriageError):
    """A command cannot go on; the message says what to do."""


class Commands(TyperGroup):
    """The command group that turns expected errors into a message and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            message = explain(error)
            if message is None:
                raise
            print_error(message)
            raise typer.Exit(1) from error


def explain(error: Exception) -> str | None:
    """What to tell the person; None for an error that nobody expected (or that typer handles itself)."""
    if isinstance(error, TriageError):
        return str(error)
    if isinstance(error, ModuleNotFoundError):
        return _missing(error)
    if isinstance(error, OSError) and error.errno != errno.EPIPE:
        reason = error.strerror or str(error) or type(error).__name__
        return f"{error.filename}: {reason}" if error.filename else reason
    httpx = sys.modules.get("httpx")  # an error of a module that was never imported cannot come
    if httpx is not None and isinstance(error, httpx.TransportError):
        return f"no answer from {error.request.url.copy_with(path='/', query=None)}: {error or type(error).__name__}"
    return None


def print_error(message: str) -> None:
    """Print on standard error, in red on a terminal."""
    from rich.text import Text

    from services.cli.terminal import stderr

    stderr().print(Text(f"error: {message}", style="red"), soft_wrap=True)


def _missing(error: ModuleNotFoundError) -> str | None:
    module = (error.name or "").partition(".")[0]
    extra = _EXTRA_OF.get(module)
    if extra is None:
        return None
    return f"this command needs {module}, which is not installed: pip install 'mention-triage[{extra}]'"
