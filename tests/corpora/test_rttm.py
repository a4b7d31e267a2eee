from __future__ import annotations

import pytest

from trichord.clip import Event
from trichord.corpora.rttm import read_rttm, read_uem, write_rttm
from trichord.errors import InputError


def test_turns_are_read_by_recording(tmp_path):
    path = tmp_path / "a.rttm"
    path.write_text(
        "SPKR-INFO x 1 <NA> <NA> <NA> unknown Ann <NA>\n"
        "SPEAKER x 1 3.5 1.25 <NA> <NA> Ann <NA> <NA>\n"
        "\nSPEAKER y 1 0 1 <NA> <NA> MÉO069 <NA> <NA>\n"
        "SPEAKER x 1 0.5 1 <NA> <NA> Bob <NA>\n",
        encoding="utf-8",
    )
    assert read_rttm(path) == {
        "x": (Event("Bob", 0.5, 1.5), Event("Ann", 3.5, 4.75)),
        "y": (Event("MÉO069", 0.0, 1.0),),
    }


def test_what_is_written_is_read_again(tmp_path):
    turns = {"one two": (Event("S1", 0.0, 1.5), Event("Ann Lee", 1.0, 2.0))}
    write_rttm(tmp_path / "a.rttm", turns)
    assert read_rttm(tmp_path / "a.rttm") == {
        "one_two": (Event("S1", 0.0, 1.5), Event("Ann_Lee", 1.0, 2.0)),
    }


def test_scored_regions_are_read(tmp_path):
    path = tmp_path / "a.uem"
    path.write_text(";; regions\nx NA 0.000 30.000\nx NA 40 41\n")
    assert read_uem(path) == {"x": ((0.0, 30.0), (40.0, 41.0))}


@pytest.mark.parametrize("line", ["SPEAKER x 1 0", "SPEAKER x 1 zero 1 a b c d e", "SPEAKER x 1 0 nan a b c"])
def test_broken_lines_are_named(tmp_path, line):
    path = tmp_path / "a.rttm"
    path.write_text(f"{line}\n")
    with pytest.raises(InputError, match=r"a\.rttm:1: "):
        read_rttm(path)


@pytest.mark.parametrize("line", ["x NA 0", "x NA 0 -1"])
def test_broken_regions_are_named(tmp_path, line):
    path = tmp_path / "a.uem"
    path.write_text(line)
    with pytest.raises(InputError, match=r"a\.uem:1: "):
        read_uem(path)
