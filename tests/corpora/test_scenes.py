"""Tests of the generated scenes: the same every time, quick, and such that no sense suffices alone."""

import time
from itertools import pairwise

import numpy as np
import pytest

from trichord.corpora import Scenes
from trichord.corpora.scenes.plan import CONSONANTS, WORDS
from trichord.media import read_video, write_video


@pytest.fixture(scope="module")
def scenes():
    corpus = Scenes(size=120)
    return {split: corpus.clips(split) for split in corpus.splits()}


def test_shapes_and_targets(scenes):
    assert [len(clips) for clips in scenes.values()] == [120, 30, 30]
    for clip in scenes["train"][:20]:
        audio, video = clip.load("audio"), clip.load("video")
        assert audio.rate == 16_000
        assert video.rate == 25
        assert 1.2 <= audio.seconds <= 1.6
        assert video.seconds == pytest.approx(audio.seconds)
        assert video.frames.shape[1:] == (48, 64, 3)
        assert abs(audio.samples).max() <= 1
        words = clip.targets["words"]
        assert clip.targets["transcript"].split() == [word.what for word in words]
        assert all(a.end < b.start for a, b in pairwise(words))
        assert 0 < words[0].start < words[-1].end < audio.seconds
        assert 0 <= clip.targets["place"] <= 1


def test_the_same_seed_gives_the_same_scene():
    def content(**options):
        clip = Scenes(**{"size": 8, **options}).clips("train")[3]
        return clip.load("audio").samples.tobytes(), clip.load("video").frames.tobytes(), clip.inputs["text"]

    assert content() == content() == content(size=20)
    assert content() != content(seed=1)


def test_keys_tell_scenes_apart():
    clips = [clip for noise in (0, 5) for clip in Scenes(size=8, noise_db=noise).clips("train")]
    assert len({clip.inputs["audio"].key for clip in clips}) == 16
    assert len({clip.inputs["video"].key for clip in clips}) == 8  # pictures do not depend on the noise


def test_all_intents_and_no_person_in_two_splits(scenes):
    assert len({clip.targets["intent"] for clip in scenes["train"]}) == 8
    people = [{clip.about["speaker"] for clip in clips} for clips in scenes.values()]
    assert not (people[0] & people[1] or people[0] & people[2] or people[1] & people[2])


def test_intent_needs_the_word_the_colour_and_the_note(scenes):
    for clip in scenes["train"]:
        action, colour, when = clip.targets["intent"].split()
        assert (action == "take") == clip.targets["transcript"].startswith("b")
        assert clip.inputs["text"].replace(" please", "").endswith(when)
        picture = clip.load("video").frames[0, 24:42, 30:].astype(int)
        reds = (picture[..., 0] - picture[..., 2] > 120).sum()
        blues = (picture[..., 2] - picture[..., 0] > 80).sum()
        assert (reds > blues) == (colour == "red")


def test_the_ring_of_confusions():
    for seen_alike, heard_alike in ((("b", "m"), ("b", "d")), (("d", "n"), ("m", "n"))):
        assert len({CONSONANTS[c][0] for c in seen_alike}) == 1
        assert len({CONSONANTS[c][1] for c in heard_alike}) == 1
    assert len({(*CONSONANTS[c], vowel) for c, vowel in WORDS.values()}) == 8


def test_lips_cannot_tell_b_from_m_but_can_tell_b_from_d():
    from dataclasses import replace

    from trichord.corpora.scenes import drawing
    from trichord.corpora.scenes.plan import plan_scene

    plan = plan_scene("train", np.random.default_rng(0))

    def mouth(word):
        words = (replace(plan.words[0], what=word), *plan.words[1:])
        return drawing.mouth_shapes(replace(plan, words=words), 30)

    assert np.array_equal(mouth("bee"), mouth("me"))
    assert np.array_equal(mouth("no"), mouth("doe"))
    assert not np.allclose(mouth("bee"), mouth("dee"))


def features(clips):
    """Return voice and lips features of every word, and the words; timings are given, for a crude probe."""
    voice, lips, said = [], [], []
    for clip in clips:
        samples, frames = clip.load("audio").samples, clip.load("video").frames
        for word in clip.targets["words"]:
            sound = samples[int(word.start * 16000) :][: 10 * 400].reshape(10, 400)
            power = abs(np.fft.rfft(sound * np.hanning(400), 512)) ** 2
            bands = np.add.reduceat(power, np.unique(np.geomspace(3, 256, 24).astype(int)), axis=1)
            voice.append(np.log(bands + 1e-5).ravel())
            begin = round(word.start * 25)
            lips.append(frames[begin : begin + 5, 29:42:2, 9:26:2].mean(-1).ravel() / 64)
            said.append(word.what)
    return np.array(voice), np.array(lips), said


def test_voice_and_lips_together_win():
    corpus = Scenes(size=160)
    train, test = features(corpus.clips("train")), features(corpus.clips("test"))
    signs = {word: (c in "bm", c in "mn", vowel == "ee") for word, (c, vowel) in WORDS.items()}

    def accuracy(*parts):
        """Fit ridge regression to place, manner and vowel; return how often all three are right."""
        seen, unseen = (np.concatenate([split[part] for part in parts], axis=1) for split in (train, test))
        mean, scale = seen.mean(0), seen.std(0) + 1e-3
        seen, unseen = (seen - mean) / scale, (unseen - mean) / scale
        known, wanted = (np.array([signs[word] for word in split[2]]) for split in (train, test))
        weights = np.linalg.solve(
            seen.T @ seen + 100 * np.eye(seen.shape[1]), seen.T @ (known - known.mean(0))
        )
        return np.mean(((unseen @ weights > 0) == wanted).all(1))

    voice, lips, both = accuracy(0), accuracy(1), accuracy(0, 1)
    assert both > 0.9
    assert voice < 0.75
    assert lips < 0.65


def test_the_boxes_that_the_docstring_names_hold_the_mouth_and_the_object(scenes):
    for clip in scenes["train"][:30]:
        frames = clip.load("video").frames.astype(int)
        moving = np.ptp(frames[:, 28:], axis=0).max(-1) > 60  # below the eyes
        rows, columns = np.nonzero(moving)
        assert 0.6 * 48 <= rows.min() + 28 < rows.max() + 29 <= 0.88 * 48 + 1
        assert 0.14 * 64 - 1 <= columns.min() <= columns.max() + 1 <= 0.41 * 64 + 1
        bright = np.ptp(frames[0, :, 32:], axis=-1) > 110  # red or blue, not the table
        assert np.nonzero(bright)[0].min() >= 0.5 * 48


def test_scenes_are_made_quickly(scenes):
    for clip in scenes["train"][:30]:
        clip.load("audio")
    begin = time.process_time()
    for clip in scenes["train"][:30]:
        clip.load("audio")
        clip.load("video")
    assert (time.process_time() - begin) / 30 < 0.02  # about 3 ms on a quiet machine


def test_a_scene_can_be_written_as_a_film(scenes, tmp_path):
    clip = scenes["test"][0]
    write_video(tmp_path / "scene.mp4", clip.load("video"), clip.load("audio"))
    assert read_video(tmp_path / "scene.mp4").frames.shape == clip.load("video").frames.shape
