"""speechocean762: non-native English, scored by experts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from trichord.clip import Clip, Input, Lazy, Target
from trichord.corpora.corpus import SPLITS, About, Corpus, Index
from trichord.corpora.kaldi import Kaldi, table
from trichord.corpora.paths import find_text, read_lines
from trichord.corpora.phone_scores import aligned, expert_scores
from trichord.corpora.rows import number
from trichord.corpora.strata import by_rank
from trichord.errors import InputError

LEVELS = ("accuracy", "fluency", "prosodic", "completeness", "total")
ADULT = 18
VALID = (0.9, 0.1, 0.0)
PRE_RELEASE = ("dev_utt2score", "test_utt2score")
"""The score files of December 2020, when the training set was called dev."""

Entry = Mapping[str, Any]
Phones = Sequence[tuple[str, ...]]
"""The canonical phones of each word."""


class Speechocean(Corpus):
    """English sentences read by Mandarin speakers, half of them children (Zhang et al. 2021).

    Inputs: `audio`; `text`, the prompt in lower case; `phones`, its canonical phones. Targets: `transcript`,
    which is the prompt; `accuracy`, `fluency`, `prosodic` and `total` of the sentence, 0 to 10, and its
    `completeness`, 0 to 1 (0 to 10 in the released scores); `words`, the total of each word, 0 to 10;
    `phone_scores`, one per canonical phone: 2 for right, 1 for accented, 0 for wrong or missed. All are means
    over the experts. About: `speaker`, `gender` (m or f), `age`, `age_group` (child below 18, or adult).

    The split is the official one, by speaker; a tenth of the children and of the adults who train, by the
    hash of their names, validates. Scores are read from resource/scores.json, as released, else from the
    earlier scores-2020/{dev,test}_utt2score. There experts wrote phones of another set, and what they heard,
    which is aligned with the canonical phones; a clip whose words are not those of the canonical phones has
    no `phone_scores`.
    """

    name = "speechocean"
    lies_in = "speechocean762"
    about = About(
        title="speechocean762, non-native English with pronunciation scores",
        licence="free for commercial and non-commercial use",
        commercial=True,
        source="the repository jimbozhang/speechocean762 (OpenSLR 101)",
        size_mb=30.8,
        hours=4.19,
        tasks=("pronunciation scoring", "speech recognition"),
        language="english",
    )

    def read(self) -> Index:
        phones, scores = canonical_phones(self.root / "resource"), read_scores(self.root)
        clips = {split: self.listed(split, phones, scores) for split in ("train", "test")}
        if not any(clips.values()):
            raise InputError(f"{self.root}: expected Kaldi directories train and test, each with a wav.scp")
        splits = speakers_by_age(clips["train"])
        index: dict[str, list[Clip]] = {split: [] for split in SPLITS} | {"test": clips["test"]}
        for clip in clips["train"]:
            index[splits[speaker_of(clip)]].append(clip)
        return index

    def listed(self, split: str, phones: Mapping[str, Phones], scores: Mapping[str, object]) -> list[Clip]:
        ages = table(self.root / split, "spk2age")
        return [
            labelled(clip, ages.get(speaker_of(clip)), phones.get(clip.id, ()), scores.get(clip.id))
            for clip in Kaldi(self.root).data_directory(self.root / split)
        ]


def speakers_by_age(clips: Iterable[Clip]) -> dict[str, str]:
    """Return the split of each training speaker, children and adults divided alike."""
    groups: dict[str, set[str]] = {}
    for clip in clips:
        groups.setdefault(clip.about.get("age_group", ""), set()).add(speaker_of(clip))
    return {speaker: split for group in groups.values() for speaker, split in by_rank(group, VALID).items()}


def speaker_of(clip: Clip) -> str:
    return clip.about.get("speaker", clip.id)


def labelled(clip: Clip, age: str | None, phones: Phones, scores: object) -> Clip:
    """Return a clip of the Kaldi directory with what the other files say of it."""
    inputs: dict[str, Input | Lazy] = dict(clip.inputs)
    targets: dict[str, Target] = {}
    about = dict(clip.about)
    if "transcript" in clip.targets:
        inputs["text"] = targets["transcript"] = str(clip.targets["transcript"]).lower()
    if phones:
        inputs["phones"] = " ".join(phone for word in phones for phone in word)
    if scores is not None:
        targets |= judged(f"the scores of {clip.id}", scores, phones)
    if age is not None:
        years = number(f"spk2age of {speaker_of(clip)}", "the age", age)
        about |= {"age": age, "age_group": "child" if years < ADULT else "adult"}
    return Clip(clip.id, inputs, targets, about)


def judged(where: str, scores: object, phones: Phones) -> dict[str, Target]:
    words = scores.get("words") if isinstance(scores, dict) else None
    if not isinstance(scores, dict) or not isinstance(words, list):
        raise InputError(f"{where}: expected an object with a list of 'words'; got {scores!r:.60}")
    if not all(isinstance(word, dict) for word in words):
        raise InputError(f"{where}: every word must be an object; got {words!r:.60}")
    targets: dict[str, Target] = {level: mean(where, level, scores.get(level)) for level in LEVELS}
    targets["words"] = tuple(mean(where, "the total of a word", word.get("total")) for word in words)
    if phones and len(phones) == len(words):
        of_words = [phone_scores(where, *pair) for pair in zip(phones, words, strict=True)]
        if all(of_words):
            targets["phone_scores"] = tuple(score for word in of_words for score in word)
    return targets


def mean(where: str, what: str, value: object) -> float:
    """Return a number, or the mean of the experts' numbers."""
    values = value if isinstance(value, list) and value else [value]
    return sum(number(where, what, one) for one in values) / len(values)


def phone_scores(where: str, canonical: tuple[str, ...], word: Entry) -> tuple[float, ...]:
    """Return a score per canonical phone of a word, the mean over the experts; none where nobody scored."""
    written, given = word.get("phones"), word.get("phones-accuracy")
    names = written.split() if isinstance(written, str) else written
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InputError(f"{where}: 'phones' must be a list of texts; got {written!r:.60}")
    if given is None:
        opinions = [expert_scores(canonical, expert) for expert in names]
    elif isinstance(given, list) and len(given) == len(names):
        numbers = [number(where, "phones-accuracy", one) for one in given]
        opinions = [aligned(canonical, list(zip(names, numbers, strict=True)))]
    else:
        raise InputError(f"{where}: 'phones-accuracy' must have a number per phone; got {given!r:.60}")
    return tuple(sum(column) / len(column) for column in zip(*filter(None, opinions), strict=True))


def canonical_phones(folder: Path) -> dict[str, list[tuple[str, ...]]]:
    """Return the phones of each word by utterance; lines of text-phone are `UTTERANCE.WORD K_B AO0_I L_E`."""
    phones: dict[str, list[tuple[str, ...]]] = {}
    for key, line in table(folder, "text-phone").items():
        utterance, _, position = key.rpartition(".")
        words = phones.setdefault(utterance, [])
        if position != str(len(words)):
            raise InputError(
                f"{folder / 'text-phone'}: expected word {len(words)} of {utterance!r}; got {key!r}"
            )
        words.append(tuple(phone.partition("_")[0] for phone in line.split()))
    return phones


def read_scores(root: Path) -> dict[str, object]:
    """Return what is said of each utterance; empty where there is no score file."""
    if released := find_text(root / "resource" / "scores.json"):
        return loaded(released, "\n".join(read_lines(released)))
    folder = root / "scores-2020"
    lines = [line for name in PRE_RELEASE for line in table(folder, name).items()]
    return {utterance: loaded(folder, line) for utterance, line in lines}


def loaded(path: Path, text: str) -> dict[str, object]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not JSON ({error!s:.80}) in {text!r:.40}") from None
    if not isinstance(value, dict):
        raise InputError(f"{path}: expected JSON objects; got {text!r:.60}")
    return value
