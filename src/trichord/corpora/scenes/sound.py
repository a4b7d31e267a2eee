"""What is heard in a generated scene: a formant-synthesised voice, a bell, and noise."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trichord.corpora.scenes.plan import CONSONANTS, PEOPLE, WORDS, Plan

RATE = 16_000
WORD_SECONDS = 0.30
CONSONANT_SECONDS = 0.09
GLIDE_SECONDS = 0.05
VOICE_LEVEL = 0.08
"""Root mean square of the voice where it speaks."""

VOWELS = {"ee": (270.0, 2290.0, 3010.0), "oh": (500.0, 880.0, 2410.0)}
"""Formants in Hz (Peterson & Barney 1952, for men)."""
WIDTHS = (70.0, 100.0, 140.0)
LOCUS = {"closed": 900.0, "open": 1700.0}
"""Where the second formant begins, in Hz, by place of articulation (Delattre et al. 1955)."""
LOCUS_WEIGHT = 0.3
BURST = {"closed": 700.0, "open": 3600.0}
MURMUR = 250.0
BELL_LEVEL = 0.15
BELL_PARTIALS = ((1.0, 1.0), (2.76, 0.4), (5.40, 0.15))
"""Frequency ratio and strength of a struck bar's first modes."""

Samples = NDArray[np.float32]
Numbers = NDArray[np.floating[Any]]


def render(plan: Plan, noise_db: float, rng: np.random.Generator) -> Samples:
    """Return the scene's sound, float32 `(time,)` at 16 kHz, within ±1."""
    samples = np.zeros(round(plan.seconds * RATE), np.float32)
    for word in plan.words:
        begin, end = round(word.start * RATE), round((word.end or 0) * RATE)
        spoken = utterance(word.what, plan.person)
        samples[begin:end] = np.interp(
            np.linspace(0, len(spoken) - 1, end - begin), np.arange(len(spoken)), spoken
        )
    samples[round(plan.bell * RATE) :] += bell(plan.heard, len(samples) - round(plan.bell * RATE))
    level = np.float32(VOICE_LEVEL * 10 ** (noise_db / 20))
    samples += level * rng.standard_normal(len(samples), np.float32)
    return np.clip(samples, -1, 1)


def bell(pitch: float, length: int) -> Samples:
    """Return a bell whose pitch rises two octaves, 500 to 2000 Hz, as `pitch` goes from 0 to 1."""
    time = np.arange(length) / RATE
    frequency = 500 * 4**pitch
    partials = [(r * frequency, strength) for r, strength in BELL_PARTIALS if r * frequency < RATE / 2]
    tone = np.sum([strength * np.sin(2 * np.pi * f * time) for f, strength in partials], axis=0)
    return np.asarray(BELL_LEVEL * tone * np.exp(-time / 0.08), np.float32)


@lru_cache(maxsize=len(WORDS) * sum(map(len, PEOPLE.values())))
def utterance(word: str, person: int) -> Samples:
    """Return a word as one person says it: harmonics shaped by moving formants (Fant 1960)."""
    rng = np.random.default_rng([person, 1])
    pitch, tract = rng.uniform(100, 220), rng.uniform(0.95, 1.12)
    consonant, vowel = WORDS[word]
    look, manner = CONSONANTS[consonant]
    time = np.arange(round(WORD_SECONDS * RATE)) / RATE
    frames = np.linspace(0, WORD_SECONDS, 64)
    harmonics = np.arange(1, int(4500 / pitch))[:, None]
    spectrum = resonance(pitch * harmonics, formants(vowel, look, frames) * tract) / harmonics
    spectrum *= strength(manner, frames, pitch * harmonics)
    amplitudes = np.stack([np.interp(time, frames, row) for row in spectrum])
    phase = 2 * np.pi * pitch * (time - 0.25 * time**2)
    voiced = (amplitudes * np.sin(harmonics * phase)).sum(0)
    spoken = voiced / np.sqrt(np.mean(voiced**2))
    if manner == "plosive":
        spoken += burst(BURST[look], time, rng)
    return np.asarray(VOICE_LEVEL * spoken, np.float32)


def formants(vowel: str, look: str, frames: Numbers) -> Numbers:
    """Return formant frequencies in Hz, `(3, frames)`: from the consonant's locus into the vowel."""
    f1, f2, f3 = VOWELS[vowel]
    onset = f2 + LOCUS_WEIGHT * (LOCUS[look] - f2)
    times = [CONSONANT_SECONDS, CONSONANT_SECONDS + GLIDE_SECONDS]
    return np.stack([np.interp(frames, times, pair) for pair in ((MURMUR, f1), (onset, f2), (f3, f3))])


def resonance(frequency: Numbers, formants: Numbers) -> Numbers:
    """Return the gain of three resonances in cascade, `(harmonics, frames)`."""
    gain = np.ones((len(frequency), formants.shape[1]))
    for formant, width in zip(formants, WIDTHS, strict=True):
        gain *= formant**2 / np.hypot(formant**2 - frequency**2, width * frequency)
    return gain


def strength(manner: str, frames: Numbers, frequency: Numbers) -> Numbers:
    """Return how loud each harmonic is over time: a nasal hums low, a plosive is silent, then the vowel."""
    held = 0.8 / (1 + (frequency / 600) ** 2) if manner == "nasal" else np.full_like(frequency, 0.01)
    opened = np.clip((frames - CONSONANT_SECONDS) / 0.015 + 1, 0, 1)
    edges = np.clip(np.minimum(frames / 0.01, (WORD_SECONDS - frames) / 0.04), 0, 1)
    result: Numbers = (held + (1 - held) * opened) * edges
    return result


def burst(frequency: float, time: Numbers, rng: np.random.Generator) -> Numbers:
    """Return the puff of a released closure, narrow noise about `frequency` Hz for 10 ms."""
    envelope = np.exp(-(((time - CONSONANT_SECONDS) / 0.005) ** 2))
    wander = np.cumsum(rng.normal(0, 0.3, len(time)))
    return np.asarray(0.5 * envelope * np.sin(2 * np.pi * frequency * time + wander))
