from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trichord.clip import Audio
from trichord.media import Resampler, resample


@settings(max_examples=50, deadline=None)
@given(
    rates=st.tuples(st.sampled_from([8000, 16000, 22050, 44100]), st.sampled_from([8000, 16000, 48000])),
    cuts=st.lists(st.integers(0, 5000), max_size=8),
)
def test_any_blocks_give_the_whole(rates: tuple[int, int], cuts: list[int]) -> None:
    samples = np.random.default_rng(1).standard_normal(5000).astype(np.float32)
    resampler = Resampler(*rates)
    for _ in range(2):
        parts = [resampler.push(part) for part in np.split(samples, sorted(cuts))]
        parts.append(resampler.push(samples[:0], last=True))
        whole = resample(Audio(samples, rates[0]), rates[1])
        np.testing.assert_array_equal(np.concatenate(parts), whole.samples)
        resampler.reset()


def test_a_tone_keeps_its_pitch_and_its_level() -> None:
    tone = Audio(np.sin(2 * np.pi * 1000 * np.arange(44100) / 44100), 44100)
    heard = resample(tone, 16000)
    assert (heard.rate, len(heard.samples)) == (16000, 16000)
    assert np.argmax(np.abs(np.fft.rfft(heard.samples))) == 1000
    assert np.sqrt(np.mean(heard.samples[4000:12000] ** 2)) == pytest.approx(np.sqrt(0.5), rel=1e-3)


def test_what_the_new_rate_cannot_carry_is_gone() -> None:
    tone = Audio(np.sin(2 * np.pi * 12000 * np.arange(48000) / 48000), 48000)
    assert np.abs(resample(tone, 16000).samples[1000:-1000]).max() < 1e-3


def test_the_same_rate_is_the_same_sound() -> None:
    audio = Audio(np.zeros(5), 16000)
    assert resample(audio, 16000) is audio
