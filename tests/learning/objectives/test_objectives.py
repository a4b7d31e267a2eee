from __future__ import annotations

import wave
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from trichord.clip import Event
from trichord.errors import MissingError, RecipeError
from trichord.kinds import Kinds
from trichord.learning.batch import Batch, Item
from trichord.learning.encoders.front_ends.ready import Ready
from trichord.learning.heads.classify import Classify
from trichord.learning.heads.ctc import Ctc
from trichord.learning.heads.regress import Regress
from trichord.learning.objectives import OBJECTIVES, Outputs, Surroundings
from trichord.learning.objectives.filter_augment import FilterAugment
from trichord.learning.objectives.spec_augment import SpecAugment
from trichord.learning.stream import Shape, Stream
from trichord.prepare.noise import power
from trichord.prepare.preparation import InputSpec

SPECS = {
    "voice": InputSpec("samples", 16_000.0),
    "lips": InputSpec("frames", 25.0, (6, 8)),
    "face": InputSpec("frames", 25.0, (5, 7, 3)),
    "words": InputSpec("tokens", vocabulary=9),
    "pulse": InputSpec("array", 100.0, (2,)),
}
PARTS = [
    {"kind": "stream_dropout", "probability": 0.7},
    {"kind": "stream_dropout", "probability": 1, "keep": ["voice"]},
    {"kind": "time_masking", "stream": "lips"},
    {"kind": "time_masking", "stream": "voice", "seconds": 0.1, "every_seconds": 0.2},
    {"kind": "time_masking", "stream": "pulse"},
    {"kind": "mix_noise", "stream": "voice", "snr_db": [-5, 20], "source": "babble"},
    {"kind": "mix_noise", "stream": "voice", "source": "white"},
    {"kind": "mix_noise", "stream": "voice", "source": "pink", "probability": 1, "ramp": 0.5},
    {"kind": "reverb", "stream": "voice", "t60_seconds": [0.05, 0.1], "probability": 1},
    {"kind": "gain", "stream": "voice"},
    {"kind": "speed"},
    {"kind": "speed", "streams": ["voice"], "factors": [1.1]},
    {"kind": "crop", "seconds": [0.1, 0.2]},
    {"kind": "crowd", "stream": "voice", "head": "voices", "voices": 2, "seconds": 1},
    {"kind": "spec_augment", "stream": "voice"},
    {"kind": "filter_augment", "stream": "voice", "probability": 1},
    {"kind": "mirror", "stream": "lips"},
    {"kind": "mirror", "stream": "face", "probability": 1},
    {"kind": "shift", "stream": "lips", "pixels": 2},
    {"kind": "shift", "stream": "face"},
    {"kind": "flat_start", "head": "transcript", "until": 1},
    {"kind": "frame_labels", "head": "transcript"},
    {"kind": "uncertainty"},
    {"kind": "gradient_norm", "alpha": 0.5},
    {"kind": "blend", "weights": {"voice": 0.3, "fused": 2}},
    {"kind": "align", "streams": ["voice", "words"]},
    {"kind": "adversarial"},
    {"kind": "adversarial", "of": "speaker"},
    {"kind": "masked_prediction", "stream": "pulse", "codes": 8},
    {"kind": "mixup"},
    {"kind": "swap_means", "by": "speaker", "probability": 1},
    {"kind": "swap_steps", "stream": "pulse", "share": 0.5},
]
LABELS = {"transcript": ["", "hello", "you"], "class": ["greeting", "question"]}


def item(index: int = 0, seconds: float = 1.0, without: tuple[str, ...] = ()) -> Item:
    rng = np.random.default_rng(index)
    inputs = {
        "voice": (0.1 * rng.standard_normal(round(16_000 * seconds))).astype(np.float32),
        "lips": rng.integers(0, 256, (round(25 * seconds), 6, 8), np.uint8),
        "face": rng.integers(0, 256, (round(25 * seconds), 5, 7, 3), np.uint8),
        "words": rng.integers(0, 9, 4),
        "pulse": rng.standard_normal((round(100 * seconds), 2)).astype(np.float32),
    }
    events = (Event("hello", 0.5, 1.0), Event("you", 1.0))
    kept = {name: array for name, array in inputs.items() if name not in without}
    targets = {"words": events, "class": "greeting", "score": (1.0, 2.0)}
    if index == 3:  # the one that is a conversation
        targets["voices"] = (Event("1", 0.0, 0.5), Event("2", 0.5, 1.0))
    return Item(f"clip-{index}", kept, targets, {"speaker": f"person {index % 2}"})


def draw(n: int, rng: np.random.Generator) -> list[Item]:
    return [item(int(index), 0.1) for index in rng.integers(0, 50, n)]


def surroundings(*, writes: bool = False, counts: bool = False) -> Surroundings:
    head = Classify()
    head.fit(LABELS["class"])
    writer = Ctc(units="word")
    writer.fit(["hello you"])
    front = Ready()
    front.build(SPECS["pulse"])
    heads = (
        {"class": head, "transcript": writer} if writes else {"voices": head} if counts else {"class": head}
    )
    return Surroundings(
        {"voice": SPECS["voice"]} if counts else SPECS,
        draw,
        dim=16,
        labels=LABELS,
        shapes={name: Shape(16, spec.rate) for name, spec in SPECS.items()},
        fused=16,
        heads=heads,
        items=[item(index, 0.4 if counts else 0.1) for index in range(4)],
        fronts={"pulse": front},
    )


def make(part: dict):
    objective = Kinds(OBJECTIVES).make(part)
    objective.build(surroundings(writes=part["kind"] == "flat_start", counts=part["kind"] == "crowd"))
    return objective


def same(a: Item, b: Item) -> bool:
    return a.inputs.keys() == b.inputs.keys() and all(
        np.array_equal(a.inputs[name], b.inputs[name]) for name in a.inputs
    )


def test_every_kind_is_in_the_shared_suite():
    assert {part["kind"] for part in PARTS} == set(OBJECTIVES)


@pytest.mark.parametrize("part", PARTS, ids=str)
class TestEveryObjective:
    def test_is_written_back_as_it_was_read(self, part):
        kinds = Kinds(OBJECTIVES)
        described = kinds.describe(kinds.make(part))
        assert described.items() >= part.items()
        assert kinds.describe(kinds.make(described)) == described

    def test_items_stay_as_they_are(self, part):
        items, twins = ([item(0), item(1, 0.3), item(2, without=("voice",))] for _ in range(2))
        make(part).change(items, np.random.default_rng(3))
        assert all(same(a, b) for a, b in zip(items, twins, strict=True))

    def test_same_rng_gives_the_same_items(self, part):
        items = [item(index, 0.3) for index in range(6)]
        once = make(part).change(items, np.random.default_rng(3))
        again = make(part).change(items, np.random.default_rng(3))
        assert all(same(a, b) for a, b in zip(once, again, strict=True))

    @settings(deadline=None, max_examples=15)
    @given(
        st.lists(st.floats(0.04, 0.5), min_size=0, max_size=4),
        st.sets(st.sampled_from(sorted(SPECS)), max_size=4),
        st.integers(0, 2**32 - 1),
    )
    def test_items_keep_order_types_and_shapes(self, part, seconds, without, seed):
        items = [item(index, length, tuple(without)) for index, length in enumerate(seconds)]
        changed = make(part).change(items, np.random.default_rng(seed))
        assert [new.id for new in changed] == [old.id for old in items]
        for old, new in zip(items, changed, strict=True):
            assert new.inputs.keys() <= old.inputs.keys()
            assert len(new.inputs) >= 1
            for name, array in new.inputs.items():
                assert array.dtype == old.inputs[name].dtype
                assert array.shape[1:] == SPECS[name].shape
                assert len(array) >= 1
                assert np.isfinite(array).all()

    def test_single_steps_and_empty_arrays_pass(self, part):
        arrays = {name: spec.empty() for name, spec in SPECS.items()}
        single = {name: np.ones((1, *spec.shape), spec.dtype) for name, spec in SPECS.items()}
        old = [Item("empty", arrays), Item("none", {}), Item("single", single)]
        changed = make(part).change(old, np.random.default_rng(0))
        assert same(changed[0], old[0])
        assert same(changed[1], old[1])
        made = {"voice"} if part["kind"] == "crowd" else set()
        assert all(len(array) == 1 for name, array in changed[2].inputs.items() if name not in made)


def frame_labels_loss(logits: Stream, targets: list, typed: tuple[int, ...] = ()) -> torch.Tensor | None:
    """Return the loss of targets whose items were seen, but for the rows that were `typed`."""
    objective = make({"kind": "frame_labels", "head": "transcript", "label_smoothing": 0})
    known = [{} if target is None else {"words": target} for target in targets]
    items = [Item(f"{row}", {}, given) for row, given in enumerate(known)]
    absent = torch.zeros(len(items), dtype=torch.long)
    seen = torch.tensor([0 if row in typed else 9 for row in range(len(items))])
    lengths = dict.fromkeys(SPECS, absent) | {"lips": seen, "words": 9 - seen}
    inputs = {name: (torch.zeros(0), length) for name, length in lengths.items()}
    return objective.loss(Outputs({"transcript": logits}, {}, logits), Batch(items, inputs))


def test_frame_labels_teach_when_words_are_said():
    said = (Event("hello", 0.08, 0.2), Event("hello", 0.2, 0.28), Event("you", 0.28, 0.4))
    labels = [0, 0, 1, 1, 1, 0, 1, 2, 2, 2, 0, 0]  # at 25 Hz; the second hello begins with the blank
    right = torch.nn.functional.one_hot(torch.tensor([labels]), 3) * 100.0
    loss = frame_labels_loss(Stream(right, torch.tensor([12]), 25.0), [said])
    assert loss is not None
    assert float(loss) == pytest.approx(0, abs=1e-6)
    late = Stream(right.roll(1, dims=1), torch.tensor([12]), 25.0)
    assert float(frame_labels_loss(late, [said])) == pytest.approx(100 * 5 / 12)


def test_frame_labels_leave_out_padding_absent_and_untimed_items():
    logits = torch.randn(5, 6, 3, generator=torch.Generator().manual_seed(0), requires_grad=True)
    said = (Event("you", 0.0, 0.08), Event("stranger", 0.08, 0.16))
    targets = [said, None, "hello you", (Event("you", 0.0),), said]
    lengths = torch.tensor([5, 6, 6, 6, 6])
    loss = frame_labels_loss(Stream(logits, lengths, 25.0), targets, typed=(4,))
    loss.backward()
    steps = logits.grad.abs().sum(2)
    assert (steps[0] > 0).tolist() == [True, True, False, False, True, False]
    assert not steps[1:].any()
    assert frame_labels_loss(Stream(logits, lengths, 25.0), [None] * 5) is None


def test_frame_labels_need_a_head_with_labels_and_a_clock():
    with pytest.raises(RecipeError, match="no head 'words' with labels"):
        make({"kind": "frame_labels", "head": "words"})
    with pytest.raises(RecipeError, match="no frames"):
        frame_labels_loss(Stream(torch.zeros(1, 1, 3), torch.tensor([1])), [None])


def test_unknown_streams_and_wrong_kinds_are_refused():
    with pytest.raises(RecipeError, match="no stream 'vioce'; did you mean 'voice'"):
        make({"kind": "reverb", "stream": "vioce"})
    with pytest.raises(RecipeError, match="Mirror changes frames, but 'voice' gives samples"):
        make({"kind": "mirror", "stream": "voice"})


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"kind": "stream_dropout", "probability": 1.5}, "probability"),
        ({"kind": "mix_noise", "stream": "voice", "snr_db": [20, -5]}, "lower bound must come first"),
        ({"kind": "speed", "factors": []}, "factors"),
        ({"kind": "speed", "factors": [0]}, "factors"),
        ({"kind": "shift", "stream": "lips", "pixel": 3}, "did you mean 'pixels'"),
    ],
)
def test_arguments_are_checked(part, message):
    with pytest.raises(ValueError, match=message):
        Kinds(OBJECTIVES).make(part)


def test_stream_dropout_keeps_every_proper_subset_equally_often():
    items = [item(0, 0.1, without=("pulse", "face"))] * 6000
    changed = make({"kind": "stream_dropout", "probability": 0.3}).change(items, np.random.default_rng(0))
    counts = Counter(frozenset(new.inputs) for new in changed)
    whole = counts.pop(frozenset(items[0].inputs))
    assert whole / 6000 == pytest.approx(0.7, abs=0.02)
    assert len(counts) == 6  # 2**3 subsets but for none and all
    assert all(count / (6000 - whole) == pytest.approx(1 / 6, abs=0.03) for count in counts.values())


def test_stream_dropout_keeps_what_it_must():
    items = [item(0, 0.1)] * 300
    part = {"kind": "stream_dropout", "probability": 1, "keep": ["words"]}
    changed = make(part).change(items, np.random.default_rng(0))
    assert all("words" in new.inputs and len(new.inputs) < 5 for new in changed)
    assert any(set(new.inputs) == {"words"} for new in changed)
    alone = item(0, 0.1, without=("voice", "lips", "face", "words"))
    assert make(part).change([alone], np.random.default_rng(0))[0] is alone


@pytest.mark.parametrize("source", ["babble", "white", "pink"])
def test_noise_is_mixed_within_its_bounds(source):
    part = {"kind": "mix_noise", "stream": "voice", "source": source, "snr_db": [3, 3], "probability": 1}
    old = item(0)
    (new,) = make(part).change([old], np.random.default_rng(0))
    ratio = power(old.inputs["voice"]) / power(new.inputs["voice"] - old.inputs["voice"])
    assert 10 * np.log10(ratio) == pytest.approx(3, abs=0.01)


@pytest.mark.parametrize(("progress", "lowest"), [(0.0, 20), (0.25, 10), (0.5, 0), (1.0, 0)])
def test_noise_rises_while_training_goes_on(progress, lowest):
    part = {"kind": "mix_noise", "stream": "voice", "source": "white", "snr_db": [0, 20], "probability": 1}
    objective = make(part | {"ramp": 0.5})
    objective.progress = progress
    old = [item(index) for index in range(30)]
    changed = objective.change(old, np.random.default_rng(0))
    ratios = [
        10 * np.log10(power(a.inputs["voice"]) / power(b.inputs["voice"] - a.inputs["voice"]))
        for a, b in zip(old, changed, strict=True)
    ]
    assert lowest - 0.1 < min(ratios) < lowest + 4
    assert max(ratios) < 20.1


def test_a_stretch_is_cut_from_all_senses_at_once():
    ramp = np.arange(32_000, dtype=np.float32) / 16_000  # each step says its own time
    old = Item(
        "a", {"voice": ramp, "pulse": np.repeat(np.arange(200, dtype=np.float32)[:, None] / 100, 2, 1)}
    )
    rng, objective = np.random.default_rng(0), make({"kind": "crop", "seconds": [0.5, 1.0]})
    starts = []
    for _ in range(20):
        (new,) = objective.change([old], rng)
        voice, pulse = new.inputs["voice"], new.inputs["pulse"][:, 0]
        assert 0.49 < len(voice) / 16_000 < 1.01
        assert pulse[0] == pytest.approx(voice[0], abs=0.006)
        assert pulse[-1] == pytest.approx(voice[-1], abs=0.016)
        starts.append(float(voice[0]))
    assert min(starts) < 0.3
    assert max(starts) > 0.8
    assert len(make({"kind": "crop", "seconds": [3, 4]}).change([old], rng)[0].inputs["voice"]) == 32_000
    each = Regress(each="step")
    with pytest.raises(RecipeError, match="'score' should say would no longer fit"):
        Kinds(OBJECTIVES).make({"kind": "crop"}).build(replace(surroundings(), heads={"score": each}))
    with pytest.raises(RecipeError, match="'transcript' should say would no longer fit"):
        Kinds(OBJECTIVES).make({"kind": "crop"}).build(surroundings(writes=True))
    with pytest.raises(ValueError, match="at most 3600 s"):
        Kinds(OBJECTIVES).make({"kind": "crop", "seconds": [1, float("inf")]})
    assert make({"kind": "crop", "seconds": [1, 2]}).lasting(9.0) == 2
    assert make({"kind": "crop", "seconds": [1, 2], "probability": 0.5}).lasting(9.0) == 9


def test_noise_is_read_from_a_folder(tmp_path):
    tone = (8000 * np.sin(np.arange(8000) / 3)).astype("<i2")
    with wave.open(str(tmp_path / "tone.wav"), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(tone.tobytes())
    part = {
        "kind": "mix_noise",
        "stream": "voice",
        "source": str(tmp_path),
        "snr_db": [0, 0],
        "probability": 1,
    }
    old = item(0)
    (new,) = make(part).change([old], np.random.default_rng(0))
    added = np.abs(np.fft.rfft(new.inputs["voice"] - old.inputs["voice"]))
    assert added.argmax() == pytest.approx(8000 / 3 / (2 * np.pi), abs=3)  # Hz, over one second


def test_a_folder_without_sounds_is_named(tmp_path):
    with pytest.raises(MissingError, match="holds no sounds"):
        make({"kind": "mix_noise", "stream": "voice", "source": str(tmp_path)})


def test_babble_of_silent_items_changes_nothing():
    objective = Kinds(OBJECTIVES).make({"kind": "mix_noise", "stream": "voice", "probability": 1})
    objective.build(Surroundings(SPECS, lambda n, rng: [Item("mute", {})] * n, dim=16))
    old = item(0)
    assert same(objective.change([old], np.random.default_rng(0))[0], old)


@given(st.floats(0.5, 2), st.floats(0.2, 1.5))
@settings(deadline=None, max_examples=30)
def test_speed_keeps_the_senses_in_step(factor, seconds):
    old = item(0, seconds)
    (new,) = make({"kind": "speed", "factors": [factor]}).change([old], np.random.default_rng(0))
    durations = {
        name: len(new.inputs[name]) / SPECS[name].rate for name in ("voice", "lips", "face", "pulse")
    }
    for name, duration in durations.items():
        expected = len(old.inputs[name]) / SPECS[name].rate / factor
        assert duration == pytest.approx(expected, abs=1.01 / SPECS[name].rate)
    assert new.inputs["words"] is old.inputs["words"]
    if factor != 1:
        assert new.targets["words"][0].start == pytest.approx(0.5 / factor)
        assert new.targets["words"][1].end is None
    assert new.targets["class"] == "greeting"
    assert new.targets["score"] == (1.0, 2.0)


def test_speed_moves_the_pitch():
    tone = np.sin(2 * np.pi * 500 * np.arange(16_000) / 16_000).astype(np.float32)
    (new,) = make({"kind": "speed", "factors": [1.25]}).change(
        [Item("tone", {"voice": tone})], np.random.default_rng(0)
    )
    faster = new.inputs["voice"]
    assert np.abs(np.fft.rfft(faster)).argmax() * 16_000 / len(faster) == pytest.approx(625, abs=2)


def test_mirror_flips_and_flips_back():
    old = item(0)
    objective = make({"kind": "mirror", "stream": "face", "probability": 1})
    (new,) = objective.change([old], np.random.default_rng(0))
    np.testing.assert_array_equal(new.inputs["face"], old.inputs["face"][:, :, ::-1])
    assert same(objective.change([new], np.random.default_rng(0))[0], old)


def test_shift_moves_all_frames_alike():
    frames = np.zeros((3, 6, 8), np.uint8)
    frames[:, 3, 4] = 255
    (new,) = make({"kind": "shift", "stream": "lips", "pixels": 2}).change(
        [Item("dot", {"lips": frames})], np.random.default_rng(1)
    )
    places = np.argwhere(new.inputs["lips"])[:, 1:]
    assert len(places) == 3
    assert (places == places[0]).all()
    assert np.abs(places[0] - [3, 4]).max() <= 2


def test_hidden_frames_show_the_mean():
    old = item(0, 4.0)
    part = {"kind": "time_masking", "stream": "lips", "seconds": 0.4}
    (new,) = make(part).change([old], np.random.default_rng(0))
    hidden = (new.inputs["lips"] != old.inputs["lips"]).any((1, 2))
    assert 0 < hidden.sum() <= 4 * 10
    mean = old.inputs["lips"].mean(0, dtype=np.float32).astype(np.uint8)
    assert (new.inputs["lips"][hidden] == mean).all()


@given(
    st.lists(st.integers(0, 40), min_size=1, max_size=4),
    st.integers(1, 30),
    st.integers(0, 3),
    st.integers(0, 40),
    st.floats(0, 1),
)
@settings(deadline=None)
def test_spec_augment_stays_within_its_bounds(lengths, width, masks, frequency_width, time_share):
    augment = SpecAugment("voice", masks, frequency_width, masks, time_share)
    frames = Stream(torch.full((len(lengths), 40, width), 7.0), torch.tensor(lengths), 100.0)
    new = augment.change_features("voice", frames)
    assert new.values.shape == frames.values.shape
    assert (frames.values == 7).all()
    for row, length in enumerate(lengths):
        assert (new.values[row, length:] == 7).all()
        blank = new.values[row, :length] == 0
        assert (blank | (new.values[row, :length] == 7)).all()
        if length:
            bands, pauses = blank.all(0), blank.all(1)
            assert (blank == (bands[None, :] | pauses[:, None])).all()
            if not pauses.all():
                assert bands.sum() <= masks * frequency_width
            if not bands.all():
                assert pauses.sum() <= masks * time_share * length
    assert augment.change_features("lips", frames) is frames


def test_gain_stays_within_its_bounds():
    gain = make({"kind": "gain", "stream": "voice", "db": [-20, -10]})
    items = [item(number, 0.1) for number in range(20)]
    changed = gain.change(items, np.random.default_rng(0))
    ratios = [20 * np.log10(new.inputs["voice"] / old.inputs["voice"])
              for new, old in zip(changed, items, strict=True)]  # fmt: skip
    assert all(np.ptp(ratio) < 1e-3 and -20.001 <= ratio[0] <= -9.999 for ratio in ratios)
    assert np.ptp([ratio[0] for ratio in ratios]) > 3


@pytest.mark.parametrize(("width", "bands", "mean"), [(15, 80, 7.5), (None, 80, 7.5), (None, 32, 3.0)])
def test_spec_augment_blanks_about_what_it_says(width, bands, mean):
    torch.manual_seed(0)
    augment = SpecAugment("voice", 1, width, 1, 0.2)
    frames = Stream(torch.ones(500, 100, bands), torch.full((500,), 100), 100.0)
    blank = augment.change_features("voice", frames).values == 0
    assert float(blank.all(1).sum(1).float().mean()) == pytest.approx(mean, abs=0.6)
    assert float(blank.all(2).sum(1).float().mean()) == pytest.approx(10, abs=0.8)


@given(st.lists(st.integers(0, 40), min_size=1, max_size=4), st.integers(1, 30), st.integers(2, 9))
@settings(deadline=None)
def test_filter_augment_adds_one_smooth_curve_to_each_item(lengths, width, knots):
    augment = FilterAugment("voice", knots, probability=1)
    frames = Stream(torch.randn(len(lengths), 40, width), torch.tensor(lengths), 100.0)
    added = augment.change_features("voice", frames).values - frames.values
    for row, length in enumerate(lengths):
        curve = added[row, :length]
        torch.testing.assert_close(curve, curve[:1].expand_as(curve), atol=1e-5, rtol=0)
    assert augment.change_features("lips", frames) is frames
    untouched = FilterAugment("voice", probability=0).change_features("voice", frames)
    torch.testing.assert_close(untouched.values, frames.cleared().values)


def test_filter_augment_is_as_strong_as_it_says():
    torch.manual_seed(0)
    augment = FilterAugment("voice", 2, strength=0.5, probability=0.5)
    frames = Stream(torch.zeros(2000, 3, 8), torch.full((2000,), 3), 100.0)
    edges = augment.change_features("voice", frames).values[:, 0, 0]
    assert float((edges != 0).float().mean()) == pytest.approx(0.5, abs=0.05)
    assert float(edges[edges != 0].std()) == pytest.approx(0.5, abs=0.05)


def pulses(lengths: list[int], targets: list[str]) -> list[Item]:
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal((length, 2)).astype(np.float32) for length in lengths]
    return [
        Item(str(row), {"pulse": array}, {"class": target})
        for row, (array, target) in enumerate(zip(arrays, targets, strict=True))
    ]


def test_mixup_mixes_arrays_and_losses_alike():
    objective = make({"kind": "mixup", "alpha": 1})
    items = pulses([4, 2, 3], ["greeting", "question", "greeting"])
    changed = objective.change(items, np.random.default_rng(0))
    share = objective.share
    for old, new, partner in zip(items, changed, objective.partners, strict=True):
        both = np.zeros((max(len(old.inputs["pulse"]), len(partner.inputs["pulse"])), 2))
        both[: len(old.inputs["pulse"])] = share * old.inputs["pulse"]
        both[: len(partner.inputs["pulse"])] += (1 - share) * partner.inputs["pulse"]
        np.testing.assert_allclose(new.inputs["pulse"], both, rtol=1e-5)
    assert any(old is not partner for old, partner in zip(items, objective.partners, strict=True))
    values, batch = torch.randn(3, 1, 2), Batch(changed, {})
    logits = {"class": Stream(values, torch.ones(3, dtype=torch.long))}
    loss = objective.heads["class"].loss(logits["class"], batch.targets("class"))
    weighed = objective.weigh({"class": loss}, Outputs(logits, {}, logits["class"]), batch)["class"]
    mixed = torch.zeros(3, 2)
    for row, (item, partner) in enumerate(zip(items, objective.partners, strict=True)):
        mixed[row, LABELS["class"].index(item.targets["class"])] += share
        mixed[row, LABELS["class"].index(partner.targets["class"])] += 1 - share
    torch.testing.assert_close(weighed, torch.nn.functional.cross_entropy(values[:, 0], mixed))


@pytest.mark.parametrize("earlier", ["uncertainty", "blend"])
def test_mixup_stands_before_what_weighs_losses(earlier):
    objective, before = make({"kind": "mixup", "alpha": 1}), make({"kind": earlier})
    items = pulses([4, 2, 3], ["greeting", "question", "greeting"])
    for number, part in enumerate((before, objective)):
        changed = part.change(items, np.random.default_rng(number))
    batch, stream = Batch(changed, {}), Stream(torch.randn(3, 1, 2), torch.ones(3, dtype=torch.long))
    outputs = Outputs({"class": stream}, {}, stream)
    losses = {"class": objective.heads["class"].loss(stream, batch.targets("class"))}
    if earlier == "uncertainty":
        with torch.no_grad():
            before.slow += 0.1
    before.weigh(objective.weigh(losses, outputs, batch), outputs, batch)  # the right way round
    with pytest.raises(RecipeError, match="let mixup stand before it"):
        objective.weigh(before.weigh(losses, outputs, batch), outputs, batch)


def test_mixup_mixes_sound():
    items = [item(0, 0.1, without=("lips", "face", "words", "pulse")),
             item(1, 0.2, without=("lips", "face", "words", "pulse"))]  # fmt: skip
    changed = make({"kind": "mixup", "alpha": 50}).change(items, np.random.default_rng(3))
    assert {len(one.inputs["voice"]) for one in changed} <= {1600, 3200}
    for one, own in zip(changed, items, strict=True):
        assert one.inputs["voice"].dtype == np.float32
        assert one is own or not np.allclose(one.inputs["voice"][:1600], own.inputs["voice"][:1600])


def test_mixup_leaves_items_of_other_streams_alone():
    objective = make({"kind": "mixup"})
    items = [*pulses([4, 2], ["greeting", "question"]), item(0, 0.1), Item("none", {})]
    changed = objective.change(items, np.random.default_rng(0))
    assert changed[2] is items[2]
    assert changed[3] is items[3]
    with pytest.raises(RecipeError, match="the streams give frames and tokens"):
        specs = {name: SPECS[name] for name in ("words", "lips")}
        Kinds(OBJECTIVES).make("mixup").build(Surroundings(specs, draw, dim=16))
