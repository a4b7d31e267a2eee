"""Lhotse manifests."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trichord.clip import Clip, Target
from trichord.corpora.corpus import About, Corpus, Index, by_hash, split_called, with_valid
from trichord.corpora.paths import find_media, inside
from trichord.corpora.rows import read_json_lines
from trichord.errors import InputError
from trichord.media import AudioFile

Entry = Mapping[str, Any]


class Lhotse(Corpus):
    """Lhotse manifests: recordings*.jsonl(.gz) and supervisions*.jsonl(.gz), one pair per split.

    Input: `audio`, one clip per supervision; recordings without any are unlabelled clips. Targets:
    `transcript`, and string values of `custom` under their own names. About: `speaker`, `gender`,
    `language`.

    A pair's split is read from its folder's name or from a part of its file name: train/recordings.jsonl.gz,
    digits_recordings_dev.jsonl.gz. Without any, the hash of the speaker, else of the recording, divides
    80/10/10. Sources that are commands or addresses are refused, never run or fetched.

    recordings: the folder that manifests may name files in, where that is not `folder`.
    """

    name = "lhotse"
    about = About(
        title="Lhotse manifests",
        licence="the owner's",
        commercial=None,
        source="a Lhotse, icefall or NeMo data preparation",
        tasks=("speech recognition",),
    )

    def __init__(self, folder: Path, recordings: Path | None = None) -> None:
        self.folder: Path = folder
        self.recordings = recordings

    def read(self) -> Index:
        pairs = manifests(self.root)
        if not pairs:
            raise InputError(f"{self.root}: expected recordings*.jsonl(.gz) and supervisions*.jsonl(.gz)")
        index: dict[str, list[Clip]] = {}
        undivided: list[Clip] = []
        for files in pairs.values():
            if "recordings" not in files:
                raise InputError(f"{files['supervisions']}: has no recordings manifest beside it")
            split = split_in(self.root, files["recordings"])
            (index.setdefault(split, []) if split else undivided).extend(self.pair(files))
        return with_valid(index) if index else by_hash(undivided)

    def pair(self, files: Mapping[str, Path]) -> list[Clip]:
        path = files["recordings"]
        recordings = {}
        for entry in read_json_lines(path):
            recordings[text_of(path, entry, "id")] = entry
        clips, used = [], set()
        for entry in read_json_lines(files["supervisions"]) if "supervisions" in files else ():
            clip, recording = self.supervised(files["supervisions"], entry, recordings)
            clips.append(clip)
            used.add(recording)
        return clips + [
            Clip(name, {"audio": self.audio(path, recordings[name], 0)}, {}, {"group": name})
            for name in recordings
            if name not in used
        ]

    def supervised(self, path: Path, entry: Entry, recordings: Mapping[str, Entry]) -> tuple[Clip, str]:
        name, recording = text_of(path, entry, "id"), text_of(path, entry, "recording_id")
        if recording not in recordings:
            raise InputError(
                f"{path}: supervision {name!r} names recording {recording!r}, which is not there"
            )
        try:
            start = float(entry["start"])
            end = start + float(entry["duration"])
        except (KeyError, TypeError, ValueError):
            raise InputError(
                f"{path}: supervision {name!r} needs 'start' and 'duration' in seconds"
            ) from None
        channel = entry.get("channel", 0)
        if isinstance(channel, list) and channel:
            channel = channel[0]
        whole = self.audio(path, recordings[recording], channel)
        about = {key: str(entry[key]) for key in ("speaker", "gender", "language") if entry.get(key)}
        inputs = {"audio": AudioFile(whole.path, start, end, whole.channel)}
        return Clip(
            name, inputs, said(path, entry), {"group": about.get("speaker", recording), **about}
        ), recording

    def audio(self, path: Path, recording: Entry, channel: object) -> AudioFile:
        name = recording.get("id")
        if recording.get("transforms"):
            raise InputError(
                f"{path}: recording {name!r} is to be transformed on the fly; store it transformed"
            )
        sources = recording.get("sources")
        for source in sources if isinstance(sources, list) else ():
            channels = source.get("channels") if isinstance(source, dict) else None
            if isinstance(channels, list) and channel in channels:
                if source.get("type") != "file":
                    raise InputError(
                        f"{path}: recording {name!r} has a source of type {source.get('type')!r:.40}; "
                        "only files are read (nothing is run or fetched): store it as a file"
                    )
                media = find_media(inside(self.recordings or self.root, str(source.get("source"))))
                return AudioFile(media, channel=channels.index(channel) if len(channels) > 1 else None)
        raise InputError(f"{path}: recording {name!r} has no source for channel {channel!r}")


def said(path: Path, entry: Entry) -> dict[str, Target]:
    """Return a supervision's transcript and the texts in its `custom` field."""
    custom = entry.get("custom") or {}
    if not isinstance(custom, dict):
        raise InputError(f"{path}: 'custom' must be an object; got {custom!r:.60}")
    targets: dict[str, Target] = {key: value for key, value in custom.items() if isinstance(value, str)}
    if entry.get("text") is not None:
        targets["transcript"] = str(entry["text"])
    return targets


def text_of(path: Path, entry: Entry, key: str) -> str:
    if not isinstance(value := entry.get(key), str):
        raise InputError(f"{path}: an entry needs a text under {key!r}; got {value!r:.60}")
    return value


def manifests(root: Path) -> dict[str, dict[str, Path]]:
    """Return the pairs below a folder, by their name without what tells the two apart."""
    pairs: dict[str, dict[str, Path]] = {}
    for path in sorted((*root.glob("*.jsonl*"), *root.glob("*/*.jsonl*"))):
        what = next((w for w in ("recordings", "supervisions") if w in path.name), None)
        if what and path.name.endswith((".jsonl", ".jsonl.gz")):
            key = str(path.parent / path.name.removesuffix(".gz").replace(what, ""))
            pairs.setdefault(key, {})[what] = path
    return pairs


def split_in(root: Path, path: Path) -> str | None:
    """Return the split that a manifest's path names."""
    words = re.split(r"[^A-Za-z]+", path.relative_to(root).as_posix())
    return next((split for word in words if (split := split_called(word))), None)
