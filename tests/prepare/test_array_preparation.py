from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trichord.clip import Features
from trichord.errors import ArtifactError, InputError
from trichord.prepare import ReadyArray


@settings(max_examples=40, deadline=None)
@given(lengths=st.lists(st.integers(0, 30), min_size=1, max_size=8), offset=st.floats(-1e4, 1e4))
def test_one_pass_measures_what_all_at_once_would(lengths: list[int], offset: float) -> None:
    rng = np.random.default_rng(sum(lengths))
    clips = [
        Features((rng.standard_normal((n, 3)) * [1, 5, 0] + offset).astype(np.float32), 10) for n in lengths
    ]
    array = ReadyArray()
    if not sum(lengths):
        with pytest.raises(InputError, match="no training clip"):
            array.fit(clips)
        return
    array.fit(clips)
    joined = np.concatenate([clip.values for clip in clips]).astype(np.float64)
    state = array.state()
    np.testing.assert_allclose(state["mean"], joined.mean(0), rtol=1e-6, atol=1e-6)
    expected = np.where(joined.std(0) < 1e-5, 1, joined.std(0))
    np.testing.assert_allclose(state["deviation"], expected, rtol=1e-4)
    assert (array.spec.kind, array.spec.rate, array.spec.shape) == ("array", 10, (3,))


def test_columns_are_normalised_and_constants_vanish() -> None:
    features = Features(np.array([[1, 5], [3, 5]], np.float32))
    array = ReadyArray()
    array.fit([features])
    np.testing.assert_allclose(array(features), [[-1, 0], [1, 0]])
    assert array(features).dtype == np.float32
    raw = ReadyArray(normalise=False)
    raw.fit([features])
    np.testing.assert_array_equal(raw(features), features.values)


def test_state_survives_json() -> None:
    array, restored = ReadyArray(), ReadyArray()
    features = Features(np.random.default_rng(0).standard_normal((9, 4)).astype(np.float32), 12.5)
    array.fit([features])
    restored.restore(json.loads(json.dumps(array.state())))
    assert restored.spec == array.spec
    np.testing.assert_array_equal(restored(features), array(features))


def test_another_width_or_rate_is_refused() -> None:
    array = ReadyArray()
    with pytest.raises(InputError, match="not known yet"):
        _ = array.spec
    array.fit([Features(np.zeros((2, 3), np.float32), 25)])
    with pytest.raises(InputError, match="4 wide; the training clips' are 3"):
        array(Features(np.zeros((2, 4), np.float32), 25))
    with pytest.raises(InputError, match="rate of None Hz"):
        array(Features(np.zeros((2, 3), np.float32)))
    with pytest.raises(InputError, match="expected Features here, got str"):
        array("text")


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"rate": None, "mean": [0], "deviation": [0]},
        {"rate": None, "mean": [0, 0], "deviation": [1]},
        {"rate": None, "mean": [[0]], "deviation": [[1]]},
        {"rate": None, "mean": [float("nan")], "deviation": [1]},
        {"rate": "fast", "mean": [0], "deviation": [1]},
        {"rate": None, "mean": ["x"], "deviation": [1]},
    ],
)
def test_hostile_states(state: dict[str, object]) -> None:
    with pytest.raises(ArtifactError):
        ReadyArray().restore(state)
