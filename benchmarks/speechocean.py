"""How well do our runs write down, and score, English as Mandarin speakers say it?

    python benchmarks/speechocean.py [--recogniser RUN] [--own-speed RUN] [--peer RUN]
                                     [--scores RUN] [--phones RUN]

Each RUN is a finished run's folder, and each measures its own rows on the test split: the recogniser's word
error rate by beam search, in all and by age and gender, and what it loses where it hears sound in blocks;
--own-speed, the same groups where each speaker is heard at the speed, and so the pitch, at which a recogniser
is surest of itself, which no transcript tells; --peer, pocketsphinx and its own large model on the same
sounds; --scores and --phones, how far scores of whole sentences, of words and of phones go with the experts'.
Intervals draw speakers.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
from peer import environment
from pocketsphinx import PEER, RATE, run, tell

from trichord import Clip
from trichord.corpora import Speechocean
from trichord.corpora.speechocean import canonical_phones
from trichord.decoding import Decoded
from trichord.errors import InputError
from trichord.learning.export import export_run
from trichord.learning.training.run import RunFolder
from trichord.media import AudioFile, Played, write_audio
from trichord.metrics import Interval, bootstrap, paired_bootstrap, ratio, word_errors
from trichord.metrics.numbers import moments, pearson_of
from trichord.metrics.sums import Floats
from trichord.running.evaluate import answer_all
from trichord.running.runtime import Model, load
from trichord.running.spread import spread

HEAD, PHONES = "transcript", "phone_scores"
SPEEDS = (0.85, 0.92, 1.0, 1.08)
LEVELS = ("total", "accuracy", "fluency", "prosodic")
GOPT = (
    "GOPT (Gong et al. 2022) {} on the same test split with the released scores, upon a recogniser trained "
    "on 960 h of English"
)
SCORED = "mean of five experts, as scored in December 2020, before the release"


@dataclass(frozen=True, slots=True)
class Test:
    """The clips to be tested on, and what is done with the numbers."""

    clips: Sequence[Clip]
    dry: bool

    @property
    def speakers(self) -> list[str]:
        return [clip.about["speaker"] for clip in self.clips]

    def said(self, model: Model, head: str) -> list[Decoded]:
        """Return what one head answers to each clip."""
        return [heads[head] for heads in self.answers(model)]

    def answers(self, model: Model, beam: int | None = None) -> list[Mapping[str, Decoded]]:
        """Return what each head answers to each clip."""
        found = {clip.id: heads for clip, heads in answer_all(model, self.clips, beam=beam).pairs}
        return [found[clip.id] for clip in self.clips]

    def tell(self, row: str, score: Interval, metric: str, bar: str, note: str) -> None:
        tell(f"speechocean/{row}", score, metric, bar, note, self.dry)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--recogniser", type=Path, help="a run of recipes/speechocean.yaml")
    parser.add_argument("--own-speed", type=Path, help="a run that hears speakers slowed down or sped up")
    parser.add_argument("--peer", type=Path, help="a run that hears English, and pocketsphinx beside it")
    parser.add_argument("--scores", type=Path, help="a run of recipes/speechocean-scores.yaml")
    parser.add_argument("--phones", type=Path, help="a run of recipes/speechocean-phones.yaml")
    parser.add_argument("--clips", type=int, help="only so many")
    parser.add_argument("--dry", action="store_true", help="print, and record nothing")
    options = parser.parse_args()
    test = Test(spread(Speechocean().clips("test"), options.clips), options.dry)
    if options.recogniser:
        recognition(test, options.recogniser)
    if options.own_speed:
        at_own_speed(test, options.own_speed)
    if options.peer:
        beside_peer(test, errors_of(test, model_of(options.peer)), options.peer.name)
    if options.scores:
        sentences(test, model_of(options.scores))
    if options.phones:
        phones(test, model_of(options.phones))


def model_of(folder: Path) -> Model:
    return load(folder / "model.onnx")


def recognition(test: Test, folder: Path) -> None:
    """Record word error rates, in all and by group, and what hearing in blocks costs."""
    whole = errors_of(test, model_of(folder))
    about = f"{folder.name}, beam search with what its file carries; intervals over speakers"
    test.tell("wer", bootstrap(whole, ratio, groups=test.speakers), "wer", "<= 0.55", about)
    by_group(test, whole, "", about)
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "streaming.onnx"
        block = export_run(RunFolder(folder), file, streaming=True).block
        blockwise = errors_of(test, load(file))
    lost = paired_bootstrap(blockwise, whole, ratio, groups=test.speakers)
    seconds = block.seconds if block else 0.0
    test.tell(
        "streaming-loss", lost, "wer, block by block - whole", "<= 0.03",
        f"the same weights, blocks of {1000 * seconds:.0f} ms, which is the most that it looks ahead: wer "
        f"{ratio(blockwise.sum(0)):.4f} against {ratio(whole.sum(0)):.4f}; {about}",
    )  # fmt: skip


def by_group(test: Test, errors: np.ndarray, suffix: str, about: str) -> None:
    """Record word error rates by age and gender, and how much more children's words are misheard."""
    groups = [f"{clip.about.get('age_group')}-{clip.about.get('gender')}" for clip in test.clips]
    for group in sorted(set(groups)):
        rows = [row for row, its in enumerate(groups) if its == group]
        speakers = [test.speakers[row] for row in rows]
        score = bootstrap(errors[rows], ratio, groups=speakers)
        test.tell(f"by-group/{group}{suffix}", score, "wer", "", f"{about}, {len(set(speakers))} of them")
    young = np.array([group.startswith("child") for group in groups])[:, None]
    apart = np.concatenate([errors * young, errors * ~young], 1)
    more = bootstrap(apart, lambda sums: ratio(sums[..., :2]) - ratio(sums[..., 2:]), groups=test.speakers)
    test.tell(f"by-group/gap{suffix}", more, "wer, children's - adults'", "", about)


def at_own_speed(test: Test, folder: Path) -> None:
    """Record what it brings to hear each speaker at the speed at which the recogniser is surest."""
    model = model_of(folder)
    played = {speed: replace(test, clips=[at_speed(clip, speed) for clip in test.clips]) for speed in SPEEDS}
    heard = {speed: its.said(model, HEAD) for speed, its in played.items()}
    sure = np.array([[said.confidence or 0.0 for said in heard[speed]] for speed in SPEEDS])
    of = {who: sure[:, np.array(test.speakers) == who].mean(1) for who in sorted(set(test.speakers))}
    chosen = {who: SPEEDS[int(np.argmax(mean))] for who, mean in of.items()}
    said = [heard[chosen[who]][place] for place, who in enumerate(test.speakers)]
    errors = errors_in(test, said)
    as_is = errors_in(test, heard[1.0])
    told = ", ".join(f"{list(chosen.values()).count(speed)} at {speed:g}" for speed in SPEEDS)
    about = f"{folder.name}; each speaker at the speed at which answers are surest on average: {told}"
    by_group(test, as_is, "-as-is", f"{folder.name}; to compare with -own-speed; intervals over speakers")
    by_group(test, errors, "-own-speed", about)
    less = paired_bootstrap(errors, as_is, ratio, groups=test.speakers)
    test.tell("own-speed-minus-as-is", less, "wer, own speed - as recorded", "", about)


def at_speed(clip: Clip, speed: float) -> Clip:
    """Return the clip played so much faster, and higher."""
    quick = Played(cast(AudioFile, clip.inputs["audio"]), speed)
    return replace(clip, inputs={**clip.inputs, "audio": quick})


def errors_of(test: Test, model: Model) -> np.ndarray:
    """Return word errors and words of each clip, `(clips, 2)`."""
    return errors_in(test, test.said(model, HEAD))


def errors_in(test: Test, said: Sequence[Decoded]) -> np.ndarray:
    pairs = zip(test.clips, said, strict=True)
    return np.array([word_errors(str(clip.targets[HEAD]), str(one.value)) for clip, one in pairs], float)


def beside_peer(test: Test, ours: np.ndarray, name: str) -> None:
    """Record by how much we err less than pocketsphinx with its own model of English."""
    with tempfile.TemporaryDirectory() as scratch:
        items = []
        for number, clip in enumerate(test.clips):
            path = Path(scratch) / f"{number}.wav"
            write_audio(path, cast(AudioFile, clip.inputs["audio"]).at(RATE))
            items.append({"sound": str(path), "film": None})
        references = [str(clip.targets[HEAD]) for clip in test.clips]
        heard = run(environment(PEER), PEER, {"items": items, "slots": None}, references, Path(scratch))
    less = paired_bootstrap(ours, heard.errors, ratio, groups=test.speakers)
    rates = ", ".join(f"{who} {ratio(rows.sum(0)):.4f}" for who, rows in ((name, ours), (PEER, heard.errors)))
    test.tell(
        f"less-than-{PEER}", less, f"wer, ours - {PEER}'s", "interval below 0",
        f"{rates}; {PEER} {heard.version} with its stock acoustic, language and pronouncing models of US "
        f"English, real-time factor {heard.factor('hearing'):.3g} on one core; paired over speakers",
    )  # fmt: skip


def sentences(test: Test, model: Model) -> None:
    """Record how the scores of whole sentences go with the experts'."""
    found, answers = {}, test.answers(model, beam=0)  # words do not matter here
    for level in (level for level in LEVELS if level in model.heads):
        said = [[cast(float, heads[level].value)] for heads in answers]
        truth = [[cast(float, clip.targets[level])] for clip in test.clips]
        found[level] = correlation(test, truth, said)
    if "total" not in found:
        raise InputError(f"{model.path}: expected a head 'total'; it has {', '.join(model.heads)}")
    others = ", ".join(f"{level} {score.value:.3f}" for level, score in found.items() if level != "total")
    test.tell("pcc-sentence", found["total"], "Pearson's correlation, total", ">= 0.55",
              f"{model.path.parent.name}; {others}; {SCORED}; {GOPT.format(0.742)}")  # fmt: skip


def phones(test: Test, model: Model) -> None:
    """Record how the scores of phones, and of words by the mean of theirs, go with the experts'."""
    known = [clip for clip in test.clips if PHONES in clip.targets]
    test = Test(known, test.dry)
    said = [cast(tuple[float, ...], one.value) for one in test.said(model, PHONES)]
    truth = [cast(Sequence[float], clip.targets[PHONES]) for clip in test.clips]
    about = f"{model.path.parent.name}; {{}} of {len(known)} sentences; {SCORED}; "
    score, count = correlation(test, truth, said), sum(map(len, truth))
    test.tell(
        "pcc-phone", score, "Pearson's correlation", "", about.format(f"{count} phones") + GOPT.format(0.612)
    )
    spoken = canonical_phones(Speechocean().root / "resource")
    pooled = [by_word(scores, [len(word) for word in spoken[clip.id]])
              for clip, scores in zip(test.clips, said, strict=True)]  # fmt: skip
    words = [cast(Sequence[float], clip.targets["words"]) for clip in test.clips]
    score, count = correlation(test, words, pooled), sum(map(len, words))
    told = about.format(f"{count} words, each scored by the mean of its phones,") + GOPT.format(0.549)
    test.tell("pcc-word", score, "Pearson's correlation, total", "", told)


def by_word(scores: Sequence[float], sizes: Sequence[int]) -> list[float]:
    """Return the mean of each word's phones."""
    ends = np.cumsum(sizes)
    return [float(part.mean()) for part in np.split(np.asarray(scores), ends[:-1])]


def correlation(test: Test, truth: Sequence[Sequence[float]], said: Sequence[Sequence[float]]) -> Interval:
    """Return Pearson's correlation over all numbers of all clips, with an interval over speakers."""
    sizes = [len(numbers) for numbers in truth]
    if sizes != [len(numbers) for numbers in said]:
        raise InputError("some clip has more scores than were given, or fewer")
    each = moments(np.concatenate([*truth]), np.concatenate([*said]))
    rows: Floats = np.zeros((len(sizes), each.shape[1]))
    np.add.at(rows, np.repeat(np.arange(len(sizes)), sizes), each)
    return bootstrap(rows, pearson_of, groups=test.speakers)


if __name__ == "__main__":
    main()
