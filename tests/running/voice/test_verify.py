from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from trichord.clip import Audio, Clip
from trichord.decoding import Decoded
from trichord.errors import InputError
from trichord.running.voice import KnownVoices, ModelVoice, verify
from trichord.running.voice.embeddings import contrastive_head

RATE = 16_000


class Fake:
    """A model whose embedding of a sound is its sign: two places on a circle; of silence, none."""

    path = Path("fake.onnx")

    def __init__(self, **heads):
        self.heads = heads or {"voice": {"kind": "contrastive", "size": 2, "threshold": 0.5}}
        self.asked = []

    def batch(self, clips):
        self.asked.append(len(clips))
        signs = [float(np.sign(clip.inputs["audio"].samples.mean())) for clip in clips]
        return [{"voice": Decoded((sign, 0.0), None, 0.0)} for sign in signs]


def clip(level):
    return Clip("x", {"audio": Audio(np.full(RATE, level, np.float32), RATE)})


def test_voices_are_the_same_from_the_threshold_on():
    model = Fake()
    same = verify(model, clip(0.1), clip(0.2))
    assert (same.cosine, same.threshold, same.same) == (1.0, 0.5, True)
    assert verify(model, clip(0.1), clip(-0.2)).same is False
    assert verify(model, clip(0.1), clip(-0.2), threshold=-1.0).same is True
    unsure = Fake(voice={"kind": "contrastive", "size": 2, "threshold": None})
    assert verify(unsure, clip(0.1), clip(0.1)).same is None
    with pytest.raises(InputError, match="nothing to be heard"):
        verify(model, clip(0.1), clip(0.0))


def test_a_voice_is_the_nearest_known_one_or_nobodys():
    known = {"ann": [clip(0.1), clip(0.3)], "bob": [clip(-0.1), clip(-0.2), clip(-0.3)]}
    model = Fake()
    people = KnownVoices(model, known, batch=2)
    assert model.asked == [2, 2, 1]
    found = people(clip(-0.5))
    assert (found.name, found.cosines) == ("bob", {"ann": -1.0, "bob": 1.0})
    only_ann = {"ann": known["ann"]}
    assert KnownVoices(model, only_ann)(clip(-0.5)).name is None  # by the model's own threshold
    assert KnownVoices(model, only_ann, threshold=-1)(clip(-0.5)).name == "ann"
    unsure = Fake(voice={"kind": "contrastive", "size": 2, "threshold": None})
    assert KnownVoices(unsure, only_ann)(clip(-0.5)).name == "ann"


def test_a_threshold_is_a_cosine():
    for threshold in (1.5, float("nan")):
        with pytest.raises(InputError, match="a threshold is a cosine"):
            KnownVoices(Fake(), {"ann": [clip(0.1)]}, threshold=threshold)


def test_who_cannot_be_heard_cannot_be_known():
    with pytest.raises(InputError, match="nobody is known"):
        KnownVoices(Fake(), {})
    with pytest.raises(InputError, match="ann: nothing is to be heard in 1 clips"):
        KnownVoices(Fake(), {"ann": [clip(0.0)]})
    with pytest.raises(InputError, match="no voice can be told"):
        KnownVoices(Fake(), {"ann": [clip(0.1)]})(clip(0.0))


def test_a_model_knows_how_far_apart_two_voices_are():
    assert ModelVoice(Fake()).distance == 0.5
    assert ModelVoice(Fake(voice={"kind": "contrastive", "size": 2, "threshold": None})).distance is None


def test_the_head_that_embeds_is_found():
    both = {"voice": {"kind": "contrastive"}, "face": {"kind": "contrastive"}}
    assert contrastive_head(Fake()) == "voice"
    assert contrastive_head(Fake(**both), "face") == "face"
    for model, head, says in (
        (Fake(word={"kind": "ctc"}), None, "has no contrastive head"),
        (Fake(**both), None, "several contrastive heads; name one of voice, face"),
        (Fake(**both), "fase", "did you mean 'face'"),
    ):
        with pytest.raises(InputError, match=says):
            contrastive_head(model, head)


def test_spans_are_embedded_in_batches():
    model = Fake()
    sound = Audio(np.repeat(np.array([0.1, -0.1], np.float32), RATE), RATE)
    rows = ModelVoice(model, batch=2)(sound, [(0.0, 0.9), (1.1, 2.0), (1.5, 1.5)])
    assert rows.tolist() == [[1, 0], [-1, 0], [-1, 0]]
    assert model.asked == [2, 1]
    assert ModelVoice(model)(sound, []).shape == (0, 2)
