"""GRID's test split: words from voice and lips, clean and in noise, with every sense and without.

    python benchmarks/grid.py [--voice RUN ...] [--lips RUN ...] [--av RUN ...] [--less-data RUN ...]

By default the runs runs/grid-voice, runs/grid-lips and runs/grid-avsr. The runs of a kind are seeds of one
recipe: a score is over all of their answers, and its interval draws clips, with all seeds of a clip at once.
`--less-data` names runs of lips that learned from a share of the films (`--set training.share=0.5`).
Noise that training never heard: other corpora's talkers (babble of six, speechocean762), ESC-10, a kitchen,
a room; and GRID's own voice, the hardest. `greedy` rows read the best path, without the language model.
Differences are paired clip by clip.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from results import record

from trichord.clip import Clip
from trichord.corpora.grid import Grid
from trichord.metrics import Floats, bootstrap, paired_bootstrap, ratio, word_errors
from trichord.prepare.cache import Cache
from trichord.running.conditions import AS_IT_IS, Conditions
from trichord.running.evaluate import answer_all
from trichord.running.runtime import Model, load

BABBLE = "babble@speechocean762/WAVE"
CONDITIONS = {
    "clean": AS_IT_IS,
    "babble-10": Conditions(noise=f"{BABBLE}:10dB"),
    "babble-0": Conditions(noise=f"{BABBLE}:0dB"),
    "babble--5": Conditions(noise=f"{BABBLE}:-5dB"),
    "own-babble-0": Conditions(noise="babble:0dB"),
    "esc10-0": Conditions(noise="esc10:0dB"),
    "kitchen-0": Conditions(noise="speech-to-intent/data/noise:0dB"),
    "room-0.5": Conditions(room=0.5),
}
BARS = {
    "grid/voice/clean": "<= 0.02",
    "grid/lips/clean": "<= 0.12",
    "grid/av-minus-voice/babble-0": "av at most half of voice",
    "grid/av-minus-voice/babble--5": "av at most half of voice",
    "grid/av-without-lips-minus-voice/clean": "<= 0.01",
    "grid/av-without-voice-minus-lips/clean": "<= 0.03",
}


class System:
    """The models of one recipe, a seed each, and the word errors that they made."""

    def __init__(self, runs: Sequence[Path], clips: Sequence[Clip]) -> None:
        self.models = [load(run / "model.onnx") for run in runs]
        for model in self.models:
            model.preparations.cache = Cache()
        self.seeds = [int(model.metadata.recipe["training"]["seed"]) for model in self.models]
        self.clips = clips

    def errors(self, conditions: Conditions, beam: int | None = None) -> Floats:
        """Return (word errors, words) of each clip, over all seeds, `(clips, 2)`."""
        return np.sum([self.errors_of(model, conditions, beam) for model in self.models], axis=0)

    def errors_of(self, model: Model, conditions: Conditions, beam: int | None) -> Floats:
        answers = answer_all(model, self.clips, conditions, beam=beam)
        found = {
            clip.id: word_errors(str(clip.targets["transcript"]), str(said["transcript"].value))
            for clip, said in answers.pairs
        }
        return np.array([found[clip.id] for clip in self.clips], np.float64)

    def write(self, name: str, errors: Floats, note: str) -> None:
        score = bootstrap(errors, ratio)
        down(name, score.value, (score.low, score.high), "word error rate", len(errors), self.seeds, note)


def down(
    name: str, value: float, spread: tuple[float, float], metric: str, n: int, seeds: list[int], note: str
) -> None:
    record(name, value, metric, spread=spread, n=n, seeds=seeds, bar=BARS.get(name, ""), note=note)
    print(f"{name}: {value:.4f} [{spread[0]:.4f}, {spread[1]:.4f}]", flush=True)


def difference(name: str, a: Floats, b: Floats, seeds: list[int], note: str) -> None:
    """Write down what `a` errs more than `b`, paired by clip."""
    a = a * (b[0, 1] / a[0, 1])  # as many words in each, though seeds may differ in number
    less = paired_bootstrap(a, b, ratio)
    of = ratio(a.sum(0)) / ratio(b.sum(0)) if b[:, 0].any() else np.nan
    told = f"{note}; the ratio of the two is {of:.2f}"
    down(name, less.value, (less.low, less.high), "difference of word error rates", len(a), seeds, told)


def less_data(run: Path, clips: Sequence[Clip]) -> None:
    """Write down how a model of the lips errs that learned from a share of the films."""
    system = System([run], clips)
    training = system.models[0].metadata.recipe["training"]
    share, epochs = training["share"], training["epochs"]
    note = f"lips alone, learned from {share:g} of the training films in {epochs} epochs"
    system.write(f"grid/lips/data-{share:g}", system.errors(AS_IT_IS), note)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    for kind, run in (("voice", "grid-voice"), ("lips", "grid-lips"), ("av", "grid-avsr")):
        parser.add_argument(f"--{kind}", type=Path, nargs="+", default=[Path("runs", run)], metavar="RUN")
    parser.add_argument("--less-data", type=Path, nargs="*", default=[], metavar="RUN")
    options = parser.parse_args()
    clips = Grid().clips("test")
    for run in options.less_data:
        less_data(run, clips)
    for run in (*options.voice, *options.lips, *options.av):
        if not (run / "model.onnx").exists():
            print(f"{run} holds no model: train recipes/{run.name}.yaml first")
            return
    voice, lips, av = (System(runs, clips) for runs in (options.voice, options.lips, options.av))
    seen = lips.errors(AS_IT_IS)
    lips.write("grid/lips/clean", seen, "lips alone, its own model")
    lips.write("grid/lips/clean-greedy", lips.errors(AS_IT_IS, 0), "best path")
    for name, conditions in CONDITIONS.items():
        heard, both = voice.errors(conditions), av.errors(conditions)
        note = conditions.noise or (f"T60 {conditions.room} s" if conditions.room else "")
        voice.write(f"grid/voice/{name}", heard, f"voice alone, its own model; {note}".strip("; "))
        av.write(f"grid/av/{name}", both, f"voice and lips; {note}".strip("; "))
        if name != "clean":
            difference(
                f"grid/av-minus-voice/{name}", both, heard, av.seeds, "voice and lips, less voice alone"
            )
            continue
        voice.write("grid/voice/clean-greedy", voice.errors(AS_IT_IS, 0), "best path")
        av.write("grid/av/clean-greedy", av.errors(AS_IT_IS, 0), "best path")
        for lacking, alone, alone_name in (("lips", heard, "voice"), ("voice", seen, "lips")):
            without = av.errors(Conditions(without=(lacking,)))
            av.write(f"grid/av-without-{lacking}/clean", without, f"the joint model, without {lacking}")
            difference(f"grid/av-without-{lacking}-minus-{alone_name}/clean", without, alone, av.seeds,
                       f"the joint model without {lacking}, less {alone_name} alone")  # fmt: skip
    for lost in ({"voice": 0.5}, {"lips": 0.5}, {"voice": 0.5, "lips": 0.5}):
        told = "-".join(lost)
        errors = av.errors(Conditions(gaps=lost))
        av.write(
            f"grid/av/gaps-{told}", errors, f"half of {' and half of '.join(lost)} lost, in gaps of 0.8 s"
        )
    errors = voice.errors(Conditions(gaps={"voice": 0.5}))
    voice.write("grid/voice/gaps-voice", errors, "half of the voice lost, in gaps of 0.8 s; its own model")


if __name__ == "__main__":
    main()
