"""Tests of the readers of emotions, sounds, wake words, orders and syllables: look-alikes and the corpora."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trichord.corpora import SPLITS, AudioCmn, Esc10, NemoEmotion, SpeechToIntent, WakeWords
from trichord.corpora.audio_cmn import pinyin, tones_apart
from trichord.corpora.folds import Fold
from trichord.corpora.speech_to_intent import snake
from trichord.corpora.strata import by_rank
from trichord.errors import InputError, MissingError
from trichord.kinds import Kinds

DATA = Path(os.environ.get("TRICHORD_DATA") or Path(__file__).parents[2] / ".." / "shared" / "data")
ACTORS = ("EB0", "KS0", "MK0")
HEADER = "file_id\temotion\traw_text\tnormalized_text\tspeaker_id\tgender\tage"


def here(folder, name):
    return pytest.mark.skipif(not (DATA / folder).is_dir(), reason=f"{name} is not here")


def touch(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def sizes(corpus):
    return [len(corpus.clips(split)) for split in corpus.splits()]


@given(names=st.sets(st.text(), max_size=60), fractions=st.tuples(*[st.integers(0, 9)] * 3).filter(any))
def test_ranks_divide_exactly(names, fractions):
    splits = by_rank(sorted(names), fractions)
    assert splits == by_rank(names, fractions)
    assert set(splits) == names
    for split, fraction in zip(SPLITS, fractions, strict=True):
        count = list(splits.values()).count(split)
        assert abs(count - fraction / sum(fractions) * len(names)) <= 1
        assert fraction or not count


# Emotions


def make_nemo(root, suffix=".wav", takes=40):
    rows = [HEADER]
    for actor in ACTORS:
        for take in range(takes):
            touch(root, f"samples/{actor}_anger_{take}{suffix}")
            rows.append(
                f"{actor}_anger_{take}.wav\tanger\tUcho, wykrywa.\tUcho wykrywa\t   {actor}\tmale\t23"
            )
    (root / "data.tsv").write_text("".join(f"{row}\n" for row in rows), "utf-8")
    return root


@pytest.mark.parametrize("suffix", [".wav", ".opus"])
def test_emotions_of_actors(suffix, tmp_path):
    corpus = NemoEmotion(make_nemo(tmp_path, suffix))
    clip = next(clip for clip in corpus.clips("train") if clip.id == "EB0_anger_7")
    assert clip.targets == {"emotion": "anger", "transcript": "ucho wykrywa"}
    assert clip.about == {"speaker": "EB0", "gender": "male", "age": "23", "sentence": "7"}
    assert sum(sizes(corpus)) == 120
    assert all({clip.about["speaker"] for clip in corpus.clips(split)} == set(ACTORS) for split in SPLITS)


def test_an_actor_is_held_out_or_all_of_them_by_turns(tmp_path):
    corpus = NemoEmotion(make_nemo(tmp_path), hold_out="KS0")
    who = [{clip.about["speaker"] for clip in corpus.clips(split)} for split in SPLITS]
    assert who == [{"EB0", "MK0"}, {"EB0", "MK0"}, {"KS0"}]
    tested = set()
    for number in range(3):
        index = Fold(of=3, number=number, by="speaker").divide(NemoEmotion(tmp_path).index)
        who = {split: {clip.about["speaker"] for clip in clips} for split, clips in index.items()}
        assert sum(map(len, who.values())) == len(set.union(*who.values())) == 3
        tested |= who["test"]
    assert tested == set(ACTORS)
    with pytest.raises(InputError, match="did you mean 'KS0'"):
        NemoEmotion(tmp_path, hold_out="KS1").splits()


@pytest.mark.parametrize(
    ("text", "said"),
    [("emotion\nanger\n", "has no column 'file_id'"), (f"{HEADER}\n" + "\t".join("abcdefg"), "not there"),
     (f"{HEADER}\n" + "\t".join(["../../x.wav", *"bcdefg"]), "leads out"),
     (f"{HEADER}\n" + "\t".join("abcdefghi"), "more cells")],
)  # fmt: skip
def test_a_broken_table_of_emotions_is_refused(text, said, tmp_path):
    (tmp_path / "data.tsv").write_text(text)
    with pytest.raises(InputError, match=said):
        NemoEmotion(tmp_path).splits()


@here("nemo-emotion", "nEMO")
def test_the_nemo_corpus():
    corpus = NemoEmotion(DATA / "nemo-emotion")
    assert sizes(corpus) == [2956, 347, 382]
    emotions = [clip.targets["emotion"] for split in SPLITS for clip in corpus.clips(split)]
    assert [emotions.count(name) for name in ("anger", "fear", "surprised")] == [630, 629, 538]
    assert 0.5 < corpus.clips("test")[0].load("audio").seconds < 6


# Sounds


def make_esc10(root, suffix=".ogg"):
    for sound in ("001 - Dog bark", "002 - Rain"):
        for fold in range(1, 6):
            names = [f"{fold}-{sound[2]}{fold}{n}-{take}{suffix}" for n in range(4) for take in "AB"]
            touch(root, *(f"{sound}/{name}" for name in names))
    return touch(root, "001 - Dog bark/notes.txt", "002 - Rain/other.ogg")


@pytest.mark.parametrize("suffix", [".ogg", ".opus"])
def test_a_fold_of_sounds_tests_and_recordings_stay_together(suffix, tmp_path):
    make_esc10(tmp_path, suffix)
    tested = []
    for fold in range(1, 6):
        corpus = Esc10(tmp_path, test_fold=fold)
        assert sizes(corpus) == [56, 8, 16]
        assert {clip.about["fold"] for clip in corpus.clips("test")} == {str(fold)}
        groups = [{clip.about["group"] for clip in corpus.clips(split)} for split in SPLITS]
        assert not (groups[0] & groups[1] or groups[0] & groups[2] or groups[1] & groups[2])
        assert [clip.targets["sound"] for clip in corpus.clips("valid")] == ["dog bark"] * 4 + ["rain"] * 4
        tested += [clip.id for clip in corpus.clips("test")]
    assert len(set(tested)) == len(tested) == 80


def test_other_folds_and_other_folders_are_refused(tmp_path):
    with pytest.raises(InputError, match="holds no sounds"):
        Esc10(tmp_path).splits()
    with pytest.raises(MissingError):
        Esc10(tmp_path / "absent").splits()
    with pytest.raises(ValueError, match="test_fold"):
        Kinds({"esc10": Esc10}).make({"kind": "esc10", "test_fold": 6})


@here("esc10", "ESC-10")
def test_the_esc10_corpus():
    for fold in range(1, 6):
        corpus = Esc10(DATA / "esc10", test_fold=fold)
        assert sum(sizes(corpus)) == 400
        assert len(corpus.clips("test")) == 80
        assert 30 <= len(corpus.clips("valid")) <= 50
        for split in SPLITS:
            assert len({clip.targets["sound"] for clip in corpus.clips(split)}) == 10
    assert 3 < corpus.clips("test")[0].load("audio").seconds < 8


# Wake words


@pytest.mark.parametrize("suffix", [".flac", ".opus"])
def test_each_wake_word_is_divided_alike(suffix, tmp_path):
    for word in ("alexa", "view glass"):
        touch(tmp_path, *(f"audio/{word}/{number}{suffix}" for number in range(40)))
    corpus = WakeWords(touch(tmp_path, "audio/multiple_keywords.opus", "audio/alexa/LICENSE"))
    assert sizes(corpus) == [48, 12, 20]
    for split, count in zip(SPLITS, (24, 6, 10), strict=True):
        words = [clip.targets["keyword"] for clip in corpus.clips(split)]
        assert words == ["alexa"] * count + ["view glass"] * count
    assert corpus.clips("test")[0].id.startswith("alexa/")


def test_no_wake_words_are_refused(tmp_path):
    with pytest.raises(InputError, match="holds no recordings"):
        WakeWords(touch(tmp_path, "audio/multiple_keywords.opus")).splits()


@here("wake-words", "the wake-word corpus")
def test_the_wake_word_corpus():
    corpus = WakeWords(DATA / "wake-words")
    assert sizes(corpus) == [540, 132, 228]
    assert len({clip.targets["keyword"] for clip in corpus.clips("test")}) == 6
    assert 1 < corpus.clips("test")[0].load("audio").seconds < 10


# Spoken orders


def make_orders(root, labels, suffix=".wav"):
    (root / "data" / "label").mkdir(parents=True)
    (root / "data" / "label" / "label.json").write_text(json.dumps(labels))
    return touch(
        root, *(f"data/speech/clean/{n:02d}{suffix}" for n in range(1, 61)), "data/noise/kitchen.wav"
    )


@pytest.mark.parametrize("suffix", [".wav", ".opus"])
def test_orders_have_a_class_for_each_slot(suffix, tmp_path):
    labels = {
        f"{n:02d}.wav": {"intent": "orderDrink", "slots": {"milkAmount": " soy milk", "coffeeDrink": "latte"}}
        for n in range(60)
    }
    labels["01.wav"]["slots"] = {"roast": "dark roast"}
    corpus = SpeechToIntent(make_orders(tmp_path, labels, suffix))
    clips = {clip.id: clip for split in corpus.splits() for clip in corpus.clips(split)}
    assert len(clips) == 59  # 00 has no recording, 60 has no label
    assert clips["02"].targets == {
        "intent": "orderDrink", "coffee_drink": "latte", "milk_amount": "soy milk", "roast": "none",
        "meaning": "orderDrink coffeeDrink=latte milkAmount=soy milk",
    }  # fmt: skip
    assert clips["01"].targets["meaning"] == "orderDrink roast=dark roast"
    assert clips["01"].targets["coffee_drink"] == "none"
    assert snake("numberOfShots") == "number_of_shots"


@pytest.mark.parametrize(
    "labels", [[], {"a.wav": {}}, {"a.wav": {"intent": "x", "slots": [1]}}, "text", None]
)
def test_orders_with_other_labels_are_refused(labels, tmp_path):
    with pytest.raises(InputError, match=r"label\.json: expected"):
        SpeechToIntent(make_orders(tmp_path, labels)).splits()


def test_no_labels_and_too_many_slots_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"label\.json: cannot be read"):
        SpeechToIntent(tmp_path).splits()
    many = {"a.wav": {"intent": "x", "slots": {f"slot{n}": "y" for n in range(101)}}}
    with pytest.raises(InputError, match="has 101 slots"):
        SpeechToIntent(make_orders(tmp_path, many)).splits()


@here("speech-to-intent", "the speech-to-intent corpus")
def test_the_speech_to_intent_corpus():
    corpus = SpeechToIntent(DATA / "speech-to-intent")
    assert sizes(corpus) == [377, 47, 95]
    names = {"coffee_drink", "milk_amount", "number_of_shots", "roast", "size", "sugar_amount"}
    for clip in corpus.clips("train"):
        assert set(clip.targets) == names | {"intent", "meaning"}
        said = sum(clip.targets[name] != "none" for name in names)
        assert clip.targets["meaning"].count("=") == said
    assert 4 < corpus.clips("test")[0].load("audio").seconds < 20


# Syllables


def test_syllables_are_written_as_usual(tmp_path):
    names = [f"cmn-{name}.mp3" for name in ("ma1", "lv4", "jv4", "_ng2", "nve3", "note", "x9")]
    corpus = AudioCmn(touch(tmp_path, *(f"24k-abr/syllabs/{name}" for name in names)))
    clips = {clip.id: clip for split in corpus.splits() for clip in corpus.clips(split)}
    said = {name.removeprefix("cmn-"): clip.targets["transcript"] for name, clip in clips.items()}
    assert said == {"ma1": "ma1", "lv4": "lü4", "jv4": "ju4", "_ng2": "ng2", "nve3": "nüe3"}
    assert clips["cmn-lv4"].targets == {"syllable": "lü", "tone": "4", "transcript": "lü4"}
    assert (pinyin("yuan", "3"), pinyin("lvan", "1")) == (("yuan", "3"), ("lüan", "1"))
    assert corpus.splits() == ("train",)  # each is the one tone of its syllable
    with pytest.raises(InputError, match="holds no recordings"):
        AudioCmn(tmp_path, bit_rate="64k").splits()
    with pytest.raises(InputError, match="leads out"):
        AudioCmn(tmp_path, bit_rate="../..").splits()


@given(st.sets(st.tuples(st.sampled_from(["ma", "lü", "shuang", "e"]), st.sampled_from("12345"))))
def test_every_syllable_trains_in_some_tone(syllables):
    splits = tones_apart(syllables)
    assert set(splits) == syllables
    assert {one for (one, _), split in splits.items() if split == "train"} == {one for one, _ in syllables}


@here("audio-cmn", "audio-cmn")
def test_the_audio_cmn_corpus():
    corpus = AudioCmn(DATA / "audio-cmn")
    assert sizes(corpus) == [1369, 176, 162]
    known = {clip.targets["syllable"] for clip in corpus.clips("train")}
    heard = {clip.targets["transcript"] for clip in corpus.clips("train")}
    for clip in (*corpus.clips("valid"), *corpus.clips("test")):
        assert clip.targets["syllable"] in known
        assert clip.targets["transcript"] not in heard
    assert 0.5 < corpus.clips("test")[0].load("audio").seconds < 6
