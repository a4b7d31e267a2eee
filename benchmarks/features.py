"""Are our classical features what the libraries of the field compute, and as fast?

    OMP_NUM_THREADS=1 python benchmarks/features.py [--only NAME] [--dry]

About a minute of GRID's speech, one thread: every repetition times ours and the peer once, in turn, so that
their ratio shares whatever else the machine was doing. openSMILE runs in a process and an environment of its
own; making that, once, needs a package index.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import kaldi_native_fbank
import librosa
import numpy as np
import scipy.linalg
import scipy.signal
from peer import PEERS, environment
from results import record

from trichord.corpora.grid import Grid
from trichord.features import audio

RATE, CLIPS, REPETITIONS = 16_000, 20, 11
LEAST_SECONDS = 0.02  # of one measurement, in which what is faster is done several times
FULL_SCALE = 32767
LENGTH, HOP, FFT, BANDS = 400, 160, 512, 80
FRAMES = {"n_fft": FFT, "win_length": LENGTH, "hop_length": HOP, "center": False}
MEL: dict[str, Any] = {"sr": RATE, "fmin": 20, "htk": True, "norm": None, **FRAMES}
AT_START = (FFT - LENGTH) // 2  # librosa centres a window in its FFT; ours stands at the start of it
KALDI: dict[str, Any] = {"window": "povey", "scale": "kaldi"}
FLOOR = np.float32(np.log(1e-10))
KALDIS_RANGE = 32768  # of samples, which adds a constant to every log
PLAIN: dict[str, Any] = {"preemphasis": 0, "remove_dc": False}  # librosa does neither
HTK: dict[str, Any] = {"bands": 26, "low_hz": 0, "remove_dc": False}

Array = np.ndarray
Run = Callable[[], Array]


class Pair(NamedTuple):
    """One feature, by us and by a peer.

    `tolerance`: of the largest difference, or of one that so many stay below, as a share of the peer's root
    mean square. `note`: what is compared.
    """

    feature: str
    peer: str
    ours: Run
    theirs: Run
    tolerance: float
    note: str
    within: float = 1.0


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", help="only this feature")
    parser.add_argument("--dry", action="store_true", help="print, and record nothing")
    options = parser.parse_args()
    if os.environ.get("OMP_NUM_THREADS") != "1":
        sys.exit("set OMP_NUM_THREADS=1, which every library here reads when it is loaded")
    steps = speech()
    samples = (steps / FULL_SCALE).astype(np.float32)
    for pair in (*of_frames(samples), *of_spectra(samples), *of_filters(samples), *of_kaldi(samples)):
        if options.only in (None, pair.feature):
            tell(pair, interleaved(timed(pair.ours), timed(pair.theirs)), options.dry)
    for feature in ("mfcc", "plp"):
        if options.only in (None, feature):
            with_opensmile(feature, samples, steps, options.dry)


def speech() -> Array:
    """Return the first clips of the training split, one after the other, int16 with dither, -6 dB at most."""
    clips = Grid().clips("train")[:CLIPS]
    joined = np.concatenate([clip.inputs["audio"].at(RATE).samples for clip in clips])
    dither = np.random.default_rng(0).uniform(-0.5, 0.5, len(joined))
    return np.round(joined / np.abs(joined).max() * FULL_SCALE / 2 + dither).astype(np.int16)


def of_frames(samples: Array) -> Iterator[Pair]:
    """Yield what librosa takes from frames, and from their cepstra."""
    cuts = {"frame_length": LENGTH, "hop_length": HOP, "center": False}
    cepstra = audio.mfcc(samples, RATE)
    yield Pair(
        "energy", "librosa", lambda: audio.energy(samples, RATE),
        lambda: librosa.feature.rms(y=samples, **cuts)[0] ** 2, 1e-5, "rms, squared",
    )  # fmt: skip
    yield Pair(
        "zero_crossings", "librosa", lambda: audio.zero_crossings(samples, RATE),
        lambda: librosa.feature.zero_crossing_rate(samples, **cuts)[0], 1e-5, "zero_crossing_rate",
    )  # fmt: skip
    yield Pair(
        "deltas", "librosa", lambda: audio.deltas(cepstra),
        lambda: librosa.feature.delta(cepstra.T, mode="nearest").T, 1e-5, "delta of 13 MFCC, width 9",
    )  # fmt: skip


def of_spectra(samples: Array) -> Iterator[Pair]:
    """Yield what librosa takes from the short-time spectrum; both start from samples."""
    feature, shifted = librosa.feature, np.pad(samples, AT_START)
    yield Pair(
        "stft", "librosa", lambda: np.abs(audio.stft(samples, RATE)),
        lambda: np.abs(librosa.stft(shifted, **FRAMES)).T, 1e-4, "magnitudes of stft",
    )  # fmt: skip
    shapes: tuple[tuple[Any, Any, dict[str, int], float], ...] = (
        (audio.centroid, feature.spectral_centroid, {"sr": RATE}, 1e-3),
        (audio.bandwidth, feature.spectral_bandwidth, {"sr": RATE}, 1e-3),
        (audio.roll_off, feature.spectral_rolloff, {"sr": RATE}, 0.02),  # a bin
        (audio.flatness, feature.spectral_flatness, {}, 1e-3),
    )
    for shape, theirs, more, tolerance in shapes:
        yield Pair(
            shape.__name__, "librosa", partial(lambda of: of(audio.spectrum(samples, RATE)), shape),
            partial(lambda of, more: of(y=shifted, **more, **FRAMES)[0], theirs, more), tolerance,
            f"{theirs.__name__}, from samples",
        )  # fmt: skip
    yield Pair(
        "log_mel", "librosa", lambda: audio.log_mel(samples, RATE, **PLAIN),
        lambda: np.log(np.maximum(feature.melspectrogram(y=shifted, n_mels=BANDS, **MEL), 1e-10)).T, 1e-2,
        "logarithm of melspectrogram, 80 HTK bands",
    )  # fmt: skip
    yield Pair(
        "mfcc", "librosa", lambda: audio.mfcc(samples, RATE, cepstral_lifter=0, **PLAIN),
        lambda: mfcc_in_nepers(shifted), 1e-3, "mfcc, 13 of 26 HTK bands",
    )  # fmt: skip


def mfcc_in_nepers(samples: Array) -> Array:
    bands = librosa.feature.melspectrogram(y=samples, n_mels=26, **MEL)
    return librosa.feature.mfcc(S=librosa.power_to_db(bands, top_db=None), n_mfcc=13).T * (np.log(10) / 10)


def of_filters(samples: Array) -> Iterator[Pair]:
    """Yield filters and linear prediction as SciPy does them, and the pitch as librosa does."""
    sections = scipy.signal.butter(4, (300, 3400), "bandpass", fs=RATE, output="sos")
    inside = slice(RATE // 2, -RATE // 2)
    voiced = audio.pitch(samples, RATE).voicing > 0.9
    yin = {"fmin": 60, "fmax": 400, "sr": RATE, "frame_length": 2 * LENGTH, "hop_length": HOP,
           "center": False, "trough_threshold": 0.15}  # fmt: skip
    yield Pair(
        "band_pass", "scipy", lambda: audio.band_pass(samples, RATE, 300, 3400)[inside],
        lambda: scipy.signal.sosfiltfilt(sections, samples)[inside], 1e-4,
        "sosfiltfilt of butter(4), 300 to 3400 Hz; half a second off the ends, which differ",
    )  # fmt: skip
    yield Pair(
        "lpc", "scipy", lambda: audio.lpc(samples, RATE, order=12, preemphasis=0),
        lambda: predicted(samples, 12), 1e-4, "solve_toeplitz of every frame, order 12",
    )  # fmt: skip
    yield Pair(
        "pitch", "librosa", lambda: audio.pitch(samples, RATE).hz[voiced],
        lambda: librosa.yin(samples, **yin)[voiced], 0.05,
        "yin, where our voicing is above 0.9; librosa compares ever less of a frame, we always as much",
        0.99,
    )  # fmt: skip


def predicted(samples: Array, order: int) -> Array:
    tapered = audio.frame(samples, RATE) * audio.window("hamming", LENGTH)
    spectra = np.fft.rfft(tapered, 2 * FFT)
    lags = np.fft.irfft(np.abs(spectra) ** 2)[:, : order + 1]
    lags[:, 0] *= 1 + 1e-9
    return np.stack([[1, *scipy.linalg.solve_toeplitz(row[:-1], -row[1:])] for row in lags])


def of_kaldi(samples: Array) -> Iterator[Pair]:
    banks, cepstra = kaldi_native_fbank.FbankOptions(), kaldi_native_fbank.MfccOptions()
    banks.frame_opts.dither = cepstra.frame_opts.dither = 0
    banks.mel_opts.num_bins = BANDS
    cepstra.use_energy = False
    larger, constant = samples * KALDIS_RANGE, np.float32(2 * np.log(KALDIS_RANGE))
    yield Pair(
        "log_mel", "kaldi", lambda: audio.log_mel(samples, RATE, **KALDI),
        lambda: np.maximum(computed(kaldi_native_fbank.OnlineFbank(banks), larger) - constant, FLOOR), 1e-3,
        "Fbank, 80 bands, floored as ours are",
    )  # fmt: skip
    yield Pair(
        "mfcc", "kaldi", lambda: audio.mfcc(samples, RATE, bands=23, **KALDI)[:, 1:],
        lambda: computed(kaldi_native_fbank.OnlineMfcc(cepstra), larger)[:, 1:], 1e-2, "Mfcc, 12 of 23 bands",
    )  # fmt: skip


def computed(computer: Any, samples: Array) -> Array:
    computer.accept_waveform(RATE, samples)
    computer.input_finished()
    return np.stack([computer.get_frame(index) for index in range(computer.num_frames_ready)])


def with_opensmile(feature: str, samples: Array, steps: Array, dry: bool) -> None:
    """Compare cepstra with openSMILE's."""
    ours: dict[str, Run] = {
        "mfcc": lambda: audio.mfcc(samples, RATE, scale="kaldi", **HTK)[:, 1:],
        "plp": lambda: audio.plp(samples, RATE, compression=0.33, **HTK)[:, 1:],
    }
    with opensmile(steps, f"{feature}.conf") as (found, seconds, version):
        note = f"openSMILE {version}, 12 of 26 HTK bands, Python's process_signal"
        pair = Pair(feature, "opensmile", ours[feature], lambda: found, 1e-2, note)
        tell(pair, interleaved(timed(pair.ours), seconds), dry)


@contextmanager
def opensmile(steps: Array, config: str) -> Iterator[tuple[Array, Callable[[], float], str]]:
    """Give what openSMILE measured, what lets it measure anew and tells the seconds, and its version."""
    with tempfile.TemporaryDirectory() as folder:
        sound, out = Path(folder, "samples.npy"), Path(folder, "out.npy")
        np.save(sound, steps)
        command = [
            environment("opensmile"),
            "-I",
            PEERS / "extract.py",
            PEERS / config,
            sound,
            str(RATE),
            out,
        ]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            about = json.loads(answer(process))
            yield np.load(out), lambda: float(answer(process, "again\n")), about["version"]
            process.communicate()


def answer(process: subprocess.Popen[str], line: str = "") -> str:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(line)
    process.stdin.flush()
    return process.stdout.readline()


def timed(run: Run) -> Callable[[], float]:
    """Return what runs a function, often enough to be measured, and tells the seconds of one."""
    run()
    start = time.perf_counter()
    run()
    times = max(1, round(LEAST_SECONDS / (time.perf_counter() - start)))

    def seconds() -> float:
        start = time.perf_counter()
        for _ in range(times):
            run()
        return (time.perf_counter() - start) / times

    return seconds


def interleaved(ours: Callable[[], float], theirs: Callable[[], float]) -> Sequence[float]:
    """Return how many times as fast as the peer we are, once a repetition."""
    return [theirs() / ours() for _ in range(REPETITIONS)]


def tell(pair: Pair, ratios: Sequence[float], dry: bool) -> None:
    """Print and record the largest difference and the ratios of the times."""
    ours, theirs = pair.ours(), pair.theirs()
    assert ours.shape == theirs.shape, (pair.feature, pair.peer, ours.shape, theirs.shape)
    size = np.sqrt(np.mean(np.square(theirs, dtype=np.float64)))
    difference = float(np.quantile(np.abs(ours - theirs), pair.within) / size)
    low, middle, high = map(float, np.quantile(ratios, [0.25, 0.5, 0.75]))
    row, bar = f"features/{pair.feature}/{pair.peer}", f"<= {pair.tolerance:g}"
    print(f"{row}: {difference:.2g} ({bar}) off; {middle:.2f} times as fast ({low:.2f} to {high:.2f})")
    if dry:
        return
    largest = "largest difference" if pair.within == 1 else f"difference that {pair.within:.0%} stay below"
    record(f"{row}/difference", difference, f"{largest} / rms", n=ours.size, bar=bar,
           note=f"{pair.note}; as a share of the peer's root mean square; GRID's speech")  # fmt: skip
    record(f"{row}/speed", middle, "times as fast", spread=(low, high), n=len(ratios), bar=">= 1",
           note=f"{pair.note}; a minute of speech, one thread, in turn; spread is the quartiles")  # fmt: skip


if __name__ == "__main__":
    main()
