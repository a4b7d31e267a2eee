"""Writing a text unit by unit, as a decoder foretells it: alone, or together with a CTC head.

I. Sutskever, O. Vinyals and Q. Le, Sequence to Sequence Learning with Neural Networks, 2014 (beam search);
S. Watanabe et al., Hybrid CTC/Attention Architecture for End-to-End Speech Recognition, 2017, section IV-B
(rescoring).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trichord.decoding.answer import Decoded, Value
from trichord.decoding.beam import BeamSearch
from trichord.decoding.ctc import labels_of, single_spaced, spelled, text_of
from trichord.decoding.ctc_paths import best_path, ctc_log_probability
from trichord.decoding.logits import Floats, checked_logits, log_softmax
from trichord.decoding.metadata import CtcMetadata, GenerateMetadata, read_head
from trichord.decoding.options import BeamOptions
from trichord.errors import ArtifactError, InputError

END = 0
MAX_WIDTH = 64
MAX_NUMBERS = 1 << 28
"""What all hypotheses together may hold; fewer are followed where each holds much."""
Units: TypeAlias = NDArray[np.int64]
Singles: TypeAlias = NDArray[np.float32]
Array: TypeAlias = NDArray[Any]


class Step(Protocol):
    """A decoder: what follows some units, given what an encoder tells of a clip."""

    def __call__(self, units: Units, told: Singles, past: Singles) -> tuple[Array, Array]:
        """Return logits `(texts, units, labels)` of what follows, and what is kept `(texts, units, width)`.

        `units (texts, units)` go on where `past (texts, units before, width)`, what was kept, ends; `told` is
        one clip's `(time, width)`.
        """


@dataclass(frozen=True, slots=True)
class Beside:
    """What a head that writes needs beside what it is told: its decoder, and what a clip's heads say."""

    step: Step
    heads: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    logits: Mapping[str, ArrayLike] = field(default_factory=dict)


class Heard(NamedTuple):
    """What a CTC head says of the same clip."""

    head: CtcMetadata
    log_probs: Floats

    def score(self, text: str) -> float:
        """Return the log-probability of a text, over all paths; -inf where it cannot be written."""
        labels = labels_of(self.head, text)
        if labels is None:
            return -math.inf
        return float(ctc_log_probability(self.log_probs[None], [len(self.log_probs)], labels)[0])

    def texts(self, width: int) -> list[str]:
        """Return the texts that a beam search ends with."""
        search = BeamSearch(BeamOptions(width), None)
        search.feed(self.log_probs)
        found = [[written.label for written in search.written(row)] for row in range(len(search.beam.nodes))]
        return [text_of(self.head, [labels[i] for i in single_spaced(self.head, labels)]) for labels in found]


def decode_generate(
    head: GenerateMetadata,
    told: ArrayLike,
    rate: float | None = None,
    beam: BeamOptions | None = None,
    beside: Beside | None = None,
) -> Decoded:
    """Return the text that a decoder writes about `told (time, width)`.

    A beam's texts are compared by their mean log-probability, the end included. Where a CTC head is named
    that heard the same, its texts compete too, by the weighted sum of both heads' log-probabilities; what it
    takes for silence is silence, and it says when each word was. Confidence is the geometric mean of the
    probabilities of the units and the end. Of `beam` the width counts, 64 at most.
    Raises ArtifactError where there is no such head, and InputError without a decoder.
    """
    values = checked_told(told)
    heard = None if beside is None else heard_beside(head, beside)
    if not len(values):
        return Decoded("", None, 0.0)
    if beside is None:
        raise InputError("a head that writes unit by unit needs its model's decoder beside it")
    width = width_of(head, values, beam)
    if heard is not None and not best_path(heard.log_probs):
        return answered(head, values, beside.step, "", heard, rate)
    texts = [written(head, labels) for labels in search(head, values, beside.step, width)]
    if heard is not None:
        texts = rescored(head, values, beside.step, dict.fromkeys(texts + heard.texts(width)), heard)
    return answered(head, values, beside.step, texts[0], heard, rate)


def search(head: GenerateMetadata, told: Singles, step: Step, width: int) -> list[list[int]]:
    """Return the labels of up to `width` texts, the likeliest by mean log-probability first."""
    past = np.zeros((1, 0, told.shape[1]), np.float32)
    texts, scores = np.full((1, 1), END, np.int64), np.zeros(1)
    ended: list[tuple[float, list[int]]] = []
    while len(scores):
        logits, kept = step(texts[:, -1:], told, past)
        totals = scores[:, None] + log_softmax(logits[:, -1].astype(np.float64))  # (texts, labels)
        if texts.shape[1] > head.max_units:
            totals[:, END + 1 :] = -np.inf
        rows, labels = best(totals, width - len(ended))
        chosen = totals[rows, labels]
        over, on = labels == END, labels != END
        ended += [(score / texts.shape[1], texts[row, 1:].tolist())
                  for score, row in zip(chosen[over].tolist(), rows[over].tolist(), strict=True)]  # fmt: skip
        past = np.concatenate([past, kept], 1)[rows[on]]
        texts = np.concatenate([texts[rows[on]], labels[on, None]], 1)
        scores = chosen[on]
    return [labels for _, labels in sorted(ended, key=lambda one: -one[0])]


def best(totals: Floats, count: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the rows and columns of the highest finite totals, so many at most, the highest first."""
    order = np.argsort(-totals, axis=None, kind="stable")[:count]
    rows, columns = np.unravel_index(order[np.isfinite(totals.ravel()[order])], totals.shape)
    return rows, columns


def rescored(
    head: GenerateMetadata, told: Singles, step: Step, texts: Mapping[str, None], heard: Heard
) -> list[str]:
    """Return those texts that both heads can write, the likeliest by both first; else the first of all."""
    able = {text: labels for text in texts if (labels := labels_within(head, text)) is not None}
    if not able:
        return list(texts)[:1]
    own = dict(zip(able, log_probabilities(told, step, list(able.values())).tolist(), strict=True))
    scores = {text: (1 - head.ctc_weight) * own[text] + head.ctc_weight * score
              for text in able if (score := heard.score(text)) > -math.inf}  # fmt: skip
    return sorted(scores, key=scores.__getitem__, reverse=True) or list(texts)[:1]


def answered(
    head: GenerateMetadata, told: Singles, step: Step, text: str, heard: Heard | None, rate: float | None
) -> Decoded:
    """Return a text with how sure the decoder is of it, and if a CTC head heard it, when its words were."""
    labels = labels_of(head, text) or []
    score = float(log_probabilities(told, step, [labels])[0])
    found = None if heard is None or heard.score(text) == -math.inf else labels_of(heard.head, text)
    events = () if heard is None or not found else spelled(heard.head, heard.log_probs, found, rate).events
    return Decoded(text, math.exp(score / (len(labels) + 1)), score, events=events)


def log_probabilities(told: Singles, step: Step, texts: Sequence[Sequence[int]]) -> Floats:
    """Return each text's log-probability by a decoder, its end included, `(texts,)`."""
    lengths = np.array([len(text) for text in texts])
    truth = np.full((len(texts), max(lengths.tolist(), default=0) + 1), END, np.int64)
    for row, text in enumerate(texts):
        truth[row, : len(text)] = text
    before = np.pad(truth[:, :-1], [(0, 0), (1, 0)], constant_values=END)
    logits, _ = step(before, told, np.zeros((len(texts), 0, told.shape[1]), np.float32))
    log_probs = log_softmax(logits.astype(np.float64))
    own = np.take_along_axis(log_probs, truth[..., None], 2)[..., 0]  # (texts, units)
    known = np.arange(truth.shape[1]) <= lengths[:, None]
    total: Floats = np.where(known, own, 0.0).sum(1)
    return total


def generate_log_probability(
    head: GenerateMetadata, told: ArrayLike, answer: Value, step: Step | None
) -> float:
    """Return the log-probability of a text; -inf where the head cannot write it.

    Without a decoder, or told nothing, every unit is as likely as any other.
    """
    values, labels = np.asarray(told, np.float32), labels_within(head, str(answer))
    if labels is None:
        return -math.inf
    if step is None or not len(values):
        return -(len(labels) + 1) * math.log(len(head.labels))
    return float(log_probabilities(checked_told(values), step, [labels])[0])


def labels_within(head: GenerateMetadata, text: str) -> list[int] | None:
    """Return a text's labels; None where one is unknown, or there are more than the head may write."""
    labels = labels_of(head, text)
    return None if labels is None or len(labels) > head.max_units else labels


def written(head: GenerateMetadata, labels: Sequence[int]) -> str:
    return text_of(head, [labels[i] for i in single_spaced(head, labels)])


def width_of(head: GenerateMetadata, told: Singles, beam: BeamOptions | None) -> int:
    """Return how many texts to follow at once: 1 without a beam, and no more than memory allows."""
    each: int = (len(told) + head.max_units) * (told.shape[1] + len(head.labels))
    return max(1, min(1 if beam is None else beam.width, MAX_WIDTH, MAX_NUMBERS // each))


def checked_told(told: ArrayLike) -> Singles:
    values = np.asarray(told, np.float32)
    if values.ndim != 2 or not values.shape[1] or not np.isfinite(values).all():
        raise InputError(f"what a decoder attends to has shape {values.shape}, or is not finite; "
                         "expected (time, width)")  # fmt: skip
    return values


def heard_beside(head: GenerateMetadata, beside: Beside) -> Heard | None:
    """Return what the CTC head that this one names says, where it says something."""
    if head.with_ctc is None:
        return None
    named = beside.heads.get(head.with_ctc, {})
    if named.get("kind") != "ctc" or named.get("units") == "phone":
        raise ArtifactError(f"with_ctc: {head.with_ctc!r} is no ctc head of characters, words or subwords")
    ctc = read_head(CtcMetadata, named)
    nothing = np.zeros((0, len(ctc.labels)))
    return Heard(ctc, log_softmax(checked_logits(beside.logits.get(head.with_ctc, nothing), len(ctc.labels))))
