import json
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import AutoModel, AutoTokenizer, BertConfig, BertModel

from services.classify.model.base import ModelError
from training.prune import prune, texts_of

TEXTS = ("el pago no sale", "el pago sale mal mal", "nao sale")
WORDS = ("▁el", "▁pago", "▁no", "▁sale", "▁mal", "▁n", "ao", "▁сбой", "▁ошибка", "▁pagos", "▁elixir")
LETTERS = ("▁", *"abcdefghijklmnopqrstuvwxyz", "😀", "сб"[0], "б", "語")


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A tiny encoder whose Unigram tokenizer has pieces of three scripts, and one row more than there are pieces."""
    folder = tmp_path / "base"
    special = ("<s>", "<pad>", "</s>", "<unk>")
    scored = [(piece, -2.0 - 0.1 * n) for n, piece in enumerate(WORDS)]
    letters = [(piece, -9.0 - 0.01 * n) for n, piece in enumerate(LETTERS)]
    vocabulary = [*((piece, 0.0) for piece in special), *scored, *letters, ("<mask>", 0.0)]
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=3, byte_fallback=False))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.add_special_tokens([*special, "<mask>"])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=len(vocabulary) + 1, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=16, max_position_embeddings=64, pad_token_id=1,
    )  # fmt: skip
    BertModel(config).save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def embedded(folder: Path, text: str) -> tuple[list[str], torch.Tensor]:
    """The pieces of a text and what the encoder makes of it."""
    encoded = Tokenizer.from_file(str(folder / "tokenizer.json")).encode(text)
    with torch.inference_mode():
        network = AutoModel.from_pretrained(folder).eval()
        return encoded.tokens, network(torch.tensor([encoded.ids])).last_hidden_state


def test_texts_of_kept_pieces_are_cut_and_embedded_as_before(base: Path, tmp_path: Path) -> None:
    out = prune(str(base), TEXTS, tmp_path / "cut", pieces=42)
    assert out == str(tmp_path / "cut")
    for text in (*TEXTS, "mal pago, el 😀"):
        pieces, vectors = embedded(Path(out), text)
        whole_pieces, whole_vectors = embedded(base, text)
        assert pieces == whole_pieces
        assert torch.equal(vectors, whole_vectors)


def test_what_is_kept_and_what_is_not(base: Path, tmp_path: Path) -> None:
    tokenizer = Tokenizer.from_file(str(Path(prune(str(base), TEXTS, tmp_path / "cut", 41)) / "tokenizer.json"))
    vocabulary = tokenizer.get_vocab()
    assert {name: vocabulary[name] for name in ("<s>", "<pad>", "</s>", "<unk>")} == {
        "<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3,
    }  # fmt: skip
    assert vocabulary["<mask>"] == len(vocabulary) - 1 == 40
    assert {"▁el", "▁pago", "ao", "😀", "z", "▁pagos"} <= vocabulary.keys(), "used, single, then the likeliest"
    assert vocabulary.keys().isdisjoint({"▁сбой", "б", "語", "▁elixir"})
    assert AutoTokenizer.from_pretrained(tmp_path / "cut").pad_token_id == 1
    assert AutoModel.from_pretrained(tmp_path / "cut").config.vocab_size == 41


def test_when_there_is_no_room_the_frequent_pieces_stay(base: Path, tmp_path: Path) -> None:
    singles = 5 + 28 + 1  # special, letters, and ▁n
    prune(str(base), TEXTS, tmp_path / "cut", singles + 2)
    vocabulary = Tokenizer.from_file(str(tmp_path / "cut" / "tokenizer.json")).get_vocab()
    assert {piece for piece in vocabulary if piece in WORDS} == {"▁n", "▁sale", "▁el"}


def test_a_small_base_is_taken_as_it_is(base: Path, tmp_path: Path) -> None:
    assert prune(str(base), TEXTS, tmp_path / "cut", 50_000) == str(base)
    assert not (tmp_path / "cut").exists()


def test_another_kind_of_tokenizer_is_refused(base: Path, tmp_path: Path) -> None:
    Tokenizer(models.WordLevel({"<unk>": 0, "a": 1}, unk_token="<unk>")).save(str(base / "tokenizer.json"))
    with pytest.raises(ModelError, match=r"WordLevel, not Unigram.*--pieces 0"):
        prune(str(base), TEXTS, tmp_path / "cut", 1)


def test_measuring_splits_do_not_choose_pieces(tmp_path: Path) -> None:
    rows = {"mentions/a": {"text": "uno", "parent_text": "dos"}, "public/b": {"text": "tres", "split": "test"}}
    for name, row in rows.items():
        (tmp_path / name).parent.mkdir()
        (tmp_path / f"{name}.jsonl").write_text(json.dumps(row) + "\n")
    assert list(texts_of(tmp_path)) == ["uno", "dos"]
