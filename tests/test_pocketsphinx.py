"""The peer of benchmarks/pocketsphinx.py hears GRID's commands, by names of letters that its talkers use."""

from __future__ import annotations

import importlib.util
import json
import subprocess
from pathlib import Path

import pytest

from trichord.corpora.grid import WORDS, Grid
from trichord.media import write_audio

ROOT = Path(__file__).parent.parent
PROGRAM = ROOT / "benchmarks" / "peers" / "recognise.py"
PYTHON = ROOT / "build" / "peers" / "pocketsphinx" / "bin" / "python"
RATE = 16_000


@pytest.fixture(scope="module")
def recognise():
    spec = importlib.util.spec_from_file_location("recognise", PROGRAM)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_letters_are_named_and_words_keep_all_their_pronunciations(recognise):
    dictionary = ["a AH", "a(2) EY", "a. EY", "at AE T", "white W AY T", "white(2) HH W AY T", "z. Z IY",
                  "zed Z EH D"]  # fmt: skip
    slots = {"colour": ["white"], "preposition": ["at"], "letter": ["a", "z"]}
    lines = recognise.pronunciations(slots, dictionary)
    assert lines == ["white W AY T", "white(2) HH W AY T", "at AE T", "a EY", "z Z IY", "z(2) Z EH D"]
    with pytest.raises(KeyError, match="soon"):
        recognise.pronunciations({"adverb": ["soon"]}, dictionary)


def test_the_grammar_is_a_word_of_each_slot_in_order(recognise):
    lines = recognise.grammar({"verb": ["bin", "lay"], "digit": ["one"]}).splitlines()
    assert lines[0] == "#JSGF V1.0;"
    assert lines[2:] == ["public <command> = <verb> <digit>;", "<verb> = bin | lay;", "<digit> = one;"]


@pytest.mark.skipif(not PYTHON.exists(), reason="benchmarks/pocketsphinx.py has made no environment yet")
@pytest.mark.skipif(not Grid.present(), reason="GRID is not in TRICHORD_DATA")
def test_the_peer_hears_commands(tmp_path):
    clip = Grid().clips("valid")[0]
    sound, job = tmp_path / "clip.wav", tmp_path / "job.json"
    write_audio(sound, clip.inputs["audio"].at(RATE))
    job.write_text(json.dumps({"slots": WORDS, "items": [{"sound": str(sound), "film": None}]}), "utf-8")
    done = subprocess.run(
        [PYTHON, "-I", PROGRAM, "pocketsphinx", job], capture_output=True, text=True, check=True
    )
    about, row = map(json.loads, done.stdout.splitlines())
    assert about["version"] in (PROGRAM.parent / "pocketsphinx.txt").read_text("utf-8")
    assert row["words"] == clip.targets["transcript"]
    assert row["hearing"] > 0 == row["seeing"]
    assert row["peak_mb"] > 1
