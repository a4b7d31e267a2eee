"""What a model said of every clip, kept in its run folder so that systems can be compared clip by clip."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trichord.clip import Clip, Event, Target
from trichord.decoding import Decoded
from trichord.decoding.calibration import reliability
from trichord.decoding.tag import step_labels
from trichord.files import write_text
from trichord.metrics import confusion_matrix, steps_in

Answered = Sequence[tuple[Clip, Mapping[str, Decoded]]]


def write_predictions(path: Path, answered: Answered, heads: Iterable[str]) -> None:
    """Write one JSON line a clip: its id and speaker, and for each head the answer, confidence and target."""
    lines = []
    for clip, decoded in sorted(answered, key=lambda pair: pair[0].id):
        row: dict[str, Any] = {"clip": clip.id, "about": dict(clip.about)}
        for head in heads:
            if head in clip.targets:
                said = decoded[head]
                target = as_labels(clip.targets[head], said)
                row[head] = {"value": said.value, "confidence": said.confidence, "target": target}
        lines.append(json.dumps(row, ensure_ascii=False))
    write_text(path, "\n".join(lines) + "\n")


def as_labels(target: Target, said: Decoded) -> Any:
    """Return a target as JSON can hold it: of timed events, the label of each step that was answered."""
    if isinstance(target, str | float | int) or not isinstance(said.value, tuple):
        return target
    events = [part for part in target if isinstance(part, Event)]
    steps = steps_in(events, len(said.value), said.rate)
    return step_labels(events, steps, said.rate) if events else list(target)


def read_predictions(path: Path) -> list[dict[str, Any]]:
    """Return what `write_predictions` wrote."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def classifier_pictures(head: Mapping[str, Any], name: str, answered: Answered) -> dict[str, Any]:
    """Return a classifier's labels, confusion matrix and reliability bins, as plain values."""
    known = [(str(clip.targets[name]), decoded[name]) for clip, decoded in answered if name in clip.targets]
    truth = [target for target, _ in known]
    said = [str(decoded.value) for _, decoded in known]
    confidences: NDArray[np.float64] = np.array([decoded.confidence or 0.0 for _, decoded in known])
    right = np.array([target == value for target, value in zip(truth, said, strict=True)])
    bins = reliability(confidences, right)
    return {
        "labels": list(head["labels"]),
        "confusion": confusion_matrix(truth, said, head["labels"]).tolist(),
        "reliability": [
            {"confidence": b.confidence, "accuracy": b.accuracy, "count": b.answers} for b in bins
        ],
    }
