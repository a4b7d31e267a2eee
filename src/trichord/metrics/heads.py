"""The scores of a head by its kind, and which of them is shown."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from trichord.clip import Target
from trichord.decoding.answer import Decoded
from trichord.errors import InputError
from trichord.metrics.classes import classify_scores
from trichord.metrics.intervals import Interval, bootstrap
from trichord.metrics.numbers import regress_scores
from trichord.metrics.sums import HeadScores
from trichord.metrics.tags import tag_scores
from trichord.metrics.verification import contrastive_scores
from trichord.metrics.words import ctc_scores

HIGHER_IS_BETTER = frozenset(
    {"accuracy", "ccc", "macro_f1", "pearson", "precision_at_1", "sentence_accuracy", "uar"}
)
HEADLINE = ("wer", "per", "cer", "accuracy", "pearson", "eer")
"""The one metric of each kind of head that pictures and tables show."""
HEAD_SCORES: dict[str, HeadScores] = {
    "ctc": ctc_scores,
    "classify": classify_scores,
    "regress": regress_scores,
    "tag": tag_scores,
    "contrastive": contrastive_scores,
    "generate": ctc_scores,
}


def headline_of(metrics: Mapping[str, Any]) -> str | None:
    """Return the one metric of a head that is shown; None where it has none."""
    return next((metric for metric in HEADLINE if metric in metrics), None)


def evaluate_head(
    head: Mapping[str, Any], targets: Sequence[Target | None], decoded: Sequence[Decoded], *,
    groups: Sequence[Hashable] | None = None, resamples: int = 2000, seed: int = 0,
) -> dict[str, Interval]:  # fmt: skip
    """Return a head's scores by name, over the items whose target is known.

    `ctc`, `generate`: wer (where blanks part words), cer, sentence_accuracy; `classify`: accuracy, macro_f1,
    uar, ece; `regress`: mae, rmse, pearson, ccc, each the mean over the head's names; `tag`: accuracy,
    macro_f1, uar over labelled steps; `contrastive`: eer, precision_at_1 over pairs of items. NaN where no
    target is known.
    """
    if head.get("kind") not in HEAD_SCORES:
        raise InputError(f"cannot evaluate a head of kind {head.get('kind')!r:.60}; "
                         f"expected one of: {', '.join(HEAD_SCORES)}")  # fmt: skip
    pairs = [(t, d) for t, d in zip(targets, decoded, strict=True) if t is not None]
    known = None if groups is None else [g for g, t in zip(groups, targets, strict=True) if t is not None]
    scores = HEAD_SCORES[head["kind"]](head, [t for t, _ in pairs], [d for _, d in pairs])
    return {
        name: bootstrap(rows, statistic, resamples=resamples, seed=seed, groups=known)
        for name, (rows, statistic) in scores.items()
    }
