"""Fine-tunes a base encoder with transformers' Trainer: one run per seed, resumed where it was broken off."""

import math
import random
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from sklearn.metrics import f1_score
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.utils.data import Dataset
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    EvalPrediction,
    PreTrainedModel,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    get_linear_schedule_with_warmup,
    set_seed,
)
from transformers.utils.hub import cached_file

from services.classify.model.base import TokenIds
from services.classify.model.folder import read_tokenizer
from services.classify.model.input import special_token
from services.classify.model.labels import NAMES
from services.classify.model.template import encode
from training.augment import alter
from training.data import Example, ibm, mentions, real_validation, tweeteval, umsab
from training.recipe import Recipe, Stage
from training.targets import PARTS, Floats, blended, hard_targets, loss_of, probabilities


class Rows(Dataset[dict[str, Any]]):
    """Token ids and targets; written mentions are altered anew each time they are taken."""

    def __init__(
        self,
        examples: Sequence[Example],
        targets: Floats,
        tokenizer: Tokenizer,
        max_tokens: int,
        altered: float = 0.0,
        seed: int = 0,
    ) -> None:
        self.examples, self.targets = examples, targets
        self._tokenizer, self._max_tokens, self._altered = tokenizer, max_tokens, altered
        self._rng = random.Random(seed)

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, row: int) -> dict[str, Any]:
        example = self.examples[row]
        if self._altered and written(example) and self._rng.random() < self._altered:
            example = alter(example, self._rng)
        return {
            "input_ids": encode(self._tokenizer, [example.given], self._max_tokens)[0],
            "labels": self.targets[row],
        }


def written(example: Example) -> bool:
    """Whether the text was written for this project; real posts are rough enough."""
    return not example.source.startswith(("umsab", "tweeteval", "ibm", "real"))


class TriageTrainer(Trainer):
    """Trainer with this project's loss and with a rate per layer."""

    def __init__(self, recipe: Recipe, stage: Stage, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._recipe, self._stage = recipe, stage

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Tensor | Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,  # noqa: ARG002  # the base class's signature
    ) -> Any:
        """The loss of `training.targets`."""
        targets = inputs["labels"]
        outputs = model(input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"])
        loss = loss_of(outputs.logits.float(), targets)
        return (loss, outputs) if return_outputs else loss

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:  # noqa: ARG002  # the base class's signature
        """AdamW; layers further from the heads move less (Howard and Ruder 2018)."""
        if self.optimizer is None:
            groups = parameter_groups(self.model, self._recipe, self._stage.rate)
            self.optimizer = torch.optim.AdamW(groups, weight_decay=self._recipe.weight_decay, fused=True)
        return self.optimizer


def parameter_groups(model: Any, recipe: Recipe, rate: float) -> list[dict[str, Any]]:
    """The parameters by rate: the encoder's layers counted from its last, the embeddings below them, the rest above."""
    layers = model.config.num_hidden_layers
    groups: dict[float, list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        parts = name.split(".")
        if "embeddings" in parts:
            own = rate * recipe.layer_decay**layers
        elif "layer" in parts:
            own = rate * recipe.layer_decay ** (layers - 1 - int(parts[parts.index("layer") + 1]))
        else:
            own = rate * recipe.head_rate
        groups.setdefault(own, []).append(parameter)
    return [{"params": parameters, "lr": own} for own, parameters in groups.items()]


def padded(texts: Sequence[TokenIds], pad_id: int) -> tuple[Tensor, Tensor]:
    """Ids and mask, both (texts, longest)."""
    ids = torch.full((len(texts), max(map(len, texts))), pad_id, dtype=torch.long)
    for row, text in enumerate(texts):
        ids[row, : len(text)] = torch.tensor(text)
    return ids, torch.ne(ids, pad_id).long()


def collate(rows: Sequence[dict[str, Any]], pad_id: int) -> dict[str, Tensor]:
    """Ids and mask (rows, longest), targets (rows, WIDTH)."""
    ids, mask = padded([row["input_ids"] for row in rows], pad_id)
    return {"input_ids": ids, "attention_mask": mask, "labels": torch.from_numpy(np.stack([r["labels"] for r in rows]))}


def network_of(base: str, recipe: Recipe, seed: int) -> PreTrainedModel:
    """The base with nine labels: its own head when an earlier stage left one, else a fresh one."""
    set_seed(seed)
    config = AutoConfig.from_pretrained(
        base,
        id2label=dict(enumerate(NAMES)),
        label2id={name: number for number, name in enumerate(NAMES)},
        problem_type="multi_label_classification",
        classifier_dropout=recipe.dropout,
        # Few epochs over altered texts leave little to regularise, and random masks cost a fifth of a CPU's time.
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    return AutoModelForSequenceClassification.from_pretrained(  # type: ignore[no-any-return]
        base, config=config, dtype=torch.float32, attn_implementation="eager"
    )


def training_set(data: Path, stage: Stage) -> list[Example]:
    """What a stage is trained on. Never the real validation posts, never UMSAB's val or test."""
    examples = [*mentions(data), *ibm(data), *umsab(data, "train"), *tweeteval(data, stage.tweeteval_rows)]
    return [
        example
        for example in examples
        if example.source not in stage.leave_out
        for _ in range(stage.repeat.get(example.source, 1))
    ]


def train(
    base: str,
    data: Path,
    out: Path,
    recipe: Recipe,
    stage: Stage,
    seed: int,
    threads: int,
    *,
    callbacks: Sequence[TrainerCallback] = (),
    said: Floats | None = None,
) -> Path:
    """One run of a stage; its checkpoint. Returns at once when it is finished, goes on when it was broken off.

    `said` is what teachers say of the stage's rows (rows, WIDTH), learnt beside the labels (`Stage.taught`). With
    callbacks, which tell of the progress in their way, the Trainer shows no bar and prints nothing itself.
    """
    done = out / "done"
    if (done / "tokenizer.json").is_file():
        return done
    torch.set_num_threads(threads)
    network = network_of(base, recipe, seed)
    tokenizer = read_tokenizer(Path(str(cached_file(base, "tokenizer.json"))))
    pad_id = special_token(tokenizer, "<pad>")
    examples = training_set(data, stage)
    targets = hard_targets(examples, recipe.label_smoothing)
    if said is not None:
        targets = blended(targets, said, stage.taught)
    rows = Rows(examples, targets, tokenizer, recipe.max_tokens, recipe.altered, seed)
    watched = {
        name: Rows(held_out, hard_targets(held_out, 0.0), tokenizer, recipe.max_tokens)
        for name, held_out in (("real", real_validation(data)), ("umsab", umsab(data, "val")))
        if held_out
    }
    arguments = TrainingArguments(
        output_dir=str(out),
        num_train_epochs=stage.epochs,
        per_device_train_batch_size=recipe.batch,
        per_device_eval_batch_size=64,
        train_sampling_strategy="group_by_length",
        use_cpu=True,
        bf16=True,
        seed=seed,
        max_grad_norm=1.0,
        eval_strategy="epoch",
        save_strategy="steps",
        save_steps=200,
        save_total_limit=1,
        logging_steps=50,
        remove_unused_columns=False,
        report_to="none",
        disable_tqdm=bool(callbacks),
    )
    trainer = TriageTrainer(
        recipe,
        stage,
        model=network,
        args=arguments,
        train_dataset=rows,
        eval_dataset=watched,
        data_collator=partial(collate, pad_id=pad_id),
        compute_metrics=_scores,
        callbacks=list(callbacks),
    )
    if callbacks:
        trainer.remove_callback(PrinterCallback)
    steps = math.ceil(stage.epochs * math.ceil(len(rows) / recipe.batch))
    trainer.lr_scheduler = get_linear_schedule_with_warmup(  # type: ignore[no-untyped-call]
        trainer.create_optimizer(), int(recipe.warm_up * steps), steps
    )
    trainer.train(resume_from_checkpoint=_broken_off_at(out))
    network.save_pretrained(done)
    tokenizer.save(str(done / "tokenizer.json"), pretty=False)
    return done


def _broken_off_at(out: Path) -> str | None:
    """The last checkpoint that was written whole: the Trainer writes its state after all else."""
    whole = [path.parent for path in out.glob("checkpoint-*/trainer_state.json")]
    return str(max(whole, key=lambda path: int(path.name.split("-")[1]))) if whole else None


def _scores(prediction: EvalPrediction) -> dict[str, float]:
    """Macro-F1 (percent) of each field that has labels, uncalibrated: to watch a training by."""
    logits, targets = np.asarray(prediction.predictions), np.asarray(prediction.label_ids)
    said, wanted = probabilities(logits), targets
    scores = {}
    for field, part in PARTS.items():
        known = ~np.isnan(wanted[:, part.start])
        if known.any():
            pairs = [_top(values[known, part]) for values in (wanted, said)]
            scores[field] = round(100 * float(f1_score(*pairs, average="macro")), 2)
    return scores


def _top(distribution: Floats) -> npt.NDArray[np.int64]:
    """The most probable class of each row; of a single column, whether it is probable."""
    return (distribution[:, 0] >= 0.5).astype(int) if distribution.shape[1] == 1 else distribution.argmax(1)
