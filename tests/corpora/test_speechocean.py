"""Tests of the reader of speechocean762, on look-alikes and, where it is, on the corpus."""

import gzip
import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trichord.corpora import Speechocean
from trichord.corpora.phone_scores import aligned, expert_scores, marked
from trichord.errors import InputError, MissingError

DATA = Path(os.environ.get("TRICHORD_DATA") or Path(__file__).parents[2] / ".." / "shared" / "data")
PHONES = st.lists(st.sampled_from(["AH0", "AX0", "T", "R", "TR", "EH1", "AR1"]), min_size=1, max_size=12)
TOKENS = st.text(st.sampled_from("AHBT0 ([{}])"), max_size=30)

TRY = ["TR AY0", "TR (AY0)", "{TR} AY0", "TR AY0 [ S ]", "TR AY0"]
EXPERTS = {
    "text": "we try", "accuracy": [8, 9, 10, 7], "fluency": [6.0] * 4, "prosodic": [5, 5, 5, 9],
    "completeness": [1.0, 0.5, 1.0, 0.5], "total": [7.0, 7.0, 7.0, 8.0],
    "words": [{"text": "we", "total": [10.0, 9.0, 10.0, 10.0, 10.0], "phones": ["W IY0"] * 5},
              {"text": "try", "total": [4.0] * 5, "phones": TRY}],
}  # fmt: skip
RELEASED = {
    "text": "WE TRY", "accuracy": 8, "fluency": 6, "prosodic": 5, "completeness": 10.0, "total": 7,
    "words": [{"text": "WE", "total": 10, "phones": ["W", "IY0"], "phones-accuracy": [2.0, 1.8]},
              {"text": "TRY", "total": 4, "phones": ["T", "R", "AY0"], "phones-accuracy": [2.0, 1.0, 0.4]}],
}  # fmt: skip


def make(root, suffix=".WAV", speakers=20, **scores):
    """Training speakers 1000 and up, every other one a child, and test speaker 0003; one sentence each."""
    people = {"train": [f"{1000 + n}" for n in range(speakers)], "test": ["0003"]}
    phones = []
    for split, names in people.items():
        (root / split).mkdir(parents=True, exist_ok=True)
        lines = {"text": [], "utt2spk": [], "wav.scp": [], "spk2age": [], "spk2gender": []}
        for number, who in enumerate(names):
            place = f"WAVE/SPEAKER{who}/{who}1"
            (root / place).parent.mkdir(parents=True, exist_ok=True)
            (root / f"{place}{suffix}").touch()
            lines["text"].append(f"{who}1\tWE TRY")
            lines["utt2spk"].append(f"{who}1\t{who}")
            lines["wav.scp"].append(f"{who}1\t{place}.WAV")
            lines["spk2age"].append(f"{who}\t{'6' if number % 2 else '18'}")
            lines["spk2gender"].append(f"{who}\tf")
            phones += [f"{who}1.0\tW_B IY0_E", f"{who}1.1\tT_B R_I AY0_E"]
        for name, rows in lines.items():
            (root / split / name).write_text("".join(f"{row}\n" for row in rows))
    (root / "resource").mkdir()
    (root / "resource" / "text-phone").write_text("".join(f"{line}\n" for line in phones))
    return root


def pre_released(root, entry, packed=False):
    (root / "scores-2020").mkdir()
    text = f"00031\t{json.dumps(entry)}\n"
    path = root / "scores-2020" / "test_utt2score"
    if packed:
        path.with_name("test_utt2score.gz").write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)
    return root


@pytest.mark.parametrize(("suffix", "packed"), [(".WAV", False), (".opus", True), (".wav", False)])
def test_experts_are_averaged(suffix, packed, tmp_path):
    corpus = Speechocean(pre_released(make(tmp_path, suffix), EXPERTS, packed))
    [clip] = corpus.clips("test")
    assert clip.id == "00031"
    assert clip.about == {"speaker": "0003", "gender": "f", "age": "18", "age_group": "adult"}
    assert clip.inputs["text"] == clip.targets["transcript"] == "we try"
    assert clip.inputs["phones"] == "W IY0 T R AY0"
    levels = ("accuracy", "fluency", "prosodic", "completeness", "total")
    assert [clip.targets[level] for level in levels] == [8.5, 6.0, 6.0, 0.75, 7.25]
    assert clip.targets["words"] == pytest.approx((9.8, 4.0))
    assert clip.targets["phone_scores"] == pytest.approx((2.0, 2.0, 1.8, 1.8, 1.6))


def test_released_scores_come_first(tmp_path):
    pre_released(make(tmp_path), EXPERTS)
    (tmp_path / "resource" / "scores.json").write_text(json.dumps({"00031": RELEASED}, indent=2))
    [clip] = Speechocean(tmp_path).clips("test")
    assert clip.targets["accuracy"] == 8.0
    assert clip.targets["words"] == (10.0, 4.0)
    assert clip.targets["phone_scores"] == (2.0, 1.8, 2.0, 1.0, 0.4)
    assert set(Speechocean(tmp_path).clips("train")[0].targets) == {"transcript"}  # it is not scored


def test_a_tenth_of_the_speakers_validates_children_and_adults_alike(tmp_path):
    corpus = Speechocean(make(tmp_path, speakers=40))
    assert [len(corpus.clips(split)) for split in corpus.splits()] == [36, 4, 1]
    assert sorted(clip.about["age_group"] for clip in corpus.clips("valid")) == ["adult"] * 2 + ["child"] * 2
    assert not {clip.id for clip in corpus.clips("valid")} & {clip.id for clip in corpus.clips("train")}


def test_scores_of_other_words_give_no_phone_scores(tmp_path):
    [clip] = Speechocean(pre_released(make(tmp_path), EXPERTS | {"words": EXPERTS["words"][:1]})).clips(
        "test"
    )
    assert clip.targets["words"] == (9.8,)
    assert "phone_scores" not in clip.targets


@pytest.mark.parametrize(
    ("change", "said"),
    [({"accuracy": "good"}, "accuracy must be a number"), ({"total": None}, "total must be a number"),
     ({"fluency": [1.0, float("nan")]}, "fluency"), ({"words": {}}, "a list of 'words'"),
     ({"words": [3, 4]}, "every word"), ({"words": [{"total": 1}, {"total": 2}]}, "'phones' must be a list"),
     ({"words": [{"total": 1, "phones": ["W"], "phones-accuracy": []}] * 2}, "a number per phone"),
     ({"words": [{"total": 1, "phones": ["W " * 101]}] * 2}, "more than 100 phones")],
)  # fmt: skip
def test_scores_of_another_kind_are_refused(change, said, tmp_path):
    with pytest.raises(InputError, match=said) as caught:
        Speechocean(pre_released(make(tmp_path), EXPERTS | change)).clips("test")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [("resource/scores.json", "[1]", "expected JSON objects"), ("resource/scores.json", "{", "not JSON"),
     ("resource/scores.json", '{"00031": 5}', "list of 'words'"),
     ("resource/text-phone", "00031.1\tW_B\n", "expected word 0 of '00031'"),
     ("test/spk2age", "0003 young\n", "the age must be a number"),
     ("test/wav.scp", "00031 ../../x.wav\n", "leads out"), ("test/wav.scp", "00031 cat x |\n", "never run")],
)  # fmt: skip
def test_broken_files_are_refused(file, text, said, tmp_path):
    (make(tmp_path) / file).write_text(text)
    with pytest.raises(InputError, match=said):
        Speechocean(tmp_path).clips("test")


def test_another_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="expected Kaldi directories"):
        Speechocean(tmp_path).splits()
    with pytest.raises(MissingError, match="speechocean762"):
        Speechocean(tmp_path / "absent").splits()


def test_marks_may_span_several_phones():
    assert marked("(B AH0) {T} S [ R AH0 ] K") == [("B", 0), ("AH0", 0), ("T", 1), ("S", 2), ("K", 2)]
    assert marked("") == []
    assert expert_scores(("V", "EH1", "R", "IY0"), "V (AR1) IY0") == (2, 0, 0, 2)
    assert expert_scores(("S", "IY0", "M", "Z"), "S (IY0) M") == (2, 0, 2, 2)
    assert expert_scores(("W",), "[W]") == ()


@given(canonical=PHONES, written=PHONES, text=TOKENS)
def test_every_canonical_phone_has_one_score_within_those_given(canonical, written, text):
    scores = aligned(canonical, [(phone, float(place)) for place, phone in enumerate(written)])
    assert len(scores) == len(canonical)
    assert list(scores) == sorted(scores)  # the alignment keeps the order
    assert scores[0] >= 0
    assert scores[-1] <= len(written) - 1
    assert aligned(canonical, [(phone, 1.0) for phone in canonical]) == (1.0,) * len(canonical)
    assert len(expert_scores(tuple(canonical), text)) == (len(canonical) if marked(text) else 0)


@pytest.mark.skipif(not (DATA / "speechocean762").is_dir(), reason="speechocean762 is not here")
def test_the_speechocean_corpus():
    corpus = Speechocean(DATA / "speechocean762")
    clips = {split: corpus.clips(split) for split in corpus.splits()}
    speakers = {split: {clip.about["speaker"] for clip in of} for split, of in clips.items()}
    assert {split: len(of) for split, of in clips.items()} == {"train": 2240, "valid": 260, "test": 1200}
    assert {split: len(of) for split, of in speakers.items()} == {"train": 112, "valid": 13, "test": 60}
    words = {split: sum(len(clip.targets["words"]) for clip in of) for split, of in clips.items()}
    assert (words["train"] + words["valid"], words["test"]) == (15849, 7663)
    for clip in (clip for of in clips.values() for clip in of):
        assert len(clip.targets["phone_scores"]) == len(clip.inputs["phones"].split())
        assert len(clip.targets["words"]) == len(clip.inputs["text"].split())
        assert 0 <= min(clip.targets["phone_scores"]) <= max(clip.targets["phone_scores"]) <= 2
    assert 1 < clips["test"][0].load("audio").seconds < 21
