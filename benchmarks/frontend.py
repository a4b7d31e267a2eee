"""Is our log-mel front end as fast as the libraries that people use for it?

One minute of sound, one thread, all in one process: every repetition times each implementation once, in
turn, so that the ratios of a repetition share whatever else the machine was doing.

    OMP_NUM_THREADS=1 python benchmarks/frontend.py
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import kaldi_native_fbank
import librosa
import numpy as np
import onnxruntime
import torch
from lhotse import Fbank, FbankConfig
from results import record

from trichord.learning.encoders.front_ends.logmel import LogMel
from trichord.learning.export.graph import export_graph
from trichord.learning.stream import Stream
from trichord.prepare.preparation import InputSpec

RATE, SECONDS, REPETITIONS = 16_000, 60, 25
SPEC = InputSpec("samples", float(RATE))
Samples = np.ndarray
Run = Callable[[], object]


class Alone(torch.nn.Module):
    """A front end as a module of named streams, which is what is exported."""

    def __init__(self, front: LogMel) -> None:
        super().__init__()
        self.front = front

    def forward(self, inputs: Mapping[str, tuple[torch.Tensor, torch.Tensor]]) -> dict[str, Stream]:
        return {"frames": self.front(*inputs["voice"])}


def main() -> None:
    if os.environ.get("OMP_NUM_THREADS") != "1":
        sys.exit("set OMP_NUM_THREADS=1, which every library here reads when it is loaded")
    torch.set_num_threads(1)
    samples = np.random.default_rng(0).normal(0, 0.1, RATE * SECONDS).astype(np.float32)
    mel = built(LogMel(preemphasis=0, remove_dc=False))
    kaldi = built(LogMel(window="povey", scale="kaldi"))
    runs: dict[str, Run] = {
        "ours": in_torch(mel, samples),
        "ours_kaldi": in_torch(kaldi, samples),
        "ours_onnx": in_onnx(mel, samples),
        "librosa": in_librosa(samples),
        "kaldi_native_fbank": in_kaldi(samples),
        "lhotse": in_lhotse(samples),
    }
    times = interleaved(runs)
    for name, row in times.items():
        print(f"{name:20} {np.median(row) * 1e3:7.1f} ms, {min(row) * 1e3:.1f} to {max(row) * 1e3:.1f}")
    compare("frontend/vs-librosa", times, "librosa", "ours", ">= 1")
    compare("frontend/vs-kaldi-native-fbank", times, "kaldi_native_fbank", "ours_kaldi", ">= 1")
    compare("frontend/vs-lhotse", times, "lhotse", "ours_kaldi", ">= 1")
    compare("frontend/exported-vs-librosa", times, "librosa", "ours_onnx", ">= 0.5")


def built(front: LogMel) -> LogMel:
    front.build(SPEC)
    return front.eval()


def in_torch(front: LogMel, samples: Samples) -> Run:
    values, lengths = torch.from_numpy(samples)[None], torch.tensor([len(samples)])

    def run() -> None:
        with torch.no_grad():
            front(values, lengths)

    return run


def in_onnx(front: LogMel, samples: Samples) -> Run:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "front_end.onnx")
        export_graph(Alone(front), {"voice": SPEC}, path)
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    feeds = {"voice": samples[None], "voice_lengths": np.array([len(samples)])}
    return lambda: session.run(None, feeds)


def in_librosa(samples: Samples) -> Run:
    def run() -> None:
        power = librosa.feature.melspectrogram(
            y=samples, sr=RATE, n_fft=512, hop_length=160, win_length=400, center=False,
            n_mels=80, fmin=20, htk=True, norm=None,
        )  # fmt: skip
        np.log(np.maximum(power, 1e-10))

    return run


def in_kaldi(samples: Samples) -> Run:
    options = kaldi_native_fbank.FbankOptions()
    options.frame_opts.dither = 0
    options.mel_opts.num_bins = 80

    def run() -> None:
        computer = kaldi_native_fbank.OnlineFbank(options)
        computer.accept_waveform(RATE, samples)
        computer.input_finished()
        for index in range(computer.num_frames_ready):
            computer.get_frame(index)

    return run


def in_lhotse(samples: Samples) -> Run:
    extractor = Fbank(FbankConfig(num_filters=80, dither=0.0))
    return lambda: extractor.extract(samples, RATE)


def interleaved(runs: Mapping[str, Run]) -> dict[str, list[float]]:
    """Return seconds by name, one per repetition; a first, untimed one warms everything up."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for repetition in range(REPETITIONS + 1):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            if repetition:
                times[name].append(time.perf_counter() - start)
    return times


def compare(row: str, times: Mapping[str, list[float]], peer: str, ours: str, bar: str) -> None:
    """Record how many times faster than the peer we are: the median of the ratios and their quartiles."""
    ratios = np.array(times[peer]) / np.array(times[ours])
    low, middle, high = np.quantile(ratios, [0.25, 0.5, 0.75])
    print(f"{row}: {middle:.2f} ({low:.2f} to {high:.2f}), bar {bar}")
    record(
        row, float(middle), "times as fast", spread=(float(low), float(high)), n=REPETITIONS, bar=bar,
        note=f"{SECONDS} s of sound, one thread, {peer} against ours in turn in one process; spread is the "
        "quartiles",
    )  # fmt: skip


if __name__ == "__main__":
    main()
