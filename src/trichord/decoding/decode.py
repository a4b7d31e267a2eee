"""Any head's logits -> its answer, by what its metadata says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from numpy.typing import ArrayLike

from trichord.decoding.answer import Decoded, Value
from trichord.decoding.classify import classify_log_probability, decode_classify
from trichord.decoding.contrastive import contrastive_log_probability, decode_contrastive
from trichord.decoding.ctc import check_rate, ctc_answer_log_probability, decode_ctc
from trichord.decoding.generate import Beside, Step, decode_generate, generate_log_probability
from trichord.decoding.metadata import (
    ClassifyMetadata,
    ContrastiveMetadata,
    CtcMetadata,
    GenerateMetadata,
    RegressMetadata,
    TagMetadata,
    read_head,
)
from trichord.decoding.options import BeamOptions
from trichord.decoding.phones import phones_of
from trichord.decoding.regress import decode_regress, regress_log_probability
from trichord.decoding.tag import decode_tag, tag_log_probability
from trichord.errors import ArtifactError
from trichord.kinds import nearest

Head: TypeAlias = Mapping[str, Any]
Decoder: TypeAlias = Callable[[Head, ArrayLike, float | None, BeamOptions | None, Beside | None], Decoded]
Scorer: TypeAlias = Callable[[Head, ArrayLike, Value, Step | None], float]

DECODERS: dict[str, Decoder] = {
    "ctc": lambda head, logits, rate, beam, _: decode_ctc(read_head(CtcMetadata, head), logits, rate, beam),
    "classify": lambda head, logits, *_: decode_classify(read_head(ClassifyMetadata, head), logits),
    "regress": lambda head, logits, *_: decode_regress(read_head(RegressMetadata, head), logits),
    "tag": lambda head, logits, rate, *_: decode_tag(read_head(TagMetadata, head), logits, rate),
    "contrastive": lambda head, logits, *_: decode_contrastive(read_head(ContrastiveMetadata, head), logits),
    "generate": lambda head, logits, rate, beam, beside: decode_generate(
        read_head(GenerateMetadata, head), logits, rate, beam, beside
    ),
}

SCORERS: dict[str, Scorer] = {
    "ctc": lambda head, logits, answer, _: ctc_answer_log_probability(
        read_head(CtcMetadata, head), logits, phones_of(head, logits, str(answer)) or answer
    ),
    "classify": lambda head, logits, answer, _: classify_log_probability(
        read_head(ClassifyMetadata, head), logits, answer
    ),
    "regress": lambda head, logits, answer, _: regress_log_probability(
        read_head(RegressMetadata, head), logits, answer
    ),
    "tag": lambda head, logits, answer, _: tag_log_probability(read_head(TagMetadata, head), logits, answer),
    "contrastive": lambda head, logits, answer, _: contrastive_log_probability(
        read_head(ContrastiveMetadata, head), logits, answer
    ),
    "generate": lambda head, logits, answer, step: generate_log_probability(
        read_head(GenerateMetadata, head), logits, answer, step
    ),
}


def decode(
    head: Head,
    logits: ArrayLike,
    *,
    rate: float | None = None,
    beam: BeamOptions | None = None,
    beside: Beside | None = None,
) -> Decoded:
    """Return a head's answer.

    `head` is its metadata, `logits` one item's `(time, outputs)` cut to its length, `rate` its steps per
    second or None; `beam` searches where the head's kind can, the best path is taken otherwise. Of a head
    that writes unit by unit, `logits` are what its decoder, which is `beside`, attends to. An item with
    nothing in it, time 0, answers "" (no speech), "not sure", the training mean, no labels, or the midst of
    the sphere.
    Raises ArtifactError for metadata and InputError for logits that cannot be read.
    """
    check_rate(rate)
    return DECODERS[kind_of(head)](head, logits, rate, beam, beside)


def log_probability(head: Head, logits: ArrayLike, answer: Value, step: Step | None = None) -> float:
    """Return the natural log-probability of a given answer under logits `(time, outputs)`.

    `ctc`: over all paths, -inf where none spells the answer; `classify`: at the head's temperature, uniform
    for time 0; `regress`: minus the squared distance in standard deviations, from the mean for time 0;
    `tag`: summed over the steps; `contrastive`: minus half the squared distance on the sphere, scaled;
    `generate`: over the units and the end, by the decoder's `step`, or without one, every unit alike.
    """
    return SCORERS[kind_of(head)](head, logits, answer, step)


def kind_of(head: Head) -> str:
    kind = head.get("kind")
    if not isinstance(kind, str) or kind not in DECODERS:
        raise ArtifactError(f"cannot decode a head of kind {kind!r:.60}{nearest(str(kind)[:60], DECODERS)}")
    return kind
