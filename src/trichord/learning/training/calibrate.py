"""Making confidences honest: a temperature for each classifier, fitted on validation clips."""

from __future__ import annotations

import numpy as np

from trichord.decoding.calibration import fit_temperature
from trichord.learning.heads.classify import Classify
from trichord.learning.training.data import Data
from trichord.learning.training.loop import validation_batches
from trichord.learning.training.run import RunFolder
from trichord.learning.training.validate import predict


def calibrate(run: RunFolder, data: Data) -> None:
    """Fit the temperatures of a run's classifiers (Guo et al., 2017) and write them into the run."""
    recipe, model = run.load()
    classifiers = {name: head for name, head in recipe.heads.items() if isinstance(head, Classify)}
    if not classifiers or not data.valid:
        return
    logits, _ = predict(model, recipe.heads, data.valid, validation_batches(recipe, data), data.specs)
    for name, head in classifiers.items():
        known = [(row, head.labels.index(str(item.targets[name])))
                 for row, item in zip(logits[name], data.valid, strict=True)
                 if len(row) and str(item.targets.get(name)) in head.labels]  # fmt: skip
        if known:
            rows, labels = zip(*known, strict=True)
            head.temperature = fit_temperature(np.concatenate(rows), np.asarray(labels))
    run.write_parts(recipe)
