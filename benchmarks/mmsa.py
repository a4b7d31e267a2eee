"""Does Trichord learn an epoch faster than MMSA, and as well, on the same tensors?

    python benchmarks/mmsa.py [--seeds N] [--epochs N] [--models lf_dnn,tfn] [--dry]

Both read the released features of CMU-MOSI, standardised by the training clips: LF-DNN, TFN and LMF an
utterance alone, EF-LSTM and MFN with those before it. Batch, rate and decay are those of MMSA's own
configuration for MOSI, and so are the widths, but for what `SYSTEMS` says. Each trains by its own loop, which
validates and keeps the best, for as many epochs, on one core, in one thread, in float32. Seconds are the
processor's, so that waiting for the core is not in them. MMSA's loaders work inside its process, where it is
fastest; that it starts four processes for them unless told otherwise is measured beside it.
Making the peer's environment, once, needs a package index.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import process_time
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from peer import PEERS, environment
from results import record

from trichord.clip import Clip, Event, Features
from trichord.corpora import CORPORA, SPLITS, About, Corpus, data_root
from trichord.corpora.corpus import Index, share
from trichord.learning.model import parameters
from trichord.learning.recipe import Recipe, load_recipe
from trichord.learning.training import Learner, RunFolder, load_data
from trichord.learning.training.data import prepare_clips
from trichord.learning.training.validate import predict

PEER, VERSION, FASTER = "mmsa", "MMSA 2.2.1", "times as fast an epoch"
HEAD, CLOCK = "sentiment", 25.0
STREAMS = ("text", "audio", "vision")
LABELS = ("negative", "positive")
STEPS = 10  # an utterance and the nine before it
VALID_SHARE = 0.2  # of the training videos
LEAST_EPOCHS = 4

Arrays = Mapping[str, NDArray[Any]]


# The tensors that both read


def tensors(steps: int) -> dict[str, NDArray[Any]]:
    """Return `SPLIT_STREAM (utterances, steps, dim)` and `SPLIT_positive (utterances,)`.

    The last step is the utterance that is judged, the others those before it in the video; where there are
    none, its first stands in. Videos of the training split validate, by the hash of their name.
    """
    raw = np.load(data_root() / "mosi" / "mosi.npz", allow_pickle=False)
    found: dict[str, NDArray[Any]] = {}
    for source in ("train", "test"):
        videos, places = raw[f"video_id_{source}"], raw[f"utt_{source}"]
        order = np.lexsort((places, videos))
        rows = order[contexts(videos[order], steps)]  # (utterances, steps)
        valid = np.array([source == "train" and share(str(video)) < VALID_SHARE for video in videos[order]])
        for split, chosen in (("valid", valid), (source, ~valid)):
            if not chosen.any():
                continue
            for name, released in zip(STREAMS, ("text", "audio", "video"), strict=True):
                found[f"{split}_{name}"] = raw[f"{released}_{source}"][rows[chosen]]
            found[f"{split}_positive"] = raw[f"y_{source}"][rows[chosen, -1]] == 1
    return standardised(found)


def contexts(videos: NDArray[np.str_], steps: int) -> NDArray[np.intp]:
    """Return which rows each row reads, itself last, `(rows, steps)`, none of them of another video."""
    numbers = np.arange(len(videos))
    first = np.searchsorted(videos, videos)  # of its video
    return np.maximum(numbers[:, None] - np.arange(steps)[::-1], first[:, None])


def standardised(found: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return every column with the training clips' mean 0 and deviation 1."""
    for name in STREAMS:
        own = found[f"train_{name}"][:, -1].astype(np.float64)
        deviation = own.std(0)
        for split in SPLITS:
            values = (found[f"{split}_{name}"] - own.mean(0)) / np.where(deviation < 1e-5, 1.0, deviation)
            found[f"{split}_{name}"] = values.astype(np.float32)
    return found


class Tensors(Corpus):
    """Clips of arrays in a file that `tensors` filled."""

    name = "tensors"
    about = About(
        title="Arrays in a file", licence="the owner's", commercial=None, source="benchmarks/mmsa.py"
    )

    def __init__(self, file: Path) -> None:
        self.file = file

    def read(self) -> Index:
        arrays = dict(np.load(self.file, allow_pickle=False))
        return {split: list(clips_of(split, arrays)) for split in SPLITS}


def clips_of(split: str, arrays: Arrays) -> Iterator[Clip]:
    for number, positive in enumerate(arrays[f"{split}_positive"]):
        inputs = {name: Features(arrays[f"{split}_{name}"][number], CLOCK) for name in STREAMS}
        end = len(inputs[STREAMS[0]].values) / CLOCK
        judged = Event(LABELS[int(positive)], end - 1 / CLOCK, end)  # the last step
        yield Clip(f"{split}-{number}", inputs, {HEAD: (judged,)})


# The systems


@dataclass(frozen=True, slots=True)
class System:
    """One of MMSA's models, and the recipe of the same sizes.

    `batch`, `rate` and `decay` are MMSA's; `settings` is where MMSA's own configuration must give way.
    """

    title: str
    steps: int
    batch: int
    rate: float
    decay: float
    recipe: Mapping[str, Any]
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def their_settings(self) -> dict[str, Any]:
        own = {"batch_size": self.batch, "learning_rate": self.rate, "weight_decay": self.decay}
        return own | dict(self.settings)


def streams(**encoders: Mapping[str, Any]) -> dict[str, Any]:
    """Return streams that take the tensors as they are."""
    as_is = {"kind": "array", "normalise": False}
    return {name: {"from": name, "prepare": as_is, "encoder": {**encoder, "front_end": as_is}}
            for name, encoder in encoders.items()}  # fmt: skip


def dnn(dim: int, dropout: float) -> dict[str, Any]:
    """Three layers of `dim` and dropout before them, as MMSA's `SubNet`."""
    return {"kind": "mlp", "hidden": [dim], "dim": dim, "input_dropout": dropout, "dropout": 0.0}


def lstm(dim: int, dropout: float, layers: int = 1) -> dict[str, Any]:
    return {"kind": "rnn", "cell": "lstm", "bidirectional": False,
            "dim": dim, "dropout": dropout, "layers": layers}  # fmt: skip


SYSTEMS = {
    "lf_dnn": System("LF-DNN", 1, 128, 1e-3, 0.01, {
        "dim": 128,
        "streams": streams(text=lstm(128, 0.2), audio=dnn(16, 0.2), vision=dnn(128, 0.2)),
        "fusion": "concat",
    }),
    "ef_lstm": System("EF-LSTM", STEPS, 32, 1e-3, 0.005, {
        "dim": 128,
        "stage": "early",
        "streams": streams(**{name: {"kind": "features"} for name in STREAMS}),
        "fusion": "concat",
        "trunk": lstm(128, 0.5, layers=4),
    }),
    "tfn": System("TFN", 1, 32, 1e-3, 0.0, {
        "dim": 64,
        "streams": streams(text=lstm(128, 0.3), audio=dnn(32, 0.3), vision=dnn(32, 0.3)),
        "fusion": {"kind": "tensor", "width": 32, "dropout": 0.5},
    }, {"hidden_dims": [128, 32, 32]}),  # not 128 for vision: our tensor takes one width
    "lmf": System("LMF", 1, 64, 1e-3, 0.005, {
        "dim": 32,  # what is fused: theirs is the answer itself
        "streams": streams(text=lstm(128, 0.3), audio=dnn(16, 0.3), vision=dnn(128, 0.3)),
        "fusion": {"kind": "low_rank_tensor", "rank": 3},
    }),
    "mfn": System("MFN", STEPS, 128, 2e-3, 0.0, {
        "dim": 152,  # theirs are 256, 32 and 256: one width, and as many parameters
        "streams": streams(**{name: {"kind": "features"} for name in STREAMS}),
        "fusion": {"kind": "memory", "dropout": 0.2},
    }, {"need_normalized": False}),  # which would average audio and vision over time
}  # fmt: skip


def recipe_of(system: System, file: Path, epochs: int, seed: int) -> Recipe:
    training = {
        "epochs": epochs, "seed": seed, "batch_seconds": (system.batch + 0.5) * system.steps / CLOCK,
        "optimizer": "adam", "learning_rate": system.rate, "weight_decay": system.decay,
        "warmup": 0, "decay": "none",
    }  # fmt: skip
    return load_recipe({
        **system.recipe, "corpus": {"kind": "tensors", "file": file}, "clock": CLOCK,
        "heads": {HEAD: {"kind": "tag"}}, "training": training,
    })  # fmt: skip


# Learning


@dataclass(frozen=True, slots=True)
class Learned:
    """What each epoch took, in seconds, and what accuracy on test its best by validation came to."""

    seconds: Sequence[float]
    accuracy: float
    parameters: int

    @property
    def epoch(self) -> float:
        """The median epoch after the first, which warms up."""
        return float(np.median(self.seconds[1:]))


Pair: TypeAlias = tuple[Mapping[str, Learned], Mapping[str, Learned]]


@dataclass(frozen=True, slots=True)
class Clock:
    """Notes when each epoch is done."""

    ends: list[float]

    def batch_done(self, epoch: int, batch: int, batches: int, loss: float) -> None:
        """Note nothing."""

    def epoch_done(self, row: dict[str, Any]) -> None:
        self.ends.append(process_time())


def ours(system: System, file: Path, epochs: int, seed: int, folder: Path) -> Learned:
    """Learn as `trichord train` does, and judge the test clips."""
    run, recipe = RunFolder(folder), recipe_of(system, file, epochs, seed)
    run.write_recipe(recipe)
    data = load_data(recipe, None)
    learner = Learner(recipe, data, run)
    run.write_parts(recipe)
    clock = Clock([process_time()])
    learner.learn(clock)
    fitted, model = run.load()
    items = prepare_clips(fitted.clips("test"), fitted.streams, None)
    logits, _ = predict(model, fitted.heads, items, [range(len(items))], data.specs)
    said = np.array([row[-1].argmax() for row in logits[HEAD]])
    right = said == np.load(file, allow_pickle=False)["test_positive"]  # labels are in alphabetical order
    return Learned(np.diff(clock.ends).tolist(), float(right.mean()), parameters(model))


def theirs(
    files: Mapping[str, Path], epochs: int, seed: int, folder: Path, workers: int = 0
) -> dict[str, Learned]:
    """Let MMSA learn its models, in a process of its own whose loaders are so many more."""
    wanted = {
        name: {"tensors": str(file), "settings": SYSTEMS[name].their_settings} for name, file in files.items()
    }
    job = {"folder": str(folder), "seed": seed, "epochs": epochs, "workers": workers, "models": wanted}
    path = folder / "job.json"
    path.write_text(json.dumps(job), "utf-8")
    done = subprocess.run(
        [str(environment(PEER)), "-I", str(PEERS / "train_mmsa.py"), str(path)],
        stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    rows = map(json.loads, done.stdout.splitlines())
    return {row.pop("model"): Learned(**row) for row in rows}


# Telling


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--models", default=",".join(SYSTEMS), help="MMSA's names, with commas between")
    parser.add_argument("--dry", action="store_true", help="print, and record nothing")
    options = parser.parse_args()
    names = options.models.split(",")
    if unknown := set(names) - set(SYSTEMS):
        parser.error(f"--models: expected some of {', '.join(SYSTEMS)}; got {', '.join(sorted(unknown))}")
    if options.epochs < LEAST_EPOCHS:
        parser.error(f"--epochs: at least {LEAST_EPOCHS}, of which the first and the last are not counted")
    CORPORA["tensors"] = Tensors
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        files = written(names, Path(folder))
        pairs = [pair_of(files, options.epochs, seed, Path(folder)) for seed in range(options.seeds)]
        defaults = theirs(files, LEAST_EPOCHS, 0, Path(folder), workers=4)
    tell_speed(pairs, defaults, options)
    for name in names:
        tell_accuracy(name, pairs, options)


def written(names: Sequence[str], folder: Path) -> dict[str, Path]:
    """Write the tensors that each model reads; return the files by model."""
    files = {}
    for name in names:
        files[name] = folder / f"{SYSTEMS[name].steps}-steps.npz"
        if not files[name].exists():
            np.savez(files[name], **tensors(SYSTEMS[name].steps))
    return files


def pair_of(files: Mapping[str, Path], epochs: int, seed: int, folder: Path) -> Pair:
    """Let both learn every model once; return ours and theirs."""
    it = theirs(files, epochs, seed, folder)
    us = {
        name: ours(SYSTEMS[name], file, epochs, seed, folder / f"{name}-{seed}")
        for name, file in files.items()
    }
    for name in files:
        print(f"seed {seed}, {name}: {us[name].epoch:.3f} s, {us[name].accuracy:.3f}; "
              f"{PEER} {it[name].epoch:.3f} s, {it[name].accuracy:.3f}", flush=True)  # fmt: skip
    return us, it


def tell_speed(pairs: Sequence[Pair], defaults: Mapping[str, Learned], options: argparse.Namespace) -> None:
    """Record how many times as fast as the peer we are: with each model, and over all of them."""
    logs = {name: np.log([it[name].epoch / us[name].epoch for us, it in pairs]) for name in defaults}
    about = f"{options.epochs} epochs; geometric mean over seeds, spread the lowest and highest"
    (us, it), titles = pairs[0], ", ".join(SYSTEMS[name].title for name in logs)
    for name, ratios in logs.items():
        note = (f"{about}; seconds an epoch, seed 0: {us[name].epoch:.3g}, {VERSION} {it[name].epoch:.3g}, "
                f"with 4 loaders {defaults[name].epoch:.3g}; "
                f"parameters: {us[name].parameters:,}, {VERSION} {it[name].parameters:,}")  # fmt: skip
        tell(f"fusion/speed-vs-mmsa/{SYSTEMS[name].title.lower()}", np.exp(spread_of(ratios)), FASTER, "",
             note, options)  # fmt: skip
    loaded = np.mean([np.log(defaults[name].epoch / us[name].epoch) for name in logs])
    note = (f"geometric mean over {titles}; {about}; one core, processor time, {VERSION}; "
            f"against its default of 4 loaders, seed 0: {np.exp(loaded):.3g}")  # fmt: skip
    whole = np.mean(list(logs.values()), 0)
    tell("fusion/speed-vs-mmsa", np.exp(spread_of(whole)), FASTER, ">= 5", note, options)


def tell_accuracy(name: str, pairs: Sequence[Pair], options: argparse.Namespace) -> None:
    """Record our accuracy on test less the peer's."""
    scores = np.array([[us[name].accuracy, it[name].accuracy] for us, it in pairs])  # (seeds, 2)
    deviation = scores.std(0, ddof=min(1, len(pairs) - 1))
    ours, peers = (f"{mean:.4f} ± {std:.4f}" for mean, std in zip(scores.mean(0), deviation, strict=True))
    note = ("test utterances, the epoch chosen by loss on validation; mean and deviation over seeds: "
            f"{ours}, {VERSION} {peers}; spread the lowest and highest of the seeds")  # fmt: skip
    tell(f"fusion/accuracy-vs-mmsa/{SYSTEMS[name].title.lower()}", spread_of(scores[:, 0] - scores[:, 1]),
         "accuracy, ours - MMSA's", ">= 0", note, options)  # fmt: skip


def spread_of(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array([values.mean(), values.min(), values.max()])


def tell(
    row: str, score: NDArray[np.float64], metric: str, bar: str, note: str, options: argparse.Namespace
) -> None:
    value, low, high = score.tolist()
    print(f"{row}: {value:.3g} [{low:.3g}, {high:.3g}] {metric}{f', bar: {bar}' if bar else ''}\n  {note}")
    if not options.dry:
        seeds = list(range(options.seeds))
        record(row, value, metric, spread=(low, high), n=len(seeds), seeds=seeds, bar=bar, note=note)


if __name__ == "__main__":
    main()
