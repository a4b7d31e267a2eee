"""Explanations: exact, cheap, and telling when a stream is mere noise.

    python benchmarks/explain.py RUN_OR_MODEL --on CORPUS:SPLIT [--clips N] [--only sum|cost|noise] [--dry]

Nats against `full - empty`; an explained answer's time against one plain forward's, of one clip; and, for
models of several streams, each stream's mean share with its own input replaced by noise, beside its share
when clean. `--dry` prints and records nothing.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
from results import record

from trichord.cli.use import clips_of, open_model
from trichord.metrics import Interval
from trichord.prepare.preparation import Array, InputSpec
from trichord.running.explain.by_class import EVERY, shares_by_class
from trichord.running.spread import spread

TIMED = 9
REPEATS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("model", help="a model file, a run's folder, or a shipped model's name")
    parser.add_argument("--on", required=True, metavar="CORPUS:SPLIT")
    parser.add_argument("--clips", type=int, help="so many clips, evenly spread; by default all")
    parser.add_argument("--only", choices=["sum", "cost", "noise"], help="measure this alone")
    parser.add_argument("--dry", action="store_true", help="record nothing")
    options = parser.parse_args()
    model = open_model(options.model)
    clips = spread(clips_of(options.on, None, model.metadata.recipe), options.clips)
    if not clips:
        parser.error(f"{options.on}: there are no clips to explain")
    ready = [(clip, model.preparations(clip)) for clip in clips]
    write: Callable[..., None] = dry if options.dry else record
    where = f"{Path(options.model).stem} on {options.on}"
    if options.only in (None, "sum"):
        measure_sum(model, ready, where, write)
    if options.only in (None, "cost"):
        measure_cost(model, ready, where, write)
    if options.only in (None, "noise") and len(model.streams) > 1:
        measure_noise(model, ready, where, write)


def dry(id_: str, value: float, metric: str, **about: Any) -> None:
    """Print what would be recorded."""
    told = ", ".join(f"{key} {given}" for key, given in about.items() if given)
    print(f"{id_}: {value:.4g} {metric} ({told})")


def measure_sum(model: Any, ready: list[Any], where: str, write: Callable[..., None]) -> None:
    """Record by how much an answer's nats, summed over the streams, miss `full - empty`."""
    worst = 0.0
    for clip, inputs in ready:
        answer = model.answers([clip], [inputs])[0]
        found = answer.explain()
        worst = max(worst, abs(sum(found.nats.values()) - (found.full - found.empty)))
    write("explain/shapley-sum-error", worst, "nats, the largest over clips", n=len(ready), bar="<= 1e-5",
          note=f"{where}, all heads together")  # fmt: skip


def measure_cost(model: Any, ready: list[Any], where: str, write: Callable[..., None]) -> None:
    """Record how many plain forwards an explained answer takes, both in turns on the same machine."""
    ratios = []
    for _, (clip, inputs) in zip(range(TIMED), ready, strict=False):
        plain, explained = [], []
        for _ in range(REPEATS):
            began = perf_counter()
            model.logits([inputs])
            plain.append(perf_counter() - began)
            began = perf_counter()
            _ = model.answers([clip], [inputs])[0].attribution
            explained.append(perf_counter() - began)
        ratios.append(median(explained) / median(plain))
    streams = ", ".join(model.streams)
    write("explain/cost", median(ratios), "explained answer / plain forward", n=len(ratios), bar="<= 8",
          spread=(min(ratios), max(ratios)),
          note=f"{where}; {streams}; batch of one; median and range over clips")  # fmt: skip


def measure_noise(model: Any, ready: list[Any], where: str, write: Callable[..., None]) -> None:
    """Record each stream's share where its input is noise, by head, and the one farthest from 0."""
    clean = shares_by_class(model, ready)
    found: dict[str, tuple[Interval, Interval]] = {}
    for stream, described in model.streams.items():
        noisy = [(clip, spoilt(inputs, stream, described.input.spec, seed))
                 for seed, (clip, inputs) in enumerate(ready)]  # fmt: skip
        for head, groups in shares_by_class(model, noisy).items():
            if stream in groups[EVERY]:
                found[f"{head}/{stream}"] = groups[EVERY][stream], clean[head][EVERY][stream]
    for name, pair in found.items():
        write_share(f"explain/noise-share/{name}", name, pair, where, write)
    if found:
        worst = max(found, key=lambda name: abs(found[name][0].value))
        write_share(
            "explain/noise-share", worst, found[worst], f"{where}; the farthest from 0 of {len(found)}", write
        )


def write_share(
    id_: str, name: str, pair: tuple[Interval, Interval], where: str, write: Callable[..., None]
) -> None:
    noisy, clean = pair
    note = f"{where}; {name}, that stream replaced by noise; clean {told(clean)}"
    write(id_, noisy.value, "mean signed share", n=noisy.n, spread=(noisy.low, noisy.high), bar="near 0",
          note=note)  # fmt: skip


def spoilt(inputs: Mapping[str, Array], stream: str, spec: InputSpec, seed: int) -> dict[str, Array]:
    """Return the inputs with one stream, where it is there, replaced by noise."""
    if stream not in inputs:
        return dict(inputs)
    return {**inputs, stream: noise_like(inputs[stream], spec, np.random.default_rng(seed))}


def told(share: Interval) -> str:
    return f"{share.value:.3f} [{share.low:.3f}, {share.high:.3f}]"


def noise_like(array: Array, spec: InputSpec, rng: np.random.Generator) -> Array:
    """Return noise of the same shape and type: white at the same power, pixels, tokens or numbers."""
    makers: Mapping[str, Callable[[], Array]] = {
        "samples": lambda: rng.normal(0, np.sqrt(np.mean(np.square(array, dtype=np.float64))), array.shape),
        "frames": lambda: rng.integers(0, 256, array.shape),
        "tokens": lambda: rng.integers(0, max(spec.vocabulary, 1), array.shape),
        "array": lambda: rng.normal(size=array.shape),
    }
    return makers[spec.kind]().astype(spec.dtype)


if __name__ == "__main__":
    main()
