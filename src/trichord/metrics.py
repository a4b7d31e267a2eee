"""Scores in the field's terms, each with a bootstrap interval.

Every score is a function of sums over items: of word errors and words, of squared errors and ones. So a
score's `statistic` takes sums `(..., k)` of per-item statistics `(items, k)` and gives `(...)`, and
resampling the items is one matrix product.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from rapidfuzz.distance import Levenshtein

from trichord.clip import Event, Target
from trichord.decoding.answer import UNSURE, Decoded
from trichord.decoding.calibration import bin_of
from trichord.decoding.tag import step_labels
from trichord.errors import InputError

Floats: TypeAlias = NDArray[np.float64]
Counts: TypeAlias = NDArray[np.int64]
Statistic: TypeAlias = Callable[[Floats], Floats]
Score: TypeAlias = tuple[Floats, Statistic]
Scores: TypeAlias = dict[str, Score]

HIGHER_IS_BETTER = frozenset({"accuracy", "ccc", "macro_f1", "pearson", "sentence_accuracy", "uar"})
HEADLINE = ("wer", "accuracy", "pearson")
"""The one metric of each kind of head that pictures and tables show."""
CALIBRATION_BINS = 15
CHUNK_CELLS = 1 << 22
APOSTROPHES = dict.fromkeys(map(ord, "\u2018\u2019\u02bc\uff07\u00b4`"), "'")


def headline_of(metrics: Mapping[str, Any]) -> str | None:
    """Return the one metric of a head that is shown; None where it has none."""
    return next((metric for metric in HEADLINE if metric in metrics), None)


# Text


def normalise_text(text: str, version: int = 1) -> str:
    """Return text as it is compared, by one rule that never changes within a version.

    Version 1: NFKC, lower case; punctuation and symbols become blanks, but for an apostrophe between
    letters or digits; invisible format characters go; white space is collapsed.
    """
    if version != 1:
        raise InputError(f"text normalisation version {version!r} is unknown; this version knows 1")
    shown = "".join(c for c in text if unicodedata.category(c) != "Cf").translate(APOSTROPHES)
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", shown).lower())
    padded = f" {folded.translate(APOSTROPHES)} "
    kept = (
        c if is_word(c) or (c == "'" and is_word(before) and is_word(after)) else " "
        for before, c, after in zip(padded, padded[1:], padded[2:], strict=False)
    )
    return " ".join("".join(kept).split())


def is_word(character: str) -> bool:
    """Whether a character is a letter, a mark on one, or a digit."""
    return unicodedata.category(character)[0] in "LMN"


def word_errors(reference: str, hypothesis: str) -> tuple[int, int]:
    """Return (substitutions + insertions + deletions, reference words), both texts normalised."""
    words = normalise_text(reference).split()
    return Levenshtein.distance(words, normalise_text(hypothesis).split()), len(words)


def character_errors(reference: str, hypothesis: str) -> tuple[int, int]:
    """Return (edits, reference characters), both texts normalised, blanks between words counted."""
    characters = normalise_text(reference)
    return Levenshtein.distance(characters, normalise_text(hypothesis)), len(characters)


def wer(references: Sequence[str], hypotheses: Sequence[str]) -> float:
    """Return the word error rate: all errors over all reference words; NaN where there are none."""
    return ratio_of([word_errors(r, h) for r, h in zip(references, hypotheses, strict=True)])


def cer(references: Sequence[str], hypotheses: Sequence[str]) -> float:
    """Return the character error rate: all edits over all reference characters; NaN where there are none."""
    return ratio_of([character_errors(r, h) for r, h in zip(references, hypotheses, strict=True)])


def ratio_of(rows: Sequence[tuple[int, int]]) -> float:
    return float(ratio(np.array(rows, np.float64).reshape(-1, 2).sum(axis=0)))


# Statistics of sums: (..., k) -> (...)


def ratio(sums: Floats) -> Floats:
    """Return the first sum over the second."""
    return divide(sums[..., 0], sums[..., 1])


def root_ratio(sums: Floats) -> Floats:
    return np.sqrt(ratio(sums))


def macro_f1_of(sums: Floats) -> Floats:
    """Return the mean F1 of the classes that occur, from true positives, false positives, false negatives."""
    hits, false, missed = np.split(sums, 3, axis=-1)
    return nanmean(divide(2 * hits, 2 * hits + false + missed))


def recall_of(sums: Floats) -> Floats:
    """Return the mean recall of the classes that were to be found, from the same sums."""
    hits, _, missed = np.split(sums, 3, axis=-1)
    return nanmean(divide(hits, hits + missed))


def calibration_error_of(sums: Floats) -> Floats:
    """Return the expected calibration error, from each bin's confidence minus hits, and the count."""
    return divide(np.abs(sums[..., :-1]).sum(axis=-1), sums[..., -1])


def pearson_of(sums: Floats) -> Floats:
    """Return Pearson's correlation, from the sums of `moments`."""
    _, _, variance_x, variance_y, covariance = central(sums)
    return divide(covariance, np.sqrt(variance_x) * np.sqrt(variance_y))


def concordance_of(sums: Floats) -> Floats:
    """Return the concordance correlation coefficient (Lin, 1989), from the sums of `moments`."""
    mean_x, mean_y, variance_x, variance_y, covariance = central(sums)
    return divide(2 * covariance, variance_x + variance_y + np.square(mean_x - mean_y))


def central(sums: Floats) -> tuple[Floats, ...]:
    """Return means, variances and covariance, `(...)` each, from the sums of `moments`."""
    x, y, xx, yy, xy = np.moveaxis(divide(sums[..., 1:], sums[..., :1]), -1, 0)
    return x, y, np.maximum(xx - x * x, 0), np.maximum(yy - y * y, 0), xy - x * y


def divide(numerator: Floats, denominator: Floats) -> Floats:
    """Return the quotient, NaN where the denominator is 0."""
    numerator, denominator = np.broadcast_arrays(numerator, denominator)
    undefined = np.full(numerator.shape, np.nan)
    quotient: Floats = np.divide(numerator, denominator, out=undefined, where=denominator != 0)
    return quotient


def nanmean(values: Floats) -> Floats:
    """Return the mean over the last axis of what is not NaN."""
    known = ~np.isnan(values)
    return divide(np.where(known, values, 0.0).sum(axis=-1), known.sum(axis=-1).astype(np.float64))


# Scores of classes and of numbers


def confusion_matrix(references: Sequence[str], hypotheses: Sequence[str], labels: Sequence[str]) -> Counts:
    """Return how often each label (row) was called each label (column), `(labels, labels)`.

    Hypotheses that are no label, such as "not sure", are left out.
    """
    index = {label: i for i, label in enumerate(labels)}
    matrix = np.zeros((len(labels), len(labels)), np.int64)
    for reference, hypothesis in zip(references, hypotheses, strict=True):
        if reference in index and hypothesis in index:
            matrix[index[reference], index[hypothesis]] += 1
    return matrix


def accuracy(references: Sequence[str], hypotheses: Sequence[str]) -> float:
    """Return the share of hypotheses that equal their references."""
    return float(ratio(with_count(matches(references, hypotheses)).sum(axis=0)))


def macro_f1(references: Sequence[str], hypotheses: Sequence[str]) -> float:
    """Return the unweighted mean F1 of the classes that occur; "not sure" is a miss, not a class."""
    return float(macro_f1_of(found_and_missed(references, hypotheses).sum(axis=0)))


def unweighted_average_recall(references: Sequence[str], hypotheses: Sequence[str]) -> float:
    """Return the mean recall of the references' classes (UAR)."""
    return float(recall_of(found_and_missed(references, hypotheses).sum(axis=0)))


def mae(references: ArrayLike, hypotheses: ArrayLike) -> float:
    """Return the mean absolute error."""
    return float(ratio(with_count(np.abs(differences(references, hypotheses))).sum(axis=0)))


def rmse(references: ArrayLike, hypotheses: ArrayLike) -> float:
    """Return the root of the mean squared error."""
    return float(root_ratio(with_count(np.square(differences(references, hypotheses))).sum(axis=0)))


def pearson(references: ArrayLike, hypotheses: ArrayLike) -> float:
    """Return Pearson's correlation; NaN where either does not vary."""
    return float(pearson_of(moments(references, hypotheses).sum(axis=0)))


def concordance(references: ArrayLike, hypotheses: ArrayLike) -> float:
    """Return the concordance correlation coefficient, CCC (Lin, 1989)."""
    return float(concordance_of(moments(references, hypotheses).sum(axis=0)))


# Statistics of items: (items, k)


def with_count(values: Floats) -> Floats:
    """Return `(items, ..., 2)`: a value and 1, whose sums' ratio is the mean."""
    return np.stack([values, np.ones_like(values)], axis=-1)


def matches(references: Sequence[str], hypotheses: Sequence[str]) -> Floats:
    return np.array([r == h for r, h in zip(references, hypotheses, strict=True)], np.float64)


def found_and_missed(references: Sequence[str], hypotheses: Sequence[str]) -> Floats:
    """Return `(items, 3 * classes)`: true positives, false positives and false negatives by class."""
    occurring = dict.fromkeys([*references, *(h for h in hypotheses if h != UNSURE)])
    index = {label: i for i, label in enumerate(occurring)}
    rows = np.zeros((len(references), 3, len(index)))
    for row, reference, hypothesis in zip(rows, references, hypotheses, strict=True):
        row[0 if reference == hypothesis else 2, index[reference]] = 1
        if hypothesis != reference and hypothesis in index:
            row[1, index[hypothesis]] = 1
    return rows.reshape(len(references), 3 * len(index))


def calibration_rows(confidences: Sequence[float], hits: Floats) -> Floats:
    """Return `(items, bins + 1)`: confidence minus hit in the confidence's bin, and 1."""
    rows = np.zeros((len(confidences), CALIBRATION_BINS + 1))
    rows[np.arange(len(rows)), bin_of(confidences, CALIBRATION_BINS)] = np.asarray(confidences) - hits
    rows[:, -1] = 1
    return rows


def differences(references: ArrayLike, hypotheses: ArrayLike) -> Floats:
    x, y = np.asarray(references, np.float64), np.asarray(hypotheses, np.float64)
    if x.shape != y.shape:
        raise InputError(f"{x.shape} references and {y.shape} hypotheses; expected as many of each")
    return y - x


def moments(references: ArrayLike, hypotheses: ArrayLike) -> Floats:
    """Return `(items, ..., 6)`: 1, x, y, x², y², xy; both less the references' mean, for precision."""
    y = differences(references, hypotheses)
    x = np.asarray(references, np.float64)
    x = x - (x.mean(axis=0) if len(x) else 0.0)
    y = x + y
    return np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], axis=-1)


# Intervals


@dataclass(frozen=True, slots=True)
class Interval:
    """A score and its 95 % percentile bootstrap interval, over `n` items; NaN where it has none."""

    value: float
    low: float
    high: float
    n: int


def bootstrap(
    items: ArrayLike, statistic: Statistic, *, resamples: int = 2000, seed: int = 0,
    groups: Sequence[Hashable] | None = None,
) -> Interval:  # fmt: skip
    """Return a score with its interval (B. Efron, 1979).

    `items (items, k)` are per-item statistics and `statistic` the score of their sums. With `groups`, a
    speaker for each item say, whole groups are drawn. `resamples=0` gives the value alone.
    """
    rows = np.asarray(items, np.float64)
    value = float(statistic(rows.sum(axis=0)))
    units = rows if groups is None else sums_by_group(rows, groups)
    if resamples == 0 or not len(units):
        return Interval(value, math.nan, math.nan, len(rows))
    scores = np.concatenate([statistic(sums) for sums in resampled(units, resamples, seed)])
    scores = scores[np.isfinite(scores)]
    low, high = np.quantile(scores, [0.025, 0.975]) if len(scores) else (math.nan, math.nan)
    return Interval(value, float(low), float(high), len(rows))


def paired_bootstrap(
    a: ArrayLike, b: ArrayLike, statistic: Statistic, *, resamples: int = 2000, seed: int = 0,
    groups: Sequence[Hashable] | None = None,
) -> Interval:  # fmt: skip
    """Return the score of `a` less that of `b`, both over the same items and the same draws of them."""
    first, second = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if len(first) != len(second):
        raise InputError(f"{len(first)} and {len(second)} items; a paired bootstrap needs the same items")
    width = first.shape[1]
    both = np.concatenate([first, second], axis=1)
    return bootstrap(both, lambda sums: statistic(sums[..., :width]) - statistic(sums[..., width:]),
                     resamples=resamples, seed=seed, groups=groups)  # fmt: skip


def sums_by_group(rows: Floats, groups: Sequence[Hashable]) -> Floats:
    if len(groups) != len(rows):
        raise InputError(f"{len(groups)} groups for {len(rows)} items; each item needs its group")
    index = {group: i for i, group in enumerate(dict.fromkeys(groups))}
    sums = np.zeros((len(index), rows.shape[1]))
    np.add.at(sums, [index[group] for group in groups], rows)
    return sums


def resampled(units: Floats, resamples: int, seed: int) -> Iterator[Floats]:
    """Give the sums of units drawn with replacement, `(draws, k)` at a time, in bounded memory."""
    random, size = np.random.default_rng(seed), len(units)
    chunk = max(1, CHUNK_CELLS // size)
    for done in range(0, resamples, chunk):
        draws = min(chunk, resamples - done)
        drawn = random.integers(size, size=(draws, size)) + size * np.arange(draws)[:, None]
        yield np.bincount(drawn.ravel(), minlength=draws * size).reshape(draws, size) @ units


def groups_of(abouts: Sequence[Mapping[str, Any]]) -> list[str] | None:
    """Return what intervals draw together, by what is known of each clip: its group, else its speaker.

    None where some clip has neither, or all have the same: then single clips are drawn.
    """
    groups = [about.get("group") or about.get("speaker") for about in abouts]
    return [str(group) for group in groups] if all(groups) and len(set(groups)) > 1 else None


# Heads


def evaluate_head(
    head: Mapping[str, Any], targets: Sequence[Target | None], decoded: Sequence[Decoded], *,
    groups: Sequence[Hashable] | None = None, resamples: int = 2000, seed: int = 0,
) -> dict[str, Interval]:  # fmt: skip
    """Return a head's scores by name, over the items whose target is known.

    `ctc`: wer, cer, sentence_accuracy; `classify`: accuracy, macro_f1, uar, ece; `regress`: mae, rmse,
    pearson, ccc, each the mean over the head's names; `tag`: accuracy, macro_f1, uar over labelled steps.
    NaN where no target is known.
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


def ctc_scores(head: Mapping[str, Any], targets: Sequence[Target], decoded: Sequence[Decoded]) -> Scores:
    pairs = [(str(t), str(d.value)) for t, d in zip(targets, decoded, strict=True)]
    words = np.array([word_errors(*pair) for pair in pairs], np.float64).reshape(-1, 2)
    characters = np.array([character_errors(*pair) for pair in pairs], np.float64).reshape(-1, 2)
    right = with_count((words[:, 0] == 0).astype(np.float64))
    return {"wer": (words, ratio), "cer": (characters, ratio), "sentence_accuracy": (right, ratio)}


def classify_scores(head: Mapping[str, Any], targets: Sequence[Target], decoded: Sequence[Decoded]) -> Scores:
    references, hypotheses = [str(t) for t in targets], [str(d.value) for d in decoded]
    confidences = [d.confidence or 0.0 for d in decoded]
    hits = matches(references, [str(d.best) for d in decoded])
    classes = found_and_missed(references, hypotheses)
    return {
        "accuracy": (with_count(matches(references, hypotheses)), ratio),
        "macro_f1": (classes, macro_f1_of),
        "uar": (classes, recall_of),
        "ece": (calibration_rows(confidences, hits), calibration_error_of),
    }


def regress_scores(head: Mapping[str, Any], targets: Sequence[Target], decoded: Sequence[Decoded]) -> Scores:
    shape = (len(targets), len(head["names"]))
    try:
        x = np.array(targets, np.float64).reshape(shape)
        y = np.array([d.value for d in decoded], np.float64).reshape(shape)
    except (TypeError, ValueError):
        raise InputError(f"each target of this head must be {shape[1]} numbers, one per name") from None
    errors = differences(x, y)
    return {
        "mae": mean_over_names(with_count(np.abs(errors)), ratio),
        "rmse": mean_over_names(with_count(np.square(errors)), root_ratio),
        "pearson": mean_over_names(moments(x, y), pearson_of),
        "ccc": mean_over_names(moments(x, y), concordance_of),
    }


def tag_scores(head: Mapping[str, Any], targets: Sequence[Target], decoded: Sequence[Decoded]) -> Scores:
    """Return scores over labelled steps; a step that was not answered is a miss."""
    rows = [steps_of(head, target, said) for target, said in zip(targets, decoded, strict=True)]
    owners = np.array([row for row, (truth, _) in enumerate(rows) for _ in truth], np.int64)
    truth = [label for labels, _ in rows for label in labels]
    said = [label for _, labels in rows for label in labels]

    def by_clip(steps: Floats) -> Floats:
        sums = np.zeros((len(rows), steps.shape[1]))
        np.add.at(sums, owners, steps)
        return sums

    classes = by_clip(found_and_missed(truth, said))
    hits = by_clip(with_count(matches(truth, said)))
    return {"accuracy": (hits, ratio), "macro_f1": (classes, macro_f1_of), "uar": (classes, recall_of)}


def steps_of(head: Mapping[str, Any], target: Target, said: Decoded) -> tuple[list[str], list[str]]:
    """Return the true and the given labels of the steps that have a true one; events are read as steps."""
    given = list(said.value) if isinstance(said.value, tuple) else []
    parts = list(target) if not isinstance(target, str | float | int) else []
    truth: list[Any] = parts
    if all(isinstance(part, Event) for part in parts):
        events = [part for part in parts if isinstance(part, Event)]
        truth = step_labels(events, steps_in(events, len(given), said.rate), said.rate)
    named = [head.get("outside") if label is None else label for label in truth]
    answers = [str(label) for label in given] + [UNSURE] * (len(named) - len(given))
    known = [(str(t), answer) for t, answer in zip(named, answers, strict=False) if t is not None]
    return [t for t, _ in known], [answer for _, answer in known]


def steps_in(events: Sequence[Event], answered: int, rate: float | None) -> int:
    """Return how many steps are scored: those answered, and those of events that lie beyond them.

    With a clock one step more or less is rounding, not an answer that lacks.
    """
    ends = (event.start + 1 / (rate or 1.0) if event.end is None else event.end for event in events)
    last = math.ceil(max(ends, default=0.0) * (rate or 1.0) - 1e-6)
    return answered if rate is not None and answered >= last - 1 else max(answered, last)


def mean_over_names(rows: Floats, statistic: Statistic) -> Score:
    """Return a score of statistics `(items, names, k)`: the mean of the names' own."""
    items, names, width = rows.shape

    def mean(sums: Floats) -> Floats:
        each = statistic(sums.reshape(*sums.shape[:-1], names, width))
        return np.asarray(each.mean(axis=-1))

    return rows.reshape(items, names * width), mean


HEAD_SCORES: dict[str, Callable[[Mapping[str, Any], Sequence[Target], Sequence[Decoded]], Scores]] = {
    "ctc": ctc_scores,
    "classify": classify_scores,
    "regress": regress_scores,
    "tag": tag_scores,
}
