"""RAVDESS as features of whole clips: facial action units and cepstra."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from trichord.clip import Clip, Features
from trichord.corpora.arrays import Column, columns, measured, read_arrays, whole
from trichord.corpora.corpus import SPLITS, About, Corpus, Index
from trichord.errors import InputError
from trichord.prepare.functionals import functionals

EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
INTENSITIES = ("normal", "strong")
LABELS = {"actor": 24, "emotion": len(EMOTIONS), "intensity": len(INTENSITIES), "statement": 2}
"""How many there are of each; all are numbered from 1."""
LEAST_DEVIATION = 1e-3
RATE = 44_100 / 512
"""Frames of the voice's contour per second."""


class RavdessFeatures(Corpus):
    """Acted emotions of RAVDESS (Livingstone and Russo 2018), speech, as published features.

    Inputs: `face`, one step, the square roots of 17 intensities and 18 presences of OpenFace's action units,
    means over the clip; `contour`, the mean of each frame's MFCCs, one number 86 times a second for three
    seconds at most; `prosody`, one step, the functionals of that contour (see `Functionals`). Targets:
    `emotion`, one of eight; `intensity`, normal or strong. About: `actor`, 01 to 24, `gender`, `statement`.

    The corpus has no official split: actors 1 to 16 train, 17 to 20 validate, 21 to 24 test; `fold` with `by:
    actor` cross-validates.

    adapt: `actor` standardises each actor's features by the mean and deviation of all that actor's clips,
        unlabelled: a system that has met its user. None knows nothing of the actor.
    """

    name = "ravdess_features"
    lies_in = "ravdess-au-mfcc"
    about = About(
        title="RAVDESS speech, action units and MFCC",
        licence="CC-BY-NC-SA-4.0",
        commercial=False,
        source="the repository KangHyunWook/Pytorch-implementation-of-Multimodal-emotion-recognition-on-"
        "RAVDESS-dataset, au_mfcc.pkl",
        size_mb=1.3,
        tasks=("emotion",),
    )

    def __init__(self, folder: Path | None = None, adapt: Literal["actor"] | None = None) -> None:
        self.folder = folder
        self.adapt = adapt

    def read(self) -> Index:
        path = self.root / "ravdess_au_mfcc.npz"
        arrays = checked(read_arrays(path), path)
        actors = [int(actor) for actor in arrays["actor"]]
        face = [np.sqrt(np.maximum(row, 0))[None] for row in arrays["au"].astype(np.float64)]
        contours = [contour(row) for row in arrays["mfcc"]]
        prosody = [functionals(values) for values in contours]
        if self.adapt == "actor":
            face, contours, prosody = (by_actor(values, actors) for values in (face, contours, prosody))
        features = {"face": face, "contour": contours, "prosody": prosody}
        index: dict[str, list[Clip]] = {split: [] for split in SPLITS}
        for row, actor in enumerate(actors):
            split = "train" if actor <= 16 else "valid" if actor <= 20 else "test"
            index[split].append(clip(row, arrays, features))
        return index


def checked(arrays: Mapping[str, Column], path: Path) -> dict[str, Column]:
    """Return the arrays that are read; InputError where one cannot be what it is called."""
    found = columns(arrays, ["id", "au", "mfcc", *LABELS], path)
    for name, most in LABELS.items():
        whole(found[name], 1, most, f"{path}: {name}")
    for name in ("au", "mfcc"):
        measured(found[name], f"{path}: {name}")
    silent = np.flatnonzero(~found["mfcc"].any(axis=1))
    if len(silent):
        raise InputError(f"{path}: mfcc of clip {found['id'][silent[0]]} is all zeros, so it has no frames")
    return found


def contour(row: NDArray[Any]) -> NDArray[np.float64]:
    """Return the frames `(time, 1)` of a row that ends in zeros where the recording had ended."""
    return row[: int(np.flatnonzero(row)[-1]) + 1, None].astype(np.float64)


def clip(row: int, arrays: Mapping[str, Column], features: Mapping[str, Sequence[NDArray[Any]]]) -> Clip:
    actor = int(arrays["actor"][row])
    return Clip(
        str(arrays["id"][row]),
        {
            name: Features(values[row].astype(np.float32), RATE if name == "contour" else None)
            for name, values in features.items()
        },
        {
            "emotion": EMOTIONS[int(arrays["emotion"][row]) - 1],
            "intensity": INTENSITIES[int(arrays["intensity"][row]) - 1],
        },
        {
            "actor": f"{actor:02d}",
            "speaker": f"{actor:02d}",
            "gender": "male" if actor % 2 else "female",
            "statement": str(int(arrays["statement"][row])),
        },
    )


def by_actor(arrays: Sequence[NDArray[Any]], actors: Sequence[int]) -> list[NDArray[Any]]:
    """Return arrays `(time, width)` standardised by all steps of the same actor."""
    mine = {actor: np.concatenate([a for a, of in zip(arrays, actors, strict=True) if of == actor])
            for actor in set(actors)}  # fmt: skip
    scales = {actor: (own.mean(0), np.maximum(own.std(0), LEAST_DEVIATION)) for actor, own in mine.items()}
    return [
        (array - scales[actor][0]) / scales[actor][1] for array, actor in zip(arrays, actors, strict=True)
    ]
