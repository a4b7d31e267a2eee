"""Whose voice is it, among people of whom a few clips are known?

    python benchmarks/who.py [--model FILE] [--dry]

The 60 test speakers of speechocean762, none of them heard in training: the first clips of each make them
known, the others are told apart by the nearest voice. Intervals are 95 %, over speakers.
"""

from __future__ import annotations

import argparse

import numpy as np
from results import record

from trichord.clip import Clip
from trichord.corpora import Speechocean
from trichord.metrics import bootstrap, ratio
from trichord.running.runtime import load
from trichord.running.voice import KnownVoices

KNOWN_CLIPS = (1, 3)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", default="zoo-research/speaker.onnx", help="with a contrastive head")
    parser.add_argument("--dry", action="store_true", help="record nothing")
    args = parser.parse_args()
    clips: dict[str, list[Clip]] = {}
    for clip in Speechocean().clips("test"):
        clips.setdefault(clip.about["speaker"], []).append(clip)
    model, first = load(args.model), max(KNOWN_CLIPS)
    heard: dict[str, np.ndarray] = {}
    for count in KNOWN_CLIPS:
        known = {name: theirs[:count] for name, theirs in clips.items()}
        people = KnownVoices(model, known, threshold=-1)
        heard = heard or {name: people.embeddings(theirs[first:]) for name, theirs in clips.items()}
        rows = rows_of(people, heard)
        score = bootstrap(rows, ratio)
        print(f"{count} known: {score.value:.4f} [{score.low:.4f}, {score.high:.4f}]")
        if not args.dry:
            record(
                f"speaker/identified-by-{count}", score.value, "accuracy", spread=(score.low, score.high),
                n=int(rows[:, 1].sum()),
                note=f"{len(clips)} unseen speakers, {count} clips of each known; {args.model}",
            )  # fmt: skip


def rows_of(people: KnownVoices, heard: dict[str, np.ndarray]) -> np.ndarray:
    """Return how many of each speaker's embeddings `(clips, size)` are told to be theirs, and of how many."""
    rows = []
    for name, embeddings in heard.items():
        right = (embeddings @ people.voices.T).argmax(1) == people.names.index(name)
        rows.append([right.sum(), len(right)])
    return np.array(rows, np.float64)


if __name__ == "__main__":
    main()
