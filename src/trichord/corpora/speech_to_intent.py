"""Spoken orders at a coffee maker."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from trichord.clip import Clip, Target
from trichord.corpora.corpus import SPLITS, About, Corpus, Index, hash_split
from trichord.corpora.paths import read_lines
from trichord.decoding.grammar import told
from trichord.errors import InputError
from trichord.files import SOUND
from trichord.media import AudioFile

FRACTIONS = (0.7, 0.1, 0.2)
ABSENT = "none"
MAX_SLOTS = 100


class SpeechToIntent(Corpus):
    """Spoken orders at a coffee maker by more than fifty speakers (Picovoice's benchmark).

    Input: `audio`. Targets: `intent`; a class for each slot, named as the corpus does but in the style of
    recipes (`coffee_drink`, `milk_amount`, `number_of_shots`, `roast`, `size`, `sugar_amount`), whose value
    is `none` where the order does not say; `meaning`, the intent and the slots that it does say, under the
    corpus's own names, as one text: `orderDrink coffeeDrink=latte size=small`. In which words it was said is
    not known; `data/rhino/coffee_maker.yaml` is the grammar of what may be said.

    The hash of the clip id divides 70/10/20; speakers are not named, so they may be in several splits.
    Recordings without a label and labels without a recording are left out.
    """

    name = "speech_to_intent"
    lies_in = "speech-to-intent"
    about = About(
        title="Coffee orders of the Picovoice speech-to-intent benchmark",
        licence="Apache-2.0",
        commercial=True,
        source="the repository Picovoice/speech-to-intent-benchmark",
        size_mb=7.4,
        hours=1.27,
        tasks=("command understanding",),
        language="english",
    )

    def read(self) -> Index:
        index: dict[str, list[Clip]] = {split: [] for split in SPLITS}
        labels = read_labels(self.root / "data" / "label" / "label.json")
        names = sorted({slot for _, slots in labels.values() for slot in slots})
        if len(names) > MAX_SLOTS:
            raise InputError(f"{self.root}: label.json has {len(names)} slots; {MAX_SLOTS} at most")
        folder = self.root / "data" / "speech" / "clean"
        for path in sorted(path for path in folder.glob("*.*") if path.suffix.lower() in SOUND):
            if path.stem in labels:
                intent, slots = labels[path.stem]
                targets: dict[str, Target] = {snake(name): slots.get(name, ABSENT) for name in names}
                targets |= {"intent": intent, "meaning": told(intent, slots)}
                index[hash_split(path.stem, FRACTIONS)].append(
                    Clip(path.stem, {"audio": AudioFile(path)}, targets)
                )
        return index


def snake(name: str) -> str:
    """Return a name as recipes write names: `coffeeDrink` is `coffee_drink`."""
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


def read_labels(path: Path) -> dict[str, tuple[str, dict[str, str]]]:
    """Return intent and slots by the stem of the recording."""
    try:
        entries: Any = json.loads("\n".join(read_lines(path)))
        return {
            Path(file).stem: (
                str(entry["intent"]),
                {str(slot): str(value).strip() for slot, value in entry["slots"].items()},
            )
            for file, entry in entries.items()
        }
    except (ValueError, RecursionError, AttributeError, KeyError, TypeError) as error:
        raise InputError(
            f"{path}: expected {{FILE: {{intent: ..., slots: {{...}}}}}} ({error!r:.80})"
        ) from None
