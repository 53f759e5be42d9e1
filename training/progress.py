"""A line now and then instead of a bar: what a training does and how long it takes, readable in a log."""

import time
from typing import Any

from transformers import TrainerCallback

from training.metrics import FIELDS


def duration(seconds: float) -> str:
    """Seconds, minutes or hours and minutes, as one says them."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02} min"


class Forecast:
    """How long the rest of several runs trains, from the rows that were trained on and how long that took."""

    def __init__(self, rows: float) -> None:
        self._left = rows
        self._done = 0.0
        self._seconds = 0.0
        self._since = time.monotonic()

    def start(self) -> None:
        """A run begins: what was done meanwhile, such as asking teachers, does not count."""
        self._since = time.monotonic()

    def add(self, rows: float) -> None:
        """Count rows that were trained on since the last call or the start."""
        now = time.monotonic()
        self._seconds += now - self._since
        self._since = now
        self._done += rows
        self._left -= rows

    def skip(self, rows: float) -> None:
        """Take off rows that an earlier start has trained on."""
        self._left -= rows

    def left(self) -> str:
        """The rest; a question mark before the first rows."""
        if not self._done:
            return "?"
        return duration(max(self._left, 0.0) * self._seconds / self._done)


class Progress(TrainerCallback):
    """Prints a run's progress each time that the Trainer logs, and its scores after each epoch."""

    def __init__(self, run: str, rows: int, forecast: Forecast) -> None:
        """`rows` are those of the training set, of one epoch."""
        self._run, self._rows, self._forecast = run, rows, forecast
        self._step = 0
        self.began = False  # stays so for a run that is finished already

    # The Trainer passes everything by these names.
    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """A run that was broken off goes on at a step."""
        self.began, self._step = True, state.global_step
        self._forecast.start()
        self._forecast.skip(self._trained(args, state, state.global_step))
        if state.global_step:
            print(f"  {self._run}: goes on at step {state.global_step} of {state.max_steps}", flush=True)

    def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """Loss or scores, by what was logged."""
        logs: dict[str, float] = kwargs["logs"]
        scores = {name.removeprefix("eval_"): value for name, value in logs.items() if name.endswith(FIELDS)}
        if scores:
            said = ", ".join(f"{name.replace('_', ' ')} {value:.1f}" for name, value in scores.items())
            print(f"  {self._run}: macro-F1 of {said}", flush=True)
        if "loss" not in logs:
            return
        self._forecast.add(self._trained(args, state, state.global_step - self._step))
        self._step = state.global_step
        print(
            f"  {self._run}: step {state.global_step} of {state.max_steps}, loss {float(logs['loss']):.3f}, "
            f"all runs done in about {self._forecast.left()}",
            flush=True,
        )

    def _trained(self, args: Any, state: Any, steps: int) -> float:
        return float(steps * self._rows * args.num_train_epochs / state.max_steps)
