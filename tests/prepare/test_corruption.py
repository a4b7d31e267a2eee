from __future__ import annotations

import numpy as np
import pytest

from trichord.clip import Features
from trichord.prepare import ReadyArray
from trichord.prepare.corruption import add_white, outliers, scale_of
from trichord.prepare.preparation import InputSpec

GREY = InputSpec("frames", 25.0, (16, 24))
COLOUR = InputSpec("frames", 25.0, (16, 24, 3))
NO_SCALE = (np.zeros(1), np.ones(1))


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.mark.parametrize("spec", [GREY, COLOUR])
def test_pictures_meet_the_stated_ratio_and_stay_pictures(spec: InputSpec) -> None:
    frames = rng().integers(96, 160, (20, *spec.shape)).astype(np.uint8)
    noisy = add_white(frames, spec, 10, np.ones(1), rng())
    noise = noisy.astype(float) - frames
    assert noisy.dtype == np.uint8
    assert 10 * np.log10(frames.var() / noise.var()) == pytest.approx(10, abs=0.3)
    assert add_white(spec.empty(), spec, 10, np.ones(1), rng()).shape == spec.empty().shape


def test_features_are_noisy_by_their_columns_scale() -> None:
    noisy = add_white(
        np.zeros((9000, 2), np.float32), InputSpec("array", None, (2,)), 0, np.array([1.0, 5.0]), rng()
    )
    assert noisy.dtype == np.float32
    assert noisy.std(0) == pytest.approx([1.0, 5.0], rel=0.05)  # type: ignore[attr-defined]


def test_a_pixels_colours_become_black_or_white_together() -> None:
    frames = np.full((20, *COLOUR.shape), 99, np.uint8)
    wild = outliers(frames, COLOUR, 0.25, NO_SCALE, rng())
    assert set(np.unique(wild)) == {0, 99, 255}
    assert (wild == wild[..., :1]).all()
    assert (wild != 99).mean() == pytest.approx(0.25, abs=0.03)


@pytest.mark.parametrize(
    ("spec", "array", "values"),
    [
        (InputSpec("samples", 16000.0), np.full(2000, 0.5, np.float32), {-1.0, 0.5, 1.0}),
        (InputSpec("tokens", None, (), 4), np.full(2000, 9), {1, 2, 3, 9}),
        (InputSpec("tokens", None, (), 1), np.zeros(20, np.int64), {0}),
        (InputSpec("array", 25.0, (3,)), np.zeros((2000, 3), np.float32), {-10.0, 0.0, 10.0}),
    ],
)
def test_every_kind_of_input_has_its_wild_values(
    spec: InputSpec, array: np.ndarray, values: set[float]
) -> None:
    wild = outliers(array, spec, 0.1, NO_SCALE, rng())
    assert wild.dtype == array.dtype
    assert set(np.unique(wild).tolist()) == values
    assert np.array_equal(outliers(array, spec, 0.0, NO_SCALE, rng()), array)
    assert len(outliers(array[:0], spec, 1.0, NO_SCALE, rng())) == 0


@pytest.mark.parametrize("normalise", [True, False])
def test_the_scale_is_that_of_prepared_training_arrays(normalise: bool) -> None:
    preparation = ReadyArray(normalise=normalise)
    preparation.fit([Features(rng().standard_normal((500, 2)) * [1, 5] + [0, 100], 25.0)])
    mean, deviation = scale_of(preparation)
    if normalise:
        assert (mean, deviation) == (0, 1)
    else:
        assert mean == pytest.approx([0, 100], abs=1)
        assert deviation == pytest.approx([1, 5], rel=0.1)
