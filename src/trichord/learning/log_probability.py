"""The log-probability of a given answer, with a gradient: `trichord.decoding.log_probability` in torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from trichord.decoding import Value
from trichord.decoding.ctc import labels_of
from trichord.decoding.metadata import CtcMetadata, read_head
from trichord.decoding.phones import phones_of
from trichord.errors import InputError
from trichord.learning.stream import Stream

Head = Mapping[str, Any]


def answer_log_probability(head: Head, logits: Stream, answer: Value) -> Tensor:
    """Return one answer's log-probability under each row of logits of one length, `(rows,)`.

    `head` is the head's metadata. Raises InputError for an answer that is none of this head's, and for a
    head that writes unit by unit, whose logits are not its own.
    """
    if head["kind"] not in SCORERS:
        raise InputError(f"a {head['kind']} head's answer has no gradient here; explain it by occlusion")
    return SCORERS[str(head["kind"])](head, logits, answer)


def classify_score(head: Head, logits: Stream, answer: Value) -> Tensor:
    if answer not in head["labels"]:
        raise InputError(f"{answer!r:.80} is not a class of this head")
    log_probs = (logits.values[:, 0].float() / head.get("temperature", 1.0)).log_softmax(-1)
    return log_probs[:, head["labels"].index(answer)]


def regress_score(head: Head, logits: Stream, answer: Value) -> Tensor:
    try:
        given = np.atleast_1d(np.asarray(answer, np.float64))
    except ValueError:
        given = np.zeros(0)
    steps = int(logits.lengths[0])
    said = logits.values[:, :steps, 0] if head.get("each") == "step" else logits.values[:, 0]
    if given.shape != said.shape[1:]:
        raise InputError(f"{answer!r:.80} does not answer this head; expected {said.shape[1]} numbers")
    standard = (given - head["mean"]) / head["std"]
    return -(said.float() - torch.from_numpy(standard).float()).square().sum(-1)


def ctc_score(head: Head, logits: Stream, answer: Value) -> Tensor:
    spoken = phones_of(head, logits.values[0, : int(logits.lengths[0])].detach().float().numpy(), str(answer))
    labels = labels_of(read_head(CtcMetadata, head), spoken or str(answer))
    if labels is None:
        raise InputError(f"{answer!r:.80} holds something that this head cannot write")
    rows = len(logits.values)
    log_probs = logits.values.float().log_softmax(-1).transpose(0, 1)  # (time, rows, labels)
    targets = torch.tensor(labels or [1]).expand(rows, -1)
    sizes = torch.full((rows,), len(labels))
    return -F.ctc_loss(log_probs, targets, logits.lengths, sizes, reduction="none")


def tag_score(head: Head, logits: Stream, answer: Value) -> Tensor:
    labels = answer if isinstance(answer, tuple) else ()
    steps = int(logits.lengths[0])
    if len(labels) != steps or not set(labels) <= set(head["labels"]):
        raise InputError(f"{answer!r:.80} does not answer this head; expected {steps} of its labels")
    numbers = torch.tensor([head["labels"].index(label) for label in labels])
    log_probs = logits.values[:, :steps].float().log_softmax(-1)
    return log_probs.gather(2, numbers[None, :, None].expand(len(log_probs), -1, 1)).sum((1, 2))


def contrastive_score(head: Head, logits: Stream, answer: Value) -> Tensor:
    given = np.asarray(answer if isinstance(answer, tuple) else (), np.object_)
    if given.shape != (head["size"],) or not all(isinstance(number, float) for number in given):
        raise InputError(f"{answer!r:.80} does not answer this head; expected {head['size']} numbers")
    placed = F.normalize(logits.values[:, 0].float(), dim=-1)
    apart = placed - torch.from_numpy(given.astype(np.float32)).to(placed.device)
    return -head.get("scale", 1.0) / 2 * apart.square().sum(-1)


SCORERS: dict[str, Callable[[Head, Stream, Value], Tensor]] = {
    "classify": classify_score,
    "contrastive": contrastive_score,
    "ctc": ctc_score,
    "regress": regress_score,
    "tag": tag_score,
}
