"""A small corpus on disk in which sound, text, features and pictures each tell the class."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from trichord.clip import Audio
from trichord.media import write_audio, write_image

RATE = 8000
WORDS = {
    "rise": ["up it goes", "higher and higher"],
    "fall": ["down we go", "lower still"],
    "stay": ["so", "it is"],
}
SLOPES = {"rise": 1, "fall": -1, "stay": 0}


def write_table(folder: Path, counts: dict[str, int], *, lacking: int = 0) -> Path:
    """Write a table of so many clips of each split, the first `lacking` of which have nothing to sense."""
    rng = np.random.default_rng(0)
    rows = []
    for split, count in counts.items():
        for number in range(count):
            label = list(WORDS)[number % len(WORDS)]
            row = {"id": f"{split}{number}", "split": split, "label": label, "speaker": f"s{number % 4}"}
            found = sensed(folder, row["id"], label, rng)
            rows.append(row | (dict.fromkeys(found) if number < lacking else found))
    path = folder / "clips.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)) + "\n")
    return path


def sensed(folder: Path, name: str, label: str, rng: np.random.Generator) -> dict[str, Any]:
    time = np.arange(int(RATE * rng.uniform(0.2, 0.4))) / RATE
    hz = 900 + rng.uniform(-50, 50) + SLOPES[label] * 1500 * (time - time.mean())
    sound = 0.5 * np.sin(2 * np.pi * np.cumsum(hz) / RATE) + 0.01 * rng.normal(size=len(time))
    write_audio(folder / f"{name}.wav", Audio(sound.astype(np.float32), RATE))
    picture = np.zeros((24, 24, 3), np.uint8)
    rows = np.clip(12 - SLOPES[label] * (np.arange(24) - 12) + rng.integers(-2, 3), 0, 23)
    picture[rows, np.arange(24)] = 255
    write_image(folder / f"{name}.png", picture)
    course = SLOPES[label] * np.linspace(-1, 1, 6)[:, None] + 0.1 * rng.normal(size=(6, 2))
    return {
        "audio": f"{name}.wav", "video": f"{name}.png", "text": str(rng.choice(WORDS[label])),
        "course": course.tolist(), "mean": [float(SLOPES[label] + 0.1 * rng.normal())],
    }  # fmt: skip


def recipe_of(table: Path) -> dict[str, Any]:
    """Return a recipe with a stream of every sort, as a mapping."""
    columns = {"audio": "audio", "video": "video", "text": "text"}
    features = {"course": ["course"], "mean": ["mean"]}
    return {
        "corpus": {"kind": "table", "path": str(table), **columns, "features": features, "targets": ["label"],
                   "id": "id"},
        "dim": 8,
        "streams": {
            "voice": {"from": "audio", "encoder": "features"},
            "words": {"from": "text", "prepare": "words", "encoder": "features"},
            "letters": {"from": "text", "encoder": "features"},
            "picture": {"from": "video", "prepare": "frames", "encoder": "features"},
            "steps": {"from": "course", "encoder": "features"},
            "point": {"from": "mean", "encoder": "features"},
        },
        "heads": {"label": "classify"},
    }  # fmt: skip
