"""What the runtimes share: everything but the arithmetic."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from services.classify.model import decode
from services.classify.model.base import Levels, ModelInput, Prediction, TokenIds
from services.classify.model.batching import by_padded_length
from services.classify.model.config import ModelConfig
from services.classify.model.input import encode, special_token

# Ids int64 (rows, length) to logits fp32 (rows, decode.LOGITS).
Run = Callable[[npt.NDArray[np.int64]], npt.NDArray[np.float32]]


class BackendModel:
    """A `Model` around a runtime's `run`, which may be called by `threads` threads at once, a core each."""

    def __init__(self, config: ModelConfig, tokenizer: Tokenizer, run: Run, threads: int) -> None:
        self.config = config
        self.threads = threads
        self._tokenizer = tokenizer
        self._pad_id = special_token(tokenizer, "<pad>")
        self._run = run

    @property
    def name(self) -> str:
        return self.config.name

    @property
    def version(self) -> str:
        return self.config.version

    def encode(self, inputs: Sequence[ModelInput]) -> list[TokenIds]:
        """Token ids of each input, at most `config.max_tokens` long."""
        return encode(self._tokenizer, inputs, self.config.max_tokens)

    def predict(self, batch: Sequence[TokenIds]) -> list[Prediction]:
        """Predictions in the order given: one run per padded length."""
        return decode.predictions(self.logits(batch), self.config.calibration)

    def logits(self, batch: Sequence[TokenIds]) -> npt.NDArray[np.float32]:
        """Uncalibrated outputs (rows, decode.LOGITS), for calibration and evaluation."""
        result = np.empty((len(batch), decode.LOGITS), np.float32)
        for length, positions in by_padded_length(batch).items():
            ids = np.full((len(positions), length), self._pad_id, np.int64)
            for row, position in enumerate(positions):
                ids[row, : len(batch[position])] = batch[position]
            result[positions] = self._run(ids)
        return result

    def levels(self, prediction: Prediction) -> Levels:
        """Confidence per field, by the thresholds of the model's config."""
        return decode.levels(prediction, self.config.calibration)
