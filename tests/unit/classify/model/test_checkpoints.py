"""The torch backend on tiny random checkpoints of several architectures, and on one for natural language inference."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    BertForSequenceClassification,
    BertModel,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    PretrainedConfig,
    PreTrainedModel,
    XLMRobertaConfig,
    XLMRobertaForSequenceClassification,
)

from services.classify.language import identify
from services.classify.model.base import Levels, ModelError, ModelInput
from services.classify.model.labels import NAMES
from services.classify.model.loading import load_model
from services.classify.model.zero_shot import hypotheses
from tests.unit.classify.conftest import WORDS, labelled, tiny_config

OURS = ("<s>", "<pad>", "</s>", "<unk>")
BERTS = ("[PAD]", "[CLS]", "[SEP]", "[UNK]")
MESSAGES = [
    ModelInput("the app fails again"),
    ModelInput("love it", is_reply=True, parent_text="thanks"),
    ModelInput("the " * 200, is_reply=True, parent_text="no"),
    ModelInput(""),
]


def write_tokenizer(folder: Path, special: Sequence[str], words: Sequence[str] = WORDS) -> int:
    """A tokenizer of whole words with the template that its kind has; the size of its vocabulary."""
    vocabulary = {token: number for number, token in enumerate([*special, *dict.fromkeys(words)])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=special[3]))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    if special == OURS:
        single, pair, names = "<s> $A </s>", "<s> $A </s> </s> $B </s>", ("<s>", "</s>")
    else:
        single, pair, names = "[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", ("[CLS]", "[SEP]")
    tokenizer.post_processor = processors.TemplateProcessing(single, pair, [(n, vocabulary[n]) for n in names])
    tokenizer.save(str(folder / "tokenizer.json"))
    return len(vocabulary)


def write(folder: Path, network: type[PreTrainedModel], config: PretrainedConfig) -> PreTrainedModel:
    torch.manual_seed(2)
    made = network(config)
    made.save_pretrained(folder)
    made.train(False)
    return made


def distilbert(vocabulary: int, names: Sequence[str]) -> DistilBertConfig:
    return DistilBertConfig(
        vocab_size=vocabulary, dim=32, n_layers=1, n_heads=2, hidden_dim=32, max_position_embeddings=64,
        initializer_range=0.3, **labelled(names),
    )  # fmt: skip


def xlm_roberta(vocabulary: int, names: Sequence[str]) -> XLMRobertaConfig:
    return XLMRobertaConfig(
        vocab_size=vocabulary, hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=66, pad_token_id=1, initializer_range=0.3, **labelled(names),
    )  # fmt: skip


def bert(vocabulary: int, names: Sequence[str]) -> Any:
    return tiny_config(vocabulary, **labelled(names))


@pytest.mark.parametrize(
    ("special", "network", "config"),
    [
        (OURS, XLMRobertaForSequenceClassification, xlm_roberta),
        (BERTS, BertForSequenceClassification, bert),
        (BERTS, DistilBertForSequenceClassification, distilbert),
    ],
)
def test_any_architecture_is_served_by_its_label_names(
    tmp_path: Path, special: Sequence[str], network: type[PreTrainedModel], config: Any
) -> None:
    names = [name.upper() for name in reversed(NAMES)]
    reference = write(tmp_path, network, config(write_tokenizer(tmp_path, special), names))
    model = load_model(str(tmp_path), "auto", 1)
    tokenizer = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    short = MESSAGES[:2]
    tokens = model.encode(short)
    for given, ids in zip(short, tokens, strict=True):
        parts = (given.text, f"reply: {given.parent_text}") if given.is_reply else (given.text,)
        encoding = tokenizer.encode(*parts)
        assert ids == tuple(encoding.ids)
        typed = {"token_type_ids": torch.tensor([encoding.type_ids])} if config is bert else {}
        expected = reference(input_ids=torch.tensor([encoding.ids]), **typed).logits[0].detach().numpy()[::-1]
        assert model.logits([ids])[0] == pytest.approx(expected, abs=1e-5)
    assert model.logits(tokens) == pytest.approx(np.concatenate([model.logits([ids]) for ids in tokens]), abs=1e-5)


@pytest.mark.parametrize("special", [OURS, BERTS])
def test_long_and_empty_texts_fit(tmp_path: Path, special: Sequence[str]) -> None:
    write(tmp_path, BertForSequenceClassification, bert(write_tokenizer(tmp_path, special), NAMES))
    model = load_model(str(tmp_path), "torch", 1)
    lengths = [len(ids) for ids in model.encode(MESSAGES)]
    assert max(lengths) == lengths[2] == 62
    assert lengths[3] == 2
    assert len(model.predict(model.encode(MESSAGES))) == 4


def test_a_foreign_model_is_known_by_its_weights_and_never_trusted(tmp_path: Path) -> None:
    versions = set()
    for seed_names in (NAMES, NAMES[:-1]):
        folder = tmp_path / f"a model, {len(seed_names)}"
        folder.mkdir()
        write(folder, BertForSequenceClassification, bert(write_tokenizer(folder, OURS), seed_names))
        model = load_model(str(folder), "auto", 1)
        versions.add(model.version)
        assert model.name == f"a-model-{len(seed_names)}"
        (prediction,) = model.predict(model.encode(MESSAGES[:1]))
        assert model.levels(prediction) == Levels("abstain", "abstain", "abstain")
    assert len(versions) == 2
    # Without an output for it, whether it is actionable stays undecided.
    assert prediction.actionable == 0.5


@pytest.mark.parametrize("order", [("entailment", "neutral", "contradiction"), ("not_entailment", "Entailment")])
def test_a_model_for_inference_labels_without_training(tmp_path: Path, order: Sequence[str]) -> None:
    words = [*WORDS, "la", "app", "no", *" ".join(s for own in hypotheses().values() for s in own.values()).split()]
    reference = write(tmp_path, BertForSequenceClassification, bert(write_tokenizer(tmp_path, BERTS, words), order))
    model = load_model(str(tmp_path), "auto", 1)
    tokenizer = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    texts = [
        "la app no funciona hoy y nadie responde",
        "the app fails again and nobody answers",
        "obrigado, adorei o app",
    ]
    logits = model.logits(model.encode([ModelInput(text) for text in texts]))
    entailed = [name.lower() for name in order].index("entailment")
    against = [name.lower() for name in order].index("contradiction" if "neutral" in order else "not_entailment")
    for text, language, row in zip(texts, ("es", "en", "pt"), logits, strict=True):
        assert identify(text) == language
        for name, logit in zip(NAMES, row, strict=True):
            encoding = tokenizer.encode(text, hypotheses()[language][name])
            said = (
                reference(input_ids=torch.tensor([encoding.ids]), token_type_ids=torch.tensor([encoding.type_ids]))
                .logits[0]
                .detach()
            )
            expected = said[entailed] - said[against] if name == "actionable/yes" else said[entailed]
            assert logit == pytest.approx(float(expected), abs=1e-5)
    (prediction, *_) = model.predict(model.encode([ModelInput(texts[0])]))
    assert model.levels(prediction) == Levels("abstain", "abstain", "abstain")


def test_a_long_text_leaves_room_for_the_sentences(tmp_path: Path) -> None:
    vocabulary = write_tokenizer(tmp_path, BERTS)
    write(tmp_path, BertForSequenceClassification, bert(vocabulary, ("entailment", "neutral", "contradiction")))
    model = load_model(str(tmp_path), "auto", 1)
    assert len(model.predict(model.encode(MESSAGES))) == 4


def test_every_language_has_a_sentence_for_every_label() -> None:
    assert set(hypotheses()) == {"es", "pt", "en"}
    for sentences in hypotheses().values():
        assert set(sentences) == set(NAMES)
        assert len(set(sentences.values())) == len(NAMES)


def refusal(folder: Path) -> str:
    with pytest.raises(ModelError) as caught:
        load_model(str(folder), "torch", 1)
    return str(caught.value)


def test_other_labels_are_refused(tmp_path: Path) -> None:
    write(tmp_path, BertForSequenceClassification, bert(write_tokenizer(tmp_path, OURS), ("good", "bad")))
    assert "has the labels bad, good, but none for inquiry_type/complaint" in refusal(tmp_path)


def test_an_encoder_that_was_not_trained_to_classify_is_refused(tmp_path: Path) -> None:
    write(tmp_path, BertModel, bert(write_tokenizer(tmp_path, OURS), NAMES))
    assert "no weights for" in refusal(tmp_path)


def test_a_checkpoint_without_weights_is_refused(tmp_path: Path) -> None:
    write(tmp_path, BertForSequenceClassification, bert(write_tokenizer(tmp_path, OURS), NAMES))
    (tmp_path / "model.safetensors").unlink()
    assert "weights" in refusal(tmp_path)


def test_a_tokenizer_without_a_template_is_refused(tmp_path: Path) -> None:
    write(tmp_path, BertForSequenceClassification, bert(write_tokenizer(tmp_path, BERTS), NAMES))
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"post_processor": None}))
    assert "adds no special tokens" in refusal(tmp_path)


def test_a_checkpoint_without_a_tokenizer_is_refused(tmp_path: Path) -> None:
    write(tmp_path, BertForSequenceClassification, bert(write_tokenizer(tmp_path, OURS), NAMES))
    (tmp_path / "tokenizer.json").unlink()
    assert "no tokenizer" in refusal(tmp_path)
