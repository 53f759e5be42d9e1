"""What the runtimes share: everything but the arithmetic."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from services.classify.model import decode
from services.classify.model.base import Levels, ModelInput, Prediction, TokenIds
from services.classify.model.batching import runs_of
from services.classify.model.config import ModelConfig

Logits = npt.NDArray[np.float32]

# Ids int64 (rows, length) to the network's outputs fp32 (rows, outputs); any number of threads may call it at once.
Run = Callable[[npt.NDArray[np.int64]], Logits]


class BackendModel:
    """A `Model` made of its two halves, `encode` and `logits`; `threads` calls may go on at once, a core each."""

    def __init__(
        self,
        config: ModelConfig,
        encode: Callable[[Sequence[ModelInput]], list[TokenIds]],
        logits: Callable[[Sequence[TokenIds]], Logits],
        threads: int,
    ) -> None:
        self.config = config
        self.threads = threads
        self._encode = encode
        self._logits = logits

    @property
    def name(self) -> str:
        return self.config.name

    @property
    def version(self) -> str:
        return self.config.version

    def encode(self, inputs: Sequence[ModelInput]) -> list[TokenIds]:
        """Token ids of each input, at most `config.max_tokens` long."""
        return self._encode(inputs)

    def predict(self, batch: Sequence[TokenIds]) -> list[Prediction]:
        """Predictions in the order given."""
        return decode.predictions(self.logits(batch), self.config.calibration)

    def logits(self, batch: Sequence[TokenIds]) -> Logits:
        """Uncalibrated outputs (rows, decode.LOGITS), for calibration and evaluation."""
        return self._logits(batch)

    def levels(self, prediction: Prediction) -> Levels:
        """Confidence per field, by the thresholds of the model's config."""
        return decode.levels(prediction, self.config.calibration)


def in_runs(run: Run, pad_id: int, outputs: int) -> Callable[[Sequence[TokenIds]], Logits]:
    """`run` for a batch of any lengths: padded, and in runs of equal padded length."""

    def logits(batch: Sequence[TokenIds]) -> Logits:
        result = np.empty((len(batch), outputs), np.float32)
        for length, positions in runs_of(batch):
            ids = np.full((len(positions), length), pad_id, np.int64)
            for row, position in enumerate(positions):
                ids[row, : len(batch[position])] = batch[position]
            result[positions] = run(ids)
        return result

    return logits
