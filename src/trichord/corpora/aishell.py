"""AISHELL: Mandarin, read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from trichord.clip import Clip
from trichord.corpora.corpus import SPLITS, About, Corpus, Index, hash_split, split_called
from trichord.corpora.kaldi import table
from trichord.corpora.paths import read_lines
from trichord.errors import InputError
from trichord.files import SOUND
from trichord.media import AudioFile

STEM = re.compile(r"BAC009(S[0-9]{4})W[0-9]{4}")


class Aishell(Corpus):
    """Mandarin sentences on finance, technology, sport and news, 16 kHz (Bu et al. 2017).

    Input: `audio`. Target: `transcript`, simplified characters without blanks. About: `speaker`.

    Read are the official layout, wav/{train,dev,test}/SPEAKER with transcript/*.txt, and that of the sample,
    one folder with a text file beside each recording. The sample has two speakers and no split: the hash of
    the clip id divides 80/10/10, so both are in every split. Recordings without a transcript are left out.
    """

    name = "aishell"
    lies_in = "aishell-sample"
    about = About(
        title="AISHELL, read Mandarin",
        licence="Apache-2.0 (the sample's repository: GPL-3.0)",
        commercial=None,
        source="OpenSLR 33; the sample from the repository QianZ423/kaldi-asr-aishell-sample",
        size_mb=8.1,
        hours=1.14,
        tasks=("speech recognition",),
        language="mandarin",
    )

    def read(self) -> Index:
        index: dict[str, list[Clip]] = {split: [] for split in SPLITS}
        clips = self.official() if (self.root / "wav").is_dir() else self.sample()
        for split, path, text in clips:
            match = STEM.fullmatch(path.stem)
            speaker = match[1] if match else path.parent.name
            transcript = "".join(text.split())
            clip = Clip(
                path.stem, {"audio": AudioFile(path)}, {"transcript": transcript}, {"speaker": speaker}
            )
            index[split].append(clip)
        if not any(index.values()):
            raise InputError(
                f"{self.root}: expected wav/train/S0002/*.wav (unpack the archives of the speakers) with "
                "transcript/*.txt, or recordings with a text file beside each"
            )
        return index

    def official(self) -> Iterator[tuple[str, Path, str]]:
        """Yield (split, recording, text) of the official layout."""
        texts: dict[str, str] = {}
        for path in sorted((self.root / "transcript").glob("*.txt")):
            texts |= table(path.parent, path.name)
        for path in sounds(self.root / "wav", "*/*/*.*"):
            split = split_called(path.parents[1].name)
            if split and path.stem in texts:
                yield split, path, texts[path.stem]

    def sample(self) -> Iterator[tuple[str, Path, str]]:
        for path in (*sounds(self.root, "*.*"), *sounds(self.root, "AISHELL_Sample_data/*.*")):
            if (text := path.with_suffix(".txt")).is_file():
                yield hash_split(path.stem), path, "".join(read_lines(text))


def sounds(root: Path, pattern: str) -> list[Path]:
    return sorted(path for path in root.glob(pattern) if path.suffix.lower() in SOUND)
