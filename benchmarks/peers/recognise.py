"""One recogniser, alone in its process: sounds in, words out, and what they cost.

    python -I recognise.py {pocketsphinx,trichord} JOB.json

JOB holds `items`, each with the path of a `sound` (16 kHz, 16 bit, mono) and of a `film`, or null; for
pocketsphinx `slots`, the words of a command in their order, or null for all words of its own large model; for
Trichord `model`, a file, and the `head` that says the words. Prints a line of JSON about the recogniser, then
one for each item. Both recognisers run this file, so that the same lines measure both, each in its own
environment, so neither is imported at the top.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import sys
import tempfile
import wave
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from time import process_time
from typing import Any

RATE = 16_000
LETTERS = "letter"
"""The slot of letters: pocketsphinx's dictionary has them with a dot, `a. EY`, beside the article `a AH`."""
ALSO = {"z": "zed"}
"""How GRID's talkers, who are British, name a letter; the dictionary's own entry for it is American."""

Job = Mapping[str, Any]
See = Callable[[str], Any]
Hear = Callable[[bytes, Any], str]


def main(name: str, job: Job) -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    see, hear = RECOGNISERS[name](job)
    items = job["items"]
    recognise(see, hear, items[0])  # untimed: the first clip warms everything up
    print(json.dumps({"version": metadata.version(name)}))
    for item in items:
        print(json.dumps(recognise(see, hear, item)), flush=True)


def recognise(see: See, hear: Hear, item: Mapping[str, str | None]) -> dict[str, Any]:
    """Return the words; the sound's length and the processor's seconds, for the pictures and for the rest."""
    pcm = samples_of(str(item["sound"]))
    began = process_time()
    seen = see(item["film"]) if item["film"] else None
    ready = process_time() if item["film"] else began
    words = hear(pcm, seen)
    done = process_time()
    return {
        "words": words,
        "heard": len(pcm) / 2 / RATE,
        "hearing": done - ready,
        "seeing": ready - began,
        "peak_mb": peak_mb(),
    }


def samples_of(path: str) -> bytes:
    with wave.open(path) as file:
        assert (file.getframerate(), file.getsampwidth(), file.getnchannels()) == (RATE, 2, 1), path
        return file.readframes(file.getnframes())


def peak_mb() -> float:
    """Return this program's peak resident memory; getrusage would count the one that started it too."""
    return int(Path("/proc/self/status").read_text("utf-8").split("VmHWM:")[1].split()[0]) / 1000


# pocketsphinx


def with_pocketsphinx(job: Job) -> tuple[See, Hear]:
    peer = importlib.import_module("pocketsphinx")
    decoder = following(peer, job["slots"]) if job["slots"] else peer.Decoder(loglevel="FATAL")

    def hear(pcm: bytes, seen: None) -> str:
        decoder.start_utt()
        decoder.process_raw(pcm, full_utt=True)  # the whole at once, so that cepstral means are the whole's
        decoder.end_utt()
        found = decoder.hyp()
        return found.hypstr if found else ""

    return no_pictures, hear


def following(peer: Any, slots: Mapping[str, Sequence[str]]) -> Any:
    """Return a decoder of commands alone."""
    with open(peer.get_model_path("en-us/cmudict-en-us.dict"), encoding="utf-8") as dictionary:  # noqa: PTH123
        words = "\n".join(pronunciations(slots, dictionary)) + "\n"
    with tempfile.TemporaryDirectory() as folder:
        paths = {"dict": Path(folder, "grid.dict"), "jsgf": Path(folder, "grid.gram")}
        paths["dict"].write_text(words, "utf-8")
        paths["jsgf"].write_text(grammar(slots), "utf-8")
        return peer.Decoder(lm=None, loglevel="FATAL", **{key: str(path) for key, path in paths.items()})


def no_pictures(film: str) -> None:
    raise ValueError(f"{film}: pocketsphinx does not see")


def grammar(slots: Mapping[str, Sequence[str]]) -> str:
    """Return the commands as a JSGF grammar: a word of each slot, in order, each as likely."""
    rules = [f"<{slot}> = {' | '.join(words)};" for slot, words in slots.items()]
    command = " ".join(f"<{slot}>" for slot in slots)
    return "\n".join(["#JSGF V1.0;", "grammar grid;", f"public <command> = {command};", *rules, ""])


def pronunciations(slots: Mapping[str, Sequence[str]], dictionary: Iterable[str]) -> list[str]:
    """Return dictionary lines for the words of the slots, taken from another, whole dictionary.

    Raises KeyError for a word that the dictionary lacks.
    """
    known: dict[str, list[str]] = {}
    for line in dictionary:
        entry, _, phones = line.strip().partition(" ")
        known.setdefault(re.sub(r"\(\d+\)$", "", entry), []).append(phones)
    lines = []
    for slot, words in slots.items():
        for word in words:
            spoken = [f"{word}.", *([ALSO[word]] if word in ALSO else [])] if slot == LETTERS else [word]
            for number, phones in enumerate((p for name in spoken for p in known[name]), 1):
                lines.append(f"{word}({number}) {phones}" if number > 1 else f"{word} {phones}")
    return lines


# Trichord


def with_trichord(job: Job) -> tuple[See, Hear]:
    import numpy as np

    import trichord
    from trichord.media import VideoFile

    model = trichord.load(job["model"], threads=1)

    def see(film: str) -> Any:
        return model.preparations(trichord.Clip("film", {"video": VideoFile(film)}))

    def hear(pcm: bytes, seen: Any) -> str:
        samples = np.frombuffer(pcm, "<i2").astype(np.float32) / 32768
        clip = trichord.Clip("sound", {"audio": trichord.Audio(samples, RATE)})
        inputs = model.preparations(clip) | (seen or {})
        return str(model.decode(model.logits([inputs])[0])[job["head"]].value)

    return see, hear


RECOGNISERS: dict[str, Callable[[Job], tuple[See, Hear]]] = {
    "pocketsphinx": with_pocketsphinx,
    "trichord": with_trichord,
}

if __name__ == "__main__":
    main(sys.argv[1], json.loads(Path(sys.argv[2]).read_text("utf-8")))
