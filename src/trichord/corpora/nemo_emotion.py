"""nEMO: emotional speech in Polish."""

from __future__ import annotations

from pathlib import Path

from trichord.clip import Clip
from trichord.corpora.corpus import SPLITS, About, Corpus, Index, hash_split
from trichord.corpora.paths import find_media, inside
from trichord.corpora.rows import check_columns, read_rows
from trichord.errors import InputError
from trichord.kinds import nearest
from trichord.media import AudioFile

COLUMNS = ("file_id", "emotion", "normalized_text", "speaker_id", "gender", "age")
OTHERS = (0.9, 0.1, 0.0)


class NemoEmotion(Corpus):
    """Ninety Polish sentences, acted in six emotions by nine actors (Christop 2024).

    Input: `audio`. Targets: `emotion`; `transcript`, in lower case and without punctuation. About:
    `speaker`, the actor, with their `gender` and `age`, and `sentence`, its number.

    There is no official split: the hash of the clip id divides 80/10/10, known as random folds, in which
    every actor trains. To meet new actors, hold one out, or let a recipe go round all of them, with
    `fold: {of: 7, by: speaker}`.

    hold_out: an actor who becomes the whole test set: the others' clips divide 90/10 into training and
        validation.
    """

    name = "nemo_emotion"
    lies_in = "nemo-emotion"
    about = About(
        title="nEMO, emotional speech in Polish",
        licence="CC-BY-NC-SA-4.0",
        commercial=False,
        source="the repository amu-cai/nEMO",
        size_mb=19.9,
        hours=2.51,
        tasks=("speech emotion", "speech recognition"),
        language="polish",
    )

    def __init__(self, folder: Path | None = None, hold_out: str | None = None) -> None:
        self.folder = folder
        self.hold_out = hold_out

    def read(self) -> Index:
        index: dict[str, list[Clip]] = {split: [] for split in SPLITS}
        clips = self.listed()
        actors = {clip.about["speaker"] for clip in clips}
        if self.hold_out is not None and self.hold_out not in actors:
            raise InputError(
                f"nemo_emotion: no actor {self.hold_out!r} to hold out{nearest(self.hold_out, actors)}"
            )
        for clip in clips:
            index[self.split_of(clip)].append(clip)
        return index

    def listed(self) -> list[Clip]:
        clips = []
        for where, row in read_rows(self.root / "data.tsv"):
            check_columns(where, row, COLUMNS)
            file, emotion, text, speaker, gender, age = ((row[column] or "").strip() for column in COLUMNS)
            path = find_media(inside(self.root, f"samples/{file}"))
            about = {"speaker": speaker, "gender": gender, "age": age}
            about["sentence"] = path.stem.rpartition("_")[2]
            targets = {"emotion": emotion, "transcript": text.lower()}
            clips.append(Clip(path.stem, {"audio": AudioFile(path)}, targets, about))
        return clips

    def split_of(self, clip: Clip) -> str:
        if self.hold_out is None:
            return hash_split(clip.id)
        return "test" if clip.about["speaker"] == self.hold_out else hash_split(clip.id, OTHERS)
