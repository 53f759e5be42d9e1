import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.classify.batcher import Observer
from services.classify.classifier import Classifier
from services.classify.model.base import Levels, Model, ModelInput
from tests.unit.classify.conftest import ScriptedModel


@asynccontextmanager
async def running(classifier: Classifier) -> AsyncIterator[Classifier]:
    await classifier.start()
    try:
        yield classifier
    finally:
        await classifier.stop()


async def test_labels_are_the_top_ones_with_language_and_levels(scripted: ScriptedModel) -> None:
    async with running(Classifier(scripted)) as classifier:
        (labels,) = await classifier.classify([ModelInput("where is my parcel, please?")], [""])
        assert (classifier.name, classifier.version) == ("scripted", "1")
    assert (labels.inquiry_type, labels.sentiment, labels.language) == ("complaint", "neutral", "en")
    assert labels.actionable == (labels.prediction.actionable >= 0.5)
    assert labels.levels == Levels("high", "medium", "low")


async def test_the_warm_up_gives_every_run_to_every_thread(scripted: ScriptedModel) -> None:
    """They take turns."""
    scripted.threads = 3
    async with running(Classifier(scripted)):
        kinds = {(len(batch), len(batch[0])) for batch in scripted.batches}
        turns = [scripted.batches[thread::3] for thread in range(3)]
    assert len(kinds) == 3
    assert all({(len(batch), len(batch[0])) for batch in own} == kinds for own in turns)


async def test_order_is_kept_and_copies_are_answered_by_the_cache(scripted: ScriptedModel) -> None:
    seen: list[tuple[int, int]] = []
    texts = [f"text number {n % 7}" for n in range(30)]
    async with running(Classifier(scripted, observer=Observer(cache=lambda *found: seen.append(found)))) as classifier:
        scripted.batches.clear()  # of the warm-up
        inputs = [ModelInput(text) for text in texts]
        first = await classifier.classify(inputs, [""] * 30)
        again = await classifier.classify(inputs, [""] * 30)
    assert [labels.prediction for labels in first] == [scripted.answer(ids) for ids in scripted.encode(inputs)]
    assert again == first
    assert sum(len(batch) for batch in scripted.batches) == 7
    assert seen == [(0, 30), (30, 0)]


async def test_without_a_cache_every_call_asks_the_model(scripted: ScriptedModel) -> None:
    async with running(Classifier(scripted, cache_entries=0)) as classifier:
        scripted.batches.clear()  # of the warm-up
        for _ in range(3):
            await classifier.classify([ModelInput("same")], ["en"])
    assert len(scripted.batches) == 3


async def test_many_callers_at_once_get_what_one_would(shipped: Model) -> None:
    texts = ["no funciona la app", "obrigado, adorei!", "refund me now!!", "cadê meu pedido?", "nice", ""]
    async with running(Classifier(shipped, cache_entries=0)) as classifier:
        alone = [(await classifier.classify([ModelInput(text)], [""]))[0] for text in texts]
        calls = [classifier.classify([ModelInput(t) for t in texts[n:]], [""] * (6 - n)) for n in range(6)]
        for n, labels in enumerate(await asyncio.gather(*calls)):
            assert labels == alone[n:]


async def test_nothing_to_classify(scripted: ScriptedModel) -> None:
    async with running(Classifier(scripted)) as classifier:
        assert await classifier.classify([], []) == []
