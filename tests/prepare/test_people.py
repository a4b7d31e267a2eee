from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from trichord.clip import Clip, Features, Input, Lazy
from trichord.learning.recipe import StreamRecipe
from trichord.learning.training.data import fit_preparation, prepare_clips
from trichord.prepare import Cache, Functionals, ReadyArray, prepare_input
from trichord.prepare.people import People
from trichord.prepare.preparation import RELEVANCE, Measured

Rows = np.ndarray


def voice(speaker: str, number: int, offset: float = 0.0, scale: float = 1.0) -> Clip:
    """Return a clip that differs from another speaker's of the same number by offset and scale alone."""
    values = np.random.default_rng(number).standard_normal((3, 2)) * scale + offset
    return Clip(
        f"{speaker}/{number}", {"features": Features(values.astype(np.float32))}, {}, {"speaker": speaker}
    )


def fitted(clips: list[Clip], by: str | None = "speaker") -> ReadyArray:
    array = ReadyArray(by=by)
    array.fit(clip.inputs["features"] for clip in clips)
    return array


def prepared(people: People, clip: Clip) -> Rows:
    return np.asarray(people.of(clip)(clip.inputs["features"]))


def test_voices_that_differ_by_what_stays_the_same_are_alike() -> None:
    ann = [voice("ann", number, 5.0) for number in range(400)]
    bob = [voice("bob", number, -3.0) for number in range(400)]
    people = People(fitted([*ann, *bob]), "features", [*ann, *bob])
    apart = People(fitted([*ann, *bob], by=None), "features", [*ann, *bob])
    for one, other in zip(ann[:5], bob[:5], strict=True):
        own, common = (np.abs(prepared(each, one) - prepared(each, other)) for each in (people, apart))
        assert (own < 0.25 * common).all()


def test_few_clips_change_little() -> None:
    known = [voice("ann", number) for number in range(50)]
    preparation = fitted(known)
    new = voice("new", 1, 10.0)
    own = preparation.accustomed([new.inputs["features"]])
    share = 1 / (1 + RELEVANCE)
    mean = new.inputs["features"].values.mean(0)  # type: ignore[union-attr]
    expected = share * mean + (1 - share) * np.array(preparation.state()["mean"])
    np.testing.assert_allclose(own.state()["mean"], expected, rtol=1e-6)
    assert (np.array(own.state()["deviation"]) > np.array(preparation.state()["deviation"])).all()
    assert preparation.state() == fitted(known).state()  # the other one is left as it was


@settings(max_examples=30, deadline=None)
@given(others=st.lists(st.tuples(st.sampled_from(["bob", "cy"]), st.floats(-9, 9)), max_size=6))
def test_other_peoples_clips_change_nothing(others: list[tuple[str, float]]) -> None:
    known = [voice("ann", number) for number in range(8)]
    preparation = fitted(known)
    alone = People(preparation, "features", known)
    among = People(preparation, "features", [*(voice(who, 1, far) for who, far in others), *known])
    for clip in known:
        np.testing.assert_array_equal(prepared(alone, clip), prepared(among, clip))


def test_who_is_not_known_is_anybody() -> None:
    known = [voice("ann", number) for number in range(8)]
    preparation = fitted(known)
    people = People(preparation, "features", known)
    stranger = voice("zoe", 3)
    np.testing.assert_array_equal(prepared(people, stranger), preparation(stranger.inputs["features"]))
    nameless = Clip("a", stranger.inputs)
    np.testing.assert_array_equal(prepared(people, nameless), preparation(stranger.inputs["features"]))
    by_nothing = People(fitted(known, by=None), "features", known)
    assert by_nothing.own == {}


class Counted(Functionals):
    """Statistics that say how often they were measured."""

    calls = 0

    def measured(self, value: Input | Lazy) -> Measured:
        type(self).calls += 1
        return super().measured(value)


def test_a_clip_is_measured_once_for_all_that_is_learned(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    clips = [voice("ann" if number % 2 else "bob", number) for number in range(8)]
    stream = StreamRecipe.model_validate({"from": "features", "encoder": "cnn", "prepare": "functionals"})
    stream.prepare = Counted(quantiles=3, points=4, by="speaker")
    fit_preparation("voice", stream, clips, cache)
    items = prepare_clips(clips, {"voice": stream}, cache)
    plain = prepare_input(stream.prepare, clips[0].inputs["features"], cache)
    assert Counted.calls == len(clips)
    np.testing.assert_array_equal(plain, stream.prepare(clips[0].inputs["features"]))
    assert not np.array_equal(items[0].inputs["voice"], plain)
    for item, again in zip(items, prepare_clips(clips, {"voice": stream}, None), strict=True):
        np.testing.assert_array_equal(item.inputs["voice"], again.inputs["voice"])
