"""What both runtimes promise, on a tiny random model; and the shipped model on real sentences."""

import json
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from services.classify.model import openvino, torch
from services.classify.model.base import Model, ModelInput, TokenIds
from services.classify.model.labels import INQUIRY_TYPES, SENTIMENTS

SAMPLE = Path(__file__).parents[4] / "bench/data/mentions.jsonl"


def random_ids(rng: random.Random, rows: int, longest: int, vocabulary: int) -> list[TokenIds]:
    return [(0, *(rng.randrange(4, vocabulary) for _ in range(rng.randrange(longest - 1))), 2) for _ in range(rows)]


def test_the_exported_model_is_near_its_checkpoint(checkpoint: Path, exported: Path) -> None:
    batch = random_ids(random.Random(1), 200, 16, 17)
    served, original = openvino.load(exported, 1), torch.load(str(checkpoint), 1)
    logits, reference = served.logits(batch), original.logits(batch)
    assert np.abs(logits - reference).mean() < 0.05 * np.abs(reference).mean()  # 8 bits
    assert served.name == original.name == "tiny"
    assert served.version != original.version


def test_both_files_of_an_exported_folder_agree(exported: Path) -> None:
    batch = random_ids(random.Random(2), 200, 16, 17)
    served, beside = openvino.load(exported, 1), torch.load(str(exported), 1)
    logits, reference = served.logits(batch), beside.logits(batch)
    assert np.abs(logits - reference).mean() < 0.04 * np.abs(reference).mean()
    assert served.version == beside.version


def test_without_byte_products_the_answers_are_the_same(exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = random_ids(random.Random(3), 200, 16, 17)
    usual = openvino.load(exported, 1)
    monkeypatch.setattr(openvino, "_BYTE_PRODUCTS", frozenset())
    slow = openvino.load(exported, 1)
    assert np.abs(usual.logits(batch) - slow.logits(batch)).mean() < 0.01 * np.abs(usual.logits(batch)).mean()


def test_a_text_longer_than_the_model_reads_is_cut(exported: Path) -> None:
    model = openvino.load(exported, 1)
    (ids,) = model.encode([ModelInput("the app fails " * 50)])
    assert len(ids) == 16
    assert len(model.predict([ids])) == 1


def test_no_input_no_prediction(exported: Path) -> None:
    model = openvino.load(exported, 1)
    assert model.encode([]) == []
    assert model.predict([]) == []


@pytest.fixture(scope="module")
def texts(shipped: Model) -> list[TokenIds]:
    """Real lengths: 64 written mentions, replies with their parents among them."""
    rows = [json.loads(line) for line in SAMPLE.read_text(encoding="utf-8").splitlines()[:64]]
    return shipped.encode(
        [ModelInput(row["text"], "in_reply_to" in row, row.get("in_reply_to", {}).get("text", "")) for row in rows]
    )


def test_predictions_do_not_depend_on_the_batch(shipped: Model, texts: list[TokenIds]) -> None:
    one_by_one = [shipped.predict([ids])[0] for ids in texts]
    assert shipped.predict(texts) == one_by_one
    order = list(range(len(texts)))
    random.Random(3).shuffle(order)
    for size in (2, 5, 32):
        mixed = [p for at in range(0, 64, size) for p in shipped.predict([texts[i] for i in order[at : at + size]])]
        assert mixed == [one_by_one[i] for i in order]


def test_predictions_do_not_depend_on_parallel_runs(shipped: Model, texts: list[TokenIds]) -> None:
    batches = [texts[at : at + 8] for at in range(0, len(texts), 8)]
    with ThreadPoolExecutor(4) as pool:
        parallel = [prediction for batch in pool.map(shipped.predict, batches) for prediction in batch]
    assert parallel == shipped.predict(texts)


@pytest.mark.parametrize(
    ("given", "inquiry_type", "sentiment"),
    [
        (ModelInput("@TelcoSur llevo tres semanas sin internet y nadie responde, son unos ladrones"), 0, 0),
        (ModelInput("@bancolua vocês cobraram duas vezes a minha fatura, que falta de respeito!!!"), 0, 0),
        (ModelInput("Worst airline ever, they lost my bag again and the staff laughed at me. Shame on you"), 0, 0),
        (ModelInput("@CafeNube gracias por la atención de hoy, un encanto de gente 😍"), 1, 2),
        (ModelInput("amei o atendimento da loja, parabéns pela equipe ❤️"), 1, 2),
        (ModelInput("Would be great if you added a dark mode to the app, please consider it"), 2, 1),
        (ModelInput("Deberían agregar la opción de pagar con QR en la app"), 2, 1),
        (ModelInput("hola, ¿cómo hago para cambiar mi clave desde la app?"), 3, 1),
        (ModelInput("o app não abre depois da atualização, aparece erro 403, como resolvo?"), 3, 1),
        (ModelInput("Sent you the order number by DM", True, "Could you DM us your order number?"), 4, 1),
        (ModelInput("ya lo reinicié y sigue igual", True, "Hola, ¿podrías reiniciar el módem?"), 4, None),
    ],
)
def test_the_shipped_model_on_plain_cases(
    shipped: Model, given: ModelInput, inquiry_type: int, sentiment: int | None
) -> None:
    (prediction,) = shipped.predict(shipped.encode([given]))
    assert INQUIRY_TYPES[np.argmax(prediction.inquiry_type)] == INQUIRY_TYPES[inquiry_type]
    if sentiment is not None:
        assert SENTIMENTS[np.argmax(prediction.sentiment)] == SENTIMENTS[sentiment]
    assert shipped.levels(prediction)
