"""CMU-MOSI as features of utterances, in the order in which they are said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from trichord.clip import Clip, Event, Features
from trichord.corpora.arrays import Column, columns, measured, read_arrays, whole
from trichord.corpora.corpus import About, Corpus, Index, share

LABELS = ("negative", "positive")
INPUTS = {"words": "text", "voice": "audio", "face": "video"}
VALID_SHARE = 0.2
VERSION = 1
"""Raised when the same share of doubt exchanges other utterances than before."""


class Mosi(Corpus):
    """Opinion videos of CMU-MOSI (Zadeh et al. 2016), as the features that bc-LSTM's authors published.

    A clip is a video; its inputs `words` (100 wide), `voice` (73) and `face` (100) step by utterance, without
    a clock. Target: `sentiment`, an event `negative` or `positive` for every utterance. About: `video`.

    The split is the official one, by speaker: 62 videos to train on and 31 to test on. A fifth of the
    training videos, by the hash of their names, validates.

    The extractors of words and face were evidently taught with the labels of all training videos: from those
    features alone a linear classifier is right about 98 % and 91 % of the utterances of a training video that
    it has not seen, and about 76 % and 53 % in test videos. So validation says nothing of test as it stands.

    doubt: by input, the share of the utterances of validation videos whose features are exchanged, once and
        for all, for those of another utterance of these videos; twice the error rate published for a sense
        brings its worth to what it will be. Training videos stay as they are; see the objective SwapSteps.
    """

    name = "mosi"
    about = About(
        title="CMU-MOSI, bc-LSTM's features",
        licence="not stated (the carrying repository: MIT)",
        commercial=None,
        source="the repository declare-lab/multimodal-deep-learning, folder bc-LSTM/data",
        size_mb=1.9,
        tasks=("sentiment",),
    )

    def __init__(
        self,
        folder: Path | None = None,
        doubt: dict[Literal["words", "voice", "face"], Annotated[float, Field(ge=0, le=1)]] | None = None,
    ) -> None:
        self.folder = folder
        self.doubt = doubt

    def read(self) -> Index:
        path = self.root / "mosi.npz"
        arrays = read_arrays(path)
        learned, tested = (videos(checked(arrays, split, path)) for split in ("train", "test"))
        valid = [clip for clip in learned if share(clip.id) < VALID_SHARE]
        return {
            "train": [clip for clip in learned if share(clip.id) >= VALID_SHARE],
            "valid": doubted(valid, self.doubt or {}),
            "test": tested,
        }


def checked(arrays: Mapping[str, Column], split: str, path: Path) -> dict[str, Column]:
    """Return a split's arrays by what they hold; InputError where one cannot be what it is called."""
    names = ("video_id", "utt", "y", *INPUTS.values())
    found = columns(arrays, [f"{name}_{split}" for name in names], path)
    own = {name: found[f"{name}_{split}"] for name in names}
    whole(own["utt"], 0, np.iinfo(np.int32).max, f"{path}: utt_{split}")
    whole(own["y"], 0, len(LABELS) - 1, f"{path}: y_{split}")
    for source in INPUTS.values():
        measured(own[source], f"{path}: {source}_{split}")
    return own


def videos(arrays: Mapping[str, Column]) -> list[Clip]:
    """Return a split's videos, in the order of their names."""
    names, numbers = arrays["video_id"], arrays["utt"]
    order = sorted(range(len(names)), key=lambda row: (str(names[row]), int(numbers[row])))
    return [video(name, list(rows), arrays) for name, rows in groupby(order, lambda row: str(names[row]))]


def video(name: str, rows: list[int], arrays: Mapping[str, Column]) -> Clip:
    inputs = {key: Features(arrays[source][rows].astype(np.float32)) for key, source in INPUTS.items()}
    said = [LABELS[int(label)] for label in arrays["y"][rows]]
    events = tuple(Event(label, step, step + 1) for step, label in enumerate(said))
    return Clip(name, inputs, {"sentiment": events}, {"video": name})


def doubted(clips: Sequence[Clip], doubt: Mapping[Any, float]) -> list[Clip]:
    """Return the videos with a share of each input's steps taken from anywhere in them."""
    made = list(clips)
    if not made:
        return made
    for number, name in enumerate(INPUTS):
        rng = np.random.default_rng([VERSION, number])
        every = np.concatenate([features(clip, name) for clip in clips])
        for place, clip in enumerate(clips):
            own = features(clip, name)
            taken = rng.random(len(own)) < doubt.get(name, 0.0)
            other = every[rng.integers(len(every), size=len(own))]
            changed = {**made[place].inputs, name: Features(np.where(taken[:, None], other, own))}
            made[place] = replace(made[place], inputs=changed)
    return made


def features(clip: Clip, name: str) -> NDArray[np.float32]:
    found = clip.load(name)
    assert isinstance(found, Features)
    return found.values
