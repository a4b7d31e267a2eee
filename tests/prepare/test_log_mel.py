"""Tests of sound as log filter-bank energies by speaker."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trichord.clip import Audio
from trichord.features.audio import log_mel
from trichord.prepare import Cache, LogMel, prepare_input
from trichord.prepare.cache import measure

RATE = 8000


def voice(seed: int, gain: float = 0.1, seconds: float = 0.5) -> Audio:
    samples = np.random.default_rng(seed).normal(0, gain, round(seconds * RATE))
    return Audio(samples.astype(np.float32), RATE)


def test_it_is_the_log_mel_of_the_features_standardised() -> None:
    clips = [voice(seed, gain=0.1 * (1 + seed)) for seed in range(5)]
    prepare, plain = LogMel(RATE, bands=20), LogMel(RATE, bands=20, normalise=False)
    for one in (prepare, plain):
        one.fit(clips)
        assert (one.spec.kind, one.spec.rate, one.spec.shape) == ("array", 100.0, (20,))
    np.testing.assert_allclose(plain(clips[0]), log_mel(clips[0].samples, RATE, bands=20), atol=1e-5)
    rows = np.concatenate([prepare(clip) for clip in clips])
    np.testing.assert_allclose(rows.mean(0), 0, atol=1e-3)
    np.testing.assert_allclose(rows.std(0), 1, atol=1e-3)


def test_neither_level_nor_microphone_tells_who_is_known_by_many_clips() -> None:
    loud, soft = ([voice(seed, gain) for seed in range(400)] for gain in (0.3, 0.003))
    prepare = LogMel(RATE, bands=10, by="speaker")
    prepare.fit([*loud[:50], *soft[:50]])
    one, other = (prepare.accustomed(clips)(clips[0]) for clips in (loud, soft))
    assert np.abs(one - other).max() < 0.2 * np.abs(prepare(loud[0]) - prepare(soft[0])).max()


@given(samples=st.integers(0, 2000))
def test_any_length_is_heard(samples: int) -> None:
    prepare = LogMel(RATE, bands=10)
    prepare.fit([voice(0)])
    found = prepare(Audio(np.zeros(samples, np.float32), RATE))
    assert np.isfinite(found).all()
    assert (len(found) > 0) == (samples > 0)


@pytest.mark.parametrize("by", [None, "speaker"])
def test_what_was_measured_is_kept_and_keeps_its_clock(tmp_path: Path, by: str | None) -> None:
    prepare, cache, clip = LogMel(RATE, bands=10, by=by), Cache(tmp_path), voice(1)
    prepare.fit([measure(prepare, clip, cache), measure(prepare, clip, cache)])
    assert prepare.spec.rate == 100.0
    np.testing.assert_array_equal(prepare_input(prepare, clip, cache), prepare(clip))
    again = LogMel(RATE, bands=10, by=by)
    again.restore(prepare.state())
    np.testing.assert_array_equal(again(clip), prepare(clip))
