"""The torch backend, and the network itself: a BERT encoder with three heads (also used by training).

Unlike the ONNX backend it does not promise bit-identical results whatever the batch: the last bits may differ, hence
rarely a probability's fourth decimal.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import BertConfig, BertModel, BertPreTrainedModel
from transformers.utils.hub import cached_file

from services.classify.model.backend import BackendModel
from services.classify.model.base import ModelError
from services.classify.model.config import parse_config
from services.classify.model.input import special_token
from services.classify.model.labels import INQUIRY_TYPES, SENTIMENTS


class TriageNetwork(BertPreTrainedModel):  # type: ignore[no-untyped-call]
    """Encoder, mean pooling over the tokens, one linear head per field."""

    config_class = BertConfig
    base_model_prefix = "bert"

    def __init__(self, config: BertConfig) -> None:
        super().__init__(config)
        self.bert = BertModel(config, add_pooling_layer=False)
        self.dropout = nn.Dropout(0.1)
        self.inquiry_type = nn.Linear(config.hidden_size, len(INQUIRY_TYPES))
        self.sentiment = nn.Linear(config.hidden_size, len(SENTIMENTS))
        self.actionable = nn.Linear(config.hidden_size, 1)
        self.post_init()  # type: ignore[no-untyped-call]

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Logits (batch, 9): inquiry type, sentiment, actionable; from ids and mask, both (batch, length)."""
        hidden: Tensor = self.bert(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
        pooled = self.dropout((hidden * mask).sum(1) / mask.sum(1))
        return torch.cat([self.inquiry_type(pooled), self.sentiment(pooled), self.actionable(pooled)], dim=-1)


def load(location: str, threads: int) -> BackendModel:
    """The model of a checkpoint folder or hub id written by `training.finetune` and `training.calibrate`."""
    try:
        config = BertConfig.from_pretrained(location)
        tokenizer = Tokenizer.from_file(str(cached_file(location, "tokenizer.json")))
    except Exception as error:  # OSError, ValueError or a plain Exception, by what is wrong
        raise ModelError(f"{location} is not a checkpoint folder or hub id with a tokenizer: {error}") from error
    triage = parse_config(getattr(config, "triage", None), f"{location}'s config.json (`triage`)")
    loaded: Any = TriageNetwork.from_pretrained(location, config=config, dtype=torch.float32, output_loading_info=True)
    network, report = loaded
    if report["missing_keys"]:
        raise ModelError(f"{location} has no weights for {', '.join(sorted(report['missing_keys']))}")
    network.eval()
    # Runs share the cores, one each: see `BackendModel.threads`.
    torch.set_num_threads(1)

    pad_id = special_token(tokenizer, "<pad>")

    @torch.inference_mode()
    def run(ids: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        tensor = torch.from_numpy(ids)
        logits: npt.NDArray[np.float32] = network(tensor, torch.ne(tensor, pad_id).long()).numpy()
        return logits

    return BackendModel(triage, tokenizer, run, threads)
