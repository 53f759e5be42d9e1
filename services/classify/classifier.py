"""Labels for mentions: tokenisation, language, cache, batcher and model behind one call."""

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from services.classify.batcher import Batcher, Observer
from services.classify.cache import PredictionCache
from services.classify.language import identify
from services.classify.model.base import Levels, Model, ModelInput, Prediction, TokenIds
from services.classify.model.batching import MAX_RUN_ROWS, padded_length, rows_of_run
from services.classify.model.labels import INQUIRY_TYPES, SENTIMENTS

# Up to so many texts are read in the event loop: about a millisecond, as a trip to another thread may take.
_READ_INLINE = 4
_WARM_UP_TEXT = "Hola, ¿me pueden ayudar con mi pedido?"


@dataclass(frozen=True, slots=True)
class Labels:
    """Everything classify says about a mention: distributions, confidence, language, and the top labels."""

    prediction: Prediction
    levels: Levels
    language: str
    inquiry_type: str
    sentiment: str
    actionable: bool


class Classifier:
    """A model with its cache and its batcher. Equal inputs get equal labels, whatever they travel with.

    `cache_entries` 0 turns the cache off; an entry takes about a kilobyte.
    """

    def __init__(
        self,
        model: Model,
        *,
        cache_entries: int = 20_000,
        observer: Observer | None = None,
    ) -> None:
        self._model = model
        self._observer = observer or Observer()
        self.cache = PredictionCache(cache_entries)
        self._batcher = Batcher(model, observer=self._observer)

    @property
    def name(self) -> str:
        """The model's name."""
        return self._model.name

    @property
    def version(self) -> str:
        """The model's version."""
        return self._model.version

    @property
    def full(self) -> bool:
        """Whether more waits for the model than it takes in: who can come back later should."""
        return self._batcher.full

    async def start(self) -> None:
        """Start the threads that read and predict, and warm up: the first mention must not wait for lazy loading."""
        # Of its own: reading must not queue behind model runs.
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="reader")
        await self._batcher.start()
        await asyncio.get_running_loop().run_in_executor(self._reader, self._warm_up)

    async def stop(self) -> None:
        """Finish what was accepted, then end the threads. `classify` raises BatcherStopped from now on."""
        await self._batcher.stop()
        self._reader.shutdown()

    async def classify(
        self, inputs: Sequence[ModelInput], language_hints: Sequence[str], *, remember: bool = True
    ) -> list[Labels]:
        """Labels in the order of `inputs`; `language_hints` are the platform's tags, "" where there is none.

        `remember` False: for what are no mentions; the cache is asked, but neither filled nor counted.
        """
        if not inputs:
            return []
        tokens, languages = await self._read(inputs, language_hints)
        known = [self.cache.get(self.version, ids) for ids in tokens]
        missing = [ids for ids, prediction in zip(tokens, known, strict=True) if prediction is None]
        if remember:
            self._observer.cache(len(inputs) - len(missing), len(missing))
        fresh: dict[TokenIds, Prediction] = {}
        if missing:
            fresh = dict(zip(missing, await self._batcher.predict(missing), strict=True))
            for ids, prediction in fresh.items() if remember else ():
                self.cache.put(self.version, ids, prediction)
        return [
            self._labels(prediction or fresh[ids], language)
            for ids, prediction, language in zip(tokens, known, languages, strict=True)
        ]

    def _warm_up(self) -> None:
        usual, longest = self._read_now([ModelInput(_WARM_UP_TEXT), ModelInput(_WARM_UP_TEXT * 40)], ["", ""])[0]
        # Alone, and in a run as full as they become under load. Each as often in a row as there are threads: these have
        # memory each, and take turns.
        for batch in ([usual], [usual] * rows_of_run(padded_length(len(usual)), MAX_RUN_ROWS), [longest]):
            for _ in range(self._model.threads):
                self._model.predict(batch)

    async def _read(
        self, inputs: Sequence[ModelInput], language_hints: Sequence[str]
    ) -> tuple[list[TokenIds], list[str]]:
        if len(inputs) <= _READ_INLINE:
            tokens, languages, seconds = self._read_now(inputs, language_hints)
        else:
            loop = asyncio.get_running_loop()
            tokens, languages, seconds = await loop.run_in_executor(
                self._reader, self._read_now, inputs, language_hints
            )
        self._observer.tokenisation(seconds)
        return tokens, languages

    def _read_now(
        self, inputs: Sequence[ModelInput], language_hints: Sequence[str]
    ) -> tuple[list[TokenIds], list[str], float]:
        started = time.monotonic()
        languages = [identify(given.text, hint) for given, hint in zip(inputs, language_hints, strict=True)]
        return self._model.encode(inputs), languages, time.monotonic() - started

    def _labels(self, prediction: Prediction, language: str) -> Labels:
        types, feelings = prediction.inquiry_type, prediction.sentiment
        return Labels(
            prediction=prediction,
            levels=self._model.levels(prediction),
            language=language,
            inquiry_type=INQUIRY_TYPES[types.index(max(types))],
            sentiment=SENTIMENTS[feelings.index(max(feelings))],
            actionable=prediction.actionable >= 0.5,
        )
