"""Kaldi data directories."""

from __future__ import annotations

from pathlib import Path

from trichord.clip import Clip, Target
from trichord.corpora.corpus import About, Corpus, Index, by_hash, split_called, with_valid
from trichord.corpora.paths import find_media, find_text, inside, read_lines
from trichord.errors import InputError
from trichord.media import AudioFile

Segment = tuple[str, float, float | None]
"""Recording, start and end in seconds."""


class Kaldi(Corpus):
    """Kaldi data directories (wav.scp, text, and optionally segments, utt2spk, spk2gender).

    Input: `audio`. Target: `transcript`. About: `speaker` and `gender`, where given. The folder holds
    directories called train, valid (or dev) and test; or it is one data directory itself, which the hash of
    the speaker divides 80/10/10.

    wav.scp must name files: entries that are commands (ending in `|`) or parts of archives are refused,
    never run. Their paths are relative to `folder`, or absolute.

    recordings: the folder that wav.scp may name files in, where that is not `folder`.
    """

    name = "kaldi"
    about = About(
        title="Kaldi data directories",
        licence="the owner's",
        commercial=None,
        source="a Kaldi or ESPnet recipe's data folder",
        tasks=("speech recognition",),
    )

    def __init__(self, folder: Path, recordings: Path | None = None) -> None:
        self.folder: Path = folder
        self.recordings = recordings

    def read(self) -> Index:
        if find_text(self.root / "wav.scp"):
            return by_hash(self.data_directory(self.root))
        index: dict[str, list[Clip]] = {}
        for place in sorted(path.parent for path in self.root.glob("*/wav.scp*")):
            if split := split_called(place.name):
                index.setdefault(split, []).extend(self.data_directory(place))
        if not index:
            raise InputError(
                f"{self.root}: expected train, valid and test, each with a wav.scp, or one wav.scp"
            )
        return with_valid(index)

    def data_directory(self, folder: Path) -> list[Clip]:
        recordings = {
            name: self.recording(folder, name, entry) for name, entry in table(folder, "wav.scp").items()
        }
        segments = read_segments(folder) or {name: (name, 0.0, None) for name in recordings}
        texts, speakers = table(folder, "text"), table(folder, "utt2spk")
        genders = table(folder, "spk2gender")
        if strange := sorted(set(texts) - set(segments)):
            raise InputError(
                f"{folder / 'text'}: utterance {strange[0]!r} is in neither segments nor wav.scp"
            )
        clips = []
        for name, (recording, start, end) in sorted(segments.items()):
            if recording not in recordings:
                raise InputError(f"{folder / 'segments'}: recording {recording!r} is not in wav.scp")
            targets: dict[str, Target] = {"transcript": texts[name]} if name in texts else {}
            about = {"speaker": speakers[name]} if name in speakers else {}
            if gender := genders.get(about.get("speaker", "")):
                about["gender"] = gender
            clips.append(Clip(name, {"audio": AudioFile(recordings[recording], start, end)}, targets, about))
        return clips

    def recording(self, folder: Path, name: str, entry: str) -> Path:
        if "|" in entry:
            raise InputError(
                f"{folder / 'wav.scp'}: {name!r} is a command, not a file, and commands are never run; "
                "write its output to files first (Kaldi: wav-copy) and name those"
            )
        if ".ark:" in entry:
            raise InputError(
                f"{folder / 'wav.scp'}: {name!r} lies in an archive; write it to a file of its own"
            )
        root = self.recordings or self.root
        return find_media(inside(root, entry))


def table(folder: Path, name: str) -> dict[str, str]:
    """Return key -> rest of line of a Kaldi table; empty for an absent one, InputError for a key twice."""
    path = find_text(folder / name)
    entries: dict[str, str] = {}
    for line in read_lines(path) if path else ():
        key, _, rest = line.strip().partition(" ") if "\t" not in line else line.strip().partition("\t")
        if key in entries:
            raise InputError(f"{folder / name}: {key!r} occurs twice")
        entries[key] = rest.strip()
    return entries


def read_segments(folder: Path) -> dict[str, Segment]:
    segments: dict[str, Segment] = {}
    for name, rest in table(folder, "segments").items():
        try:
            recording, start, end = rest.split()
            segments[name] = (recording, float(start), float(end) if float(end) >= 0 else None)
        except ValueError:
            raise InputError(
                f"{folder / 'segments'}: expected 'utterance recording start end', got {name!r} {rest!r:.80}"
            ) from None
        if not 0 <= float(start) < (float(end) if float(end) >= 0 else float("inf")):
            raise InputError(f"{folder / 'segments'}: {name!r} ends before it starts ({start} to {end} s)")
    return segments
