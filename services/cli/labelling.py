"""Labels a JSONL file with the model, chunk by chunk: bounded memory, the file's order."""

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final

import orjson
from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from mention_triage.v1.classification_pb2 import Classification, ModelInfo
from services.classify.classifier import Classifier
from services.classify.model.loading import load_model
from services.classify.proto import model_info, to_classification, to_model_input
from services.classify.settings import ClassifySettings
from services.classify.trying import TriedMention
from services.cli.errors import print_error
from services.cli.terminal import SENTIMENT_STYLES, cut, one_line, stderr, stdout
from services.common.contracts.views import CONFIDENCE_LEVELS, INQUIRY_TYPES, SENTIMENTS, classification_view
from services.common.settings import load_settings

_CHUNK: Final = 256  # lines read before the model is asked: enough for full batches


class _Line(TriedMention):
    """A line: what `POST /v1/classify` takes, with anything as its id."""

    id: Any = None


@dataclass(slots=True)
class _Chunk:
    """Some lines: (0-based index among the lines that are not blank, line) and (line number, error) of the bad ones."""

    size: int = 0
    lines: list[tuple[int, _Line]] = field(default_factory=list)
    bad: list[tuple[int, str]] = field(default_factory=list)


_Show = Callable[[int, _Line, Classification], None]


def label_file(file: str, as_json: bool | None) -> int:
    """Print the labels of every line; `as_json` None: unless it is for a terminal. Returns 1 if a line was bad, else 0.

    Raises `OSError`, `SettingsError`, `ModelError`.
    """
    settings = load_settings(ClassifySettings)
    out, err = stdout(), stderr()
    with ExitStack() as stack:
        stream = sys.stdin.buffer if file == "-" else stack.enter_context(Path(file).open("rb"))
        total = None if file == "-" else Path(file).stat().st_size
        model = load_model(settings.model, settings.backend, settings.threads)
        show = _json(out) if as_json or (as_json is None and not out.is_terminal) else _readable(out)
        bar = stack.enter_context(_bar(out if out.is_terminal else err))
        classifier = Classifier(model, cache_entries=settings.cache_entries)
        good, bad = asyncio.run(_label(stream, total, classifier, model_info(model), show, bar))
    if bad:
        err.print(Text(f"{bad:,} lines could not be read; {good:,} were labelled", style="red"), soft_wrap=True)
    return 1 if bad else 0


async def _label(
    stream: BinaryIO, total: int | None, classifier: Classifier, model: ModelInfo, show: _Show, bar: Progress
) -> tuple[int, int]:
    """Label the stream. Returns how many lines were labelled and how many could not be read."""
    task = bar.add_task("", total=total, counts="")
    good = bad = 0
    await classifier.start()
    try:
        for chunk in _chunks(stream):
            for number, error in chunk.bad:
                print_error(f"line {number}: {error}")
            mentions = [line.mention() for _, line in chunk.lines]
            labels = await classifier.classify(
                [to_model_input(mention) for mention in mentions], [mention.language for mention in mentions]
            )
            for (index, line), mention, label in zip(chunk.lines, mentions, labels, strict=True):
                show(index, line, to_classification(label, model, mention))
            good, bad = good + len(chunk.lines), bad + len(chunk.bad)
            bar.update(task, advance=chunk.size, counts=f"{good:,} labelled, {bad:,} not readable")
    finally:
        await classifier.stop()
    return good, bad


def _chunks(stream: BinaryIO) -> Iterator[_Chunk]:
    index, chunk = 0, _Chunk()
    for number, content in enumerate(stream, 1):
        chunk.size += len(content)
        if content.strip():
            try:
                chunk.lines.append((index, _Line.model_validate_json(content)))
            except ValidationError as error:
                chunk.bad.append((number, _reason(error)))
            index += 1
        if len(chunk.lines) + len(chunk.bad) == _CHUNK:
            yield chunk
            chunk = _Chunk()
    yield chunk


def _reason(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg']}" if where else first["msg"]


def _bar(console: Console) -> Progress:
    return Progress(
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[counts]}"),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
        redirect_stdout=False,  # what goes to standard output must stay there
    )


def _json(out: Console) -> _Show:
    def show(index: int, line: _Line, classification: Classification) -> None:
        view = {"index": index, "id": line.id, "classification": classification_view(classification)}
        text = orjson.dumps(view).decode()
        if out.is_terminal:
            out.print(Text(text), soft_wrap=True)  # above the bar
        else:
            out.file.write(text + "\n")

    return show


def _readable(out: Console) -> _Show:
    """Columns: id, inquiry type with its probability and confidence, sentiment likewise, actionable, language, text."""

    def show(index: int, line: _Line, said: Classification) -> None:
        inquiry_type = INQUIRY_TYPES[said.inquiry_type.label]
        sentiment = SENTIMENTS[said.sentiment.label]
        level = CONFIDENCE_LEVELS[said.confidence.inquiry_type]
        text = Text(no_wrap=True)
        name = cut(Text(one_line(str(index if line.id is None else line.id)), style="dim"), 20)
        name.pad_right(20 - name.cell_len)
        text.append(name).append("  ")
        text.append(f"{inquiry_type:<14} {max(said.inquiry_type.probabilities):4.0%} ")
        text.append(f"{level:<7}  ", style="dim")
        text.append(f"{sentiment:<8} {max(said.sentiment.probabilities):4.0%}  ", style=SENTIMENT_STYLES[sentiment])
        text.append(f"{'to act on' if said.actionable else '–':<9}  ")
        text.append(f"{said.language:<3}  ", style="cyan")
        text.append(one_line(line.text))
        out.print(cut(text, out.width if out.is_terminal else None), soft_wrap=True)

    return show
