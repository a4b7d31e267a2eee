"""LibriSpeech: English audio books."""

from __future__ import annotations

from pathlib import Path

from trichord.clip import Clip
from trichord.corpora.corpus import SPLITS, About, Corpus, Index, split_called
from trichord.corpora.kaldi import table
from trichord.corpora.paths import find_media, inside, read_lines
from trichord.errors import InputError
from trichord.kinds import nearest
from trichord.media import AudioFile


class LibriSpeech(Corpus):
    """Read English of about 2500 speakers, 16 kHz (Panayotov et al. 2015).

    Input: `audio`. Target: `transcript`, in lower case. About: `speaker`, their `gender` (m or f) where
    SPEAKERS.TXT is there, `chapter`, and `subset`.

    The official subsets are the split: train-* trains, dev-* validates, test-* tests.

    subsets: which of them, such as `[train-clean-100, dev-clean, test-clean]`; by default all that are there.
    """

    name = "librispeech"
    lies_in = "LibriSpeech"
    about = About(
        title="LibriSpeech",
        licence="CC-BY-4.0",
        commercial=True,
        source="OpenSLR 12",
        size_mb=61_000,
        hours=982,
        tasks=("speech recognition",),
    )

    def __init__(self, folder: Path | None = None, subsets: tuple[str, ...] = ()) -> None:
        self.folder = folder
        self.subsets = subsets

    def read(self) -> Index:
        index: dict[str, list[Clip]] = {split: [] for split in SPLITS}
        here = [path.name for path in sorted(self.root.glob("*-*")) if split_of(path.name) and path.is_dir()]
        if not here:
            raise InputError(f"{self.root}: holds no subsets such as train-clean-100 or dev-clean")
        genders = read_genders(self.root / "SPEAKERS.TXT")
        for subset in self.subsets or here:
            if subset not in here:
                raise InputError(f"librispeech: {self.root} has no subset {subset!r}{nearest(subset, here)}")
            clips = index[split_of(subset) or "train"]
            for path in sorted((self.root / subset).glob("*/*/*.trans.txt")):
                clips += chapter(path, subset, genders)
        return index


def split_of(subset: str) -> str | None:
    return split_called(subset.partition("-")[0])


def chapter(path: Path, subset: str, genders: dict[str, str]) -> list[Clip]:
    """Return the clips of one chapter; lines of *.trans.txt are `SPEAKER-CHAPTER-UTTERANCE TEXT`."""
    about = {"speaker": path.parents[1].name, "chapter": path.parent.name, "subset": subset}
    if gender := genders.get(about["speaker"]):
        about["gender"] = gender
    return [
        Clip(
            name,
            {"audio": AudioFile(find_media(inside(path.parent, f"{name}.flac")))},
            {"transcript": text.lower()},
            about,
        )
        for name, text in table(path.parent, path.name).items()
    ]


def read_genders(path: Path) -> dict[str, str]:
    """Return m or f by speaker; lines are `14 | F | train-clean-360 | 25.03 | NAME`, or comments after ;."""
    lines = read_lines(path) if path.is_file() else ()
    rows = [[cell.strip() for cell in line.split("|")] for line in lines if not line.startswith(";")]
    return {row[0]: row[1].lower() for row in rows if len(row) > 1}
