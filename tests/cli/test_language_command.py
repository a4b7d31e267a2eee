"""Language models from text, and phrases and such models in a search, by the commands a user would type."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest
from test_cli import trichord

from running.tiny_models import STREAMS, echo_model, metadata, save
from trichord.cli.search import phrases_of, search_of
from trichord.decoding.arpa import load_arpa
from trichord.errors import InputError

TEXT = "Bin blue at F two, now!\nlay red\n\n...\nBIN red\n"


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text(TEXT)
    return path


def test_a_text_becomes_a_model_of_words(text, tmp_path):
    done = trichord("language", "train", text, tmp_path / "words.arpa", "--order", 2)
    assert done.code == 0, done.err
    model = load_arpa(tmp_path / "words.arpa")
    assert (model.order, model.spells) == (2, False)
    assert model.score("red", ("lay",)) > model.score("blue", ("lay",))
    told = trichord("language", "perplexity", tmp_path / "words.arpa", text, "--json")
    report = json.loads(told.out)
    assert (report["sentences"], report["tokens"], report["unknown"]) == (3, 10, 0.0)
    (tmp_path / "other.txt").write_text("lay green")
    other = trichord("language", "perplexity", tmp_path / "words.arpa", tmp_path / "other.txt", "--json")
    assert json.loads(other.out)["unknown"] == 0.5
    assert json.loads(other.out)["perplexity"] > report["perplexity"]
    assert "perplexity" in trichord("language", "perplexity", tmp_path / "words.arpa", text).out


def test_a_packed_text_becomes_a_model_of_characters(tmp_path):
    (tmp_path / "text.gz").write_bytes(gzip.compress(TEXT.encode()))
    out = tmp_path / "letters.arpa"
    assert trichord("language", "train", tmp_path / "text.gz", out, "--characters", "--order", 4).code == 0
    model = load_arpa(out)
    assert model.spells
    assert model.score("u", tuple("bl")) > model.score("d", tuple("bl"))
    report = json.loads(trichord("language", "perplexity", out, tmp_path / "text.gz", "--json").out)
    assert report["tokens"] == len("bin blue at f two nowlay redbin red")


def test_what_is_no_text_is_refused_in_one_line(tmp_path):
    (tmp_path / "empty.txt").write_text("...\n")
    (tmp_path / "broken.gz").write_bytes(b"no gzip")
    (tmp_path / "binary.txt").write_bytes(b"\xff\xfe\x00")
    out = tmp_path / "out.arpa"
    for name, problem in {"empty.txt": "no sentences", "absent.txt": "cannot be read",
                          "broken.gz": "cannot be read", "binary.txt": "cannot be read"}.items():  # fmt: skip
        done = trichord("language", "train", tmp_path / name, out)
        assert (done.code, out.exists()) == (1, False)
        assert problem in done.err
        assert "Traceback" not in done.err
    assert "cannot be read" in trichord("language", "perplexity", out, out).err


def test_phrases_are_a_list_or_a_file(tmp_path):
    assert phrases_of("anna smith, peter,") == ["anna smith", "peter"]
    (tmp_path / "names.txt").write_text("anna smith\n\npeter\n")
    assert phrases_of(str(tmp_path / "names.txt")) == ["anna smith", "peter"]
    with pytest.raises(InputError, match="no phrase"):
        phrases_of(" ,")


def test_nothing_asked_changes_no_search():
    assert search_of(None, None, None, None, None) is None
    assert search_of(12, None, None, None, None) == 12
    with pytest.raises(InputError, match="best path"):
        search_of(0, "anna", None, None, None)


@pytest.fixture
def letters(tmp_path):
    """A model that writes what its features say, and a clip in which 'ab' sounds a little more like 'aa'."""
    streams = {"signal": STREAMS["signal"] | {"source": "features"}}
    streams["signal"]["state"] = streams["signal"]["state"] | {"rate": None}
    streams["signal"]["input"] = {"kind": "array", "shape": [4]}
    described = metadata((), ("transcript",)) | {"streams": streams}
    rows = np.log([[0.01, 0.01, 0.97, 0.01], [0.97, 0.01, 0.01, 0.01], [0.01, 0.01, 0.5, 0.48]])
    np.save(tmp_path / "clip.npy", rows.astype(np.float32))
    return save(echo_model(), tmp_path / "letters.onnx", json.dumps(described))


def test_a_run_turns_to_the_phrases_and_to_another_language(letters, tmp_path):
    def said(*options):
        done = trichord("run", letters, tmp_path / "clip.npy", "--json", *options)
        assert done.code == 0, done.err
        return json.loads(done.out)["answers"]["transcript"]["value"]

    assert said() == said("--beam", 8) == "aa"
    assert said("--phrases", "bab,AB!") == "ab"
    assert said("--phrases", "ab", "--phrase-boost", 0) == "aa"
    assert said("--phrases", "abb") == "aa"
    (tmp_path / "text.txt").write_text("ab ab\nab\n")
    assert trichord("language", "train", tmp_path / "text.txt", tmp_path / "ab.arpa").code == 0
    assert said("--language", tmp_path / "ab.arpa", "--language-weight", 0.5) == "ab"
    refused = trichord("run", letters, tmp_path / "clip.npy", "--phrases", "cab")
    assert (refused.code, "cannot write" in refused.err) == (1, True)
