"""The Free Spoken Digit Dataset."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from trichord.clip import Clip
from trichord.corpora.corpus import SPLITS, About, Corpus, Index
from trichord.corpora.grid import DIGITS
from trichord.corpora.paths import read_lines
from trichord.errors import InputError
from trichord.files import SOUND
from trichord.kinds import nearest
from trichord.media import AudioFile

STEM = re.compile(r"([0-9])_([A-Za-z]+)_([0-9]{1,6})")


class Fsdd(Corpus):
    """English digits by six speakers, 50 takes each, 8 kHz.

    Input: `audio`. Targets: `digit`, a class `0` to `9`; `transcript`, the word. About: `speaker`, and
    their `gender`, `accent` and `language`.

    The official test set is takes 0 to 4, the official training set takes 5 to 49; as choices need
    validation data, takes 5 to 9 are taken from training as `valid`.

    hold_out: a speaker who becomes the whole test set instead: takes 0 to 9 of the others validate.
    """

    name = "fsdd"
    about = About(
        title="Free Spoken Digit Dataset",
        licence="CC-BY-SA-4.0",
        commercial=True,
        source="the repository Jakobovski/free-spoken-digit-dataset",
        size_mb=5.1,
        hours=0.37,
        tasks=("digit recognition", "speaker identification"),
        language="english",
    )

    def __init__(self, folder: Path | None = None, hold_out: str | None = None) -> None:
        self.folder = folder
        self.hold_out = hold_out

    def read(self) -> Index:
        index: dict[str, list[Clip]] = {split: [] for split in SPLITS}
        people = read_metadata(self.root / "metadata.py")
        folder = self.root / "recordings"
        takes = sorted(
            (m, p) for p in folder.glob("*.*") if p.suffix.lower() in SOUND and (m := parse(p.stem))
        )
        speakers = {speaker for (_, speaker, _), _ in takes}
        if not takes:
            raise InputError(f"{folder}: holds no recordings named DIGIT_SPEAKER_TAKE, such as 3_theo_17.wav")
        if self.hold_out is not None and self.hold_out not in speakers:
            raise InputError(
                f"fsdd: no speaker {self.hold_out!r} to hold out{nearest(self.hold_out, speakers)}"
            )
        for (digit, speaker, take), path in takes:
            clip = Clip(
                path.stem,
                {"audio": AudioFile(path)},
                {"digit": str(digit), "transcript": DIGITS[digit]},
                {"speaker": speaker, **people.get(speaker, {})},
            )
            index[self.split_of(speaker, take)].append(clip)
        return index

    def split_of(self, speaker: str, take: int) -> str:
        if self.hold_out is not None:
            return "test" if speaker == self.hold_out else "valid" if take < 10 else "train"
        return "test" if take < 5 else "valid" if take < 10 else "train"


def parse(stem: str) -> tuple[int, str, int] | None:
    """Return (digit, speaker, take) of a file name, None for another one."""
    match = STEM.fullmatch(stem)
    return (int(match[1]), match[2], int(match[3])) if match else None


def read_metadata(path: Path) -> dict[str, dict[str, str]]:
    """Return what metadata.py says of each speaker; its literal is parsed, the file is never executed."""
    if not path.is_file():
        return {}
    try:
        module = ast.parse("\n".join(read_lines(path)))
        value = next(node.value for node in module.body if isinstance(node, ast.Assign))
        people = ast.literal_eval(value)
        return {str(who): {str(k): str(v) for k, v in facts.items()} for who, facts in people.items()}
    except (StopIteration, SyntaxError, ValueError, AttributeError, RecursionError, MemoryError):
        raise InputError(f"{path}: expected one literal, metadata = {{speaker: {{...}}}}") from None
