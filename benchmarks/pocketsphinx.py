"""Does a model of ours hear GRID's commands better than pocketsphinx does, which is given their grammar?

    python benchmarks/pocketsphinx.py MODEL [--clips N] [--noise babble@FOLDER] [--dry]

Both hear the same 16 bit samples of the test split, clean and with babble at 0 dB, each alone in its process
on one core. Seconds are the processor's, so that time spent waiting for the core is not in them, and go from
16 kHz samples to words: loading a recogniser, decoding files and a first clip are outside. Where MODEL sees
as well, it is measured once more with the film; decoding that and finding the mouth are told apart. Making
the peer's environment, once, needs a package index.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from peer import PEERS, environment
from results import record

from trichord import Audio, Clip
from trichord.corpora.grid import WORDS, Grid
from trichord.media import VideoFile, write_audio
from trichord.metrics import Interval, bootstrap, paired_bootstrap, ratio, word_errors
from trichord.prepare.noise import Samples
from trichord.running.conditions import Conditions, Disturbance, Ready
from trichord.running.runtime import Model, load

RATE, SNR_DB, HEAD = 16_000, 0, "transcript"
PEER, VOICE, ALL = "pocketsphinx", "voice", "all streams"
NOISES = ("clean", f"babble-{SNR_DB}")


@dataclass(frozen=True, slots=True)
class Heard:
    """What one recogniser made of the clips: rows, in order, and word errors and words by row `(rows, 2)`."""

    version: str
    rows: Sequence[Mapping[str, Any]]
    errors: np.ndarray

    def column(self, name: str, part: slice = slice(None)) -> np.ndarray:
        return np.array([row[name] for row in self.rows[part]])

    def factor(self, of: str, part: slice = slice(None)) -> float:
        """Return the real-time factor of `hearing` or of `seeing`."""
        return float(self.column(of, part).sum() / self.column("heard", part).sum())


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("model", help="a model file or a name of the zoo, with a voice and a transcript")
    parser.add_argument("--clips", type=int, help="only the first so many")
    parser.add_argument("--noise", default="babble@speechocean762/WAVE", help="babble, or babble@FOLDER")
    parser.add_argument("--dry", action="store_true", help="print, and record nothing")
    options = parser.parse_args()
    if options.noise.partition("@")[0] != "babble":
        parser.error(f"--noise is babble or babble@FOLDER; got {options.noise!r}")
    model = load(options.model)
    clips = Grid().clips("test")[: options.clips]
    with tempfile.TemporaryDirectory() as folder:
        heard = hear(model, clips, options.noise, Path(folder))
    for number, condition in enumerate(NOISES):
        part = slice(number * len(clips), (number + 1) * len(clips))
        errors = {name: found.errors[part] for name, found in heard.items()}
        tell_errors(condition, errors, options, heard[PEER].version, model.metadata.data)
    tell_speed(heard, len(clips), options)


def hear(model: Model, clips: Sequence[Clip], noise: str, folder: Path) -> dict[str, Heard]:
    """Write every clip's sound, clean and then noisy, and let each recogniser hear the files."""
    sources = {stream.source for stream in model.streams.values()}
    clean, noisy = sounds(model, clips, noise)
    items, references = [], []
    for condition, samples in zip(NOISES, (clean, noisy), strict=True):
        for number, (clip, voice) in enumerate(zip(clips, samples, strict=True)):
            path = folder / f"{condition}-{number}.wav"
            write_audio(path, Audio(voice, RATE))
            items.append({"sound": str(path), "film": str(cast(VideoFile, clip.inputs["video"]).path)})
            references.append(str(clip.targets[HEAD]))
    deaf = [item | {"film": None} for item in items]
    found = {PEER: run(environment(PEER), PEER, {"items": deaf, "slots": WORDS}, references, folder)}
    ours = {"model": str(model.path.resolve()), "head": HEAD}
    found[VOICE] = run(Path(sys.executable), "trichord", ours | {"items": deaf}, references, folder)
    if "video" in sources:
        found[ALL] = run(Path(sys.executable), "trichord", ours | {"items": items}, references, folder)
    return found


def sounds(model: Model, clips: Sequence[Clip], noise: str) -> tuple[list[Samples], list[Samples]]:
    """Return every clip's samples, clean and with the noise that `trichord evaluate` lays under them."""
    voices = [name for name, stream in model.streams.items() if stream.source == "audio"]
    specs = [model.streams[name].input.spec for name in voices]
    if len(voices) != 1 or specs[0].kind != "samples" or specs[0].rate != RATE:
        sys.exit(f"{model.path}: expected one stream of samples from audio, at {RATE} Hz")
    if model.heads.get(HEAD, {}).get("kind") != "ctc":
        sys.exit(f"{model.path}: expected a head {HEAD!r} that says words")
    without = [name for name in model.streams if name not in voices]
    ready = [Ready(clip, model.preparations(clip, without)) for clip in clips]
    disturbed = Disturbance(model, Conditions(noise=f"{noise}:{SNR_DB}dB"))(ready)
    clean, noisy = ([cast(Samples, item.inputs[voices[0]]) for item in items] for items in (ready, disturbed))
    return clean, noisy


def run(python: Path, name: str, job: Mapping[str, Any], references: Sequence[str], folder: Path) -> Heard:
    """Let one recogniser hear every item in a process of its own."""
    path = folder / "job.json"
    path.write_text(json.dumps(job), "utf-8")
    done = subprocess.run(  # -I keeps this folder, which has a pocketsphinx.py, off its path
        [str(python), "-I", str(PEERS / "recognise.py"), name, str(path)],
        stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    about, *rows = map(json.loads, done.stdout.splitlines())
    errors = [word_errors(said, row["words"]) for said, row in zip(references, rows, strict=True)]
    return Heard(about["version"], rows, np.array(errors, np.float64))


def tell_errors(
    condition: str, errors: Mapping[str, np.ndarray], options: argparse.Namespace, version: str, data: str
) -> None:
    """Record our word error rate, of the voice alone, less the peer's."""
    rates = [f"{name} {shown(bootstrap(rows, ratio))}" for name, rows in errors.items()]
    less = {name: paired_bootstrap(rows, errors[PEER], ratio)
            for name, rows in errors.items() if name != PEER}  # fmt: skip
    if ALL in less:
        rates.append(f"{ALL} - {PEER} {shown(less[ALL])}")
    under = "" if condition == "clean" else f"; {options.noise}"
    tell(
        f"peers/{PEER}/grid/{condition}", less[VOICE], f"wer, ours - {PEER}'s", "interval below 0",
        f"{Path(options.model).stem}, paired 95 % interval over test clips; wer: {', '.join(rates)}{under}; "
        f"{PEER} {version}, the grammar as JSGF, its stock model of US English; "
        f"ours learnt from the training split of {data or 'data unstated'}",
        options.dry,
    )  # fmt: skip


def tell_speed(heard: Mapping[str, Heard], clips: int, options: argparse.Namespace) -> None:
    """Record how many times as fast as the peer we are, with the voice alone, on clean clips."""
    parts = [slice(clips), slice(clips, None)]
    clean, noisy = (times_as_fast(heard[PEER], heard[VOICE], part) for part in parts)
    costs = "; ".join(f"{name}: {cost(found, parts)}" for name, found in heard.items())
    tell(
        f"peers/{PEER}/rtf", clean, "times as fast", "",
        f"{Path(options.model).stem}, voice alone, against {PEER} {heard[PEER].version}, {NOISES[0]} clips; "
        "one core, processor time from samples to words; median of clips' ratios, spread the quartiles; "
        f"{NOISES[1]} ({options.noise}): {shown(noisy)}; {costs}",
        options.dry,
    )  # fmt: skip


def times_as_fast(peer: Heard, ours: Heard, part: slice) -> Interval:
    """Return the median of the clips' ratios, and their quartiles."""
    ratios = peer.column("hearing", part) / ours.column("hearing", part)
    low, middle, high = np.quantile(ratios, [0.25, 0.5, 0.75])
    return Interval(float(middle), float(low), float(high), len(ratios))


def tell(row: str, score: Interval, metric: str, bar: str, note: str, dry: bool) -> None:
    print(f"{row}: {shown(score)} {metric}, n {score.n}{f', bar: {bar}' if bar else ''}\n  {note}")
    if not dry:
        record(row, score.value, metric, spread=(score.low, score.high), n=score.n, bar=bar, note=note)


def cost(heard: Heard, parts: Sequence[slice]) -> str:
    clean, noisy = (heard.factor("hearing", part) for part in parts)
    seeing = heard.factor("seeing")
    film = f", and {seeing:.3g} to decode the film and find the mouth" if seeing else ""
    factors = f"real-time factor {clean:.3g} {NOISES[0]}, {noisy:.3g} {NOISES[1]}{film}"
    return f"{factors}; peak {heard.column('peak_mb').max():.0f} MB resident"


def shown(score: Interval) -> str:
    return f"{score.value:.3g} [{score.low:.3g}, {score.high:.3g}]"


if __name__ == "__main__":
    main()
