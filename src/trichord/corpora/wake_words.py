"""Wake words, one per recording."""

from __future__ import annotations

from trichord.clip import Clip
from trichord.corpora.corpus import SPLITS, About, Corpus, Index
from trichord.corpora.strata import by_rank
from trichord.errors import InputError
from trichord.files import SOUND
from trichord.media import AudioFile

FRACTIONS = (0.6, 0.15, 0.25)


class WakeWords(Corpus):
    """Six wake words by more than fifty speakers (Picovoice's benchmark).

    Input: `audio`. Target: `keyword`, the name of the folder: alexa, computer, jarvis, smart mirror, snowboy
    or view glass. Speakers are not named, so they may be in several splits.

    The hash of the clip id divides each word 60/15/25. The recording of several words in a row, in no
    word's folder, is in no split.
    """

    name = "wake_words"
    lies_in = "wake-words"
    about = About(
        title="Wake words of the Picovoice benchmark",
        licence="Apache-2.0",
        commercial=True,
        source="the repository Picovoice/wake-word-benchmark",
        size_mb=4.2,
        hours=0.73,
        tasks=("keyword spotting",),
        language="english",
    )

    def read(self) -> Index:
        index: dict[str, list[Clip]] = {split: [] for split in SPLITS}
        for folder in sorted(path for path in (self.root / "audio").glob("*") if path.is_dir()):
            paths = {
                f"{folder.name}/{path.stem}": path
                for path in sorted(folder.iterdir())
                if path.suffix.lower() in SOUND
            }
            for name, split in sorted(by_rank(paths, FRACTIONS).items()):
                clip = Clip(name, {"audio": AudioFile(paths[name])}, {"keyword": folder.name})
                index[split].append(clip)
        if not any(index.values()):
            raise InputError(f"{self.root}: holds no recordings such as audio/alexa/1.wav")
        return index
