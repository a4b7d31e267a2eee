import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from trichord.clip import Features
from trichord.prepare.functionals import Functionals, changes, course, functionals, moments

columns = arrays(np.float64, st.tuples(st.integers(1, 30), st.integers(1, 3)), elements=st.floats(-100, 100))


def test_a_parabola_is_known_by_its_curvature_and_its_top():
    time = np.linspace(-1, 1, 21)
    mean, deviation, slope, curvature, top = moments((3 - 2 * (time - 0.5) ** 2)[:, None])[:, 0]
    assert (slope, curvature) == (pytest.approx(2.0), pytest.approx(-2.0))
    assert top == pytest.approx(0.5)
    assert mean == pytest.approx((3 - 2 * (time - 0.5) ** 2).mean())
    assert deviation > 0


def test_changes_count_peaks_and_the_steepest_steps():
    size, deviation, rise, fall, peaks = changes(np.array([0.0, 2.0, 1.0, 4.0, 0.0])[:, None])[:, 0]
    assert (size, rise, fall) == (2.0, 3.0, -4.0)
    assert deviation == pytest.approx(np.std([0, 2, -1, 3, -4]))
    assert peaks == pytest.approx(2 / 4)


def test_the_course_is_read_between_the_steps():
    assert course(np.array([[0.0], [2.0]]), 5)[:, 0].tolist() == [-1, -0.5, 0, 0.5, 1]


@given(columns)
def test_any_length_gives_one_step_of_one_width(values):
    found = functionals(values)
    assert found.shape == (1, 1 + values.shape[1] * (5 + 11 + 5 + 16))
    assert np.isfinite(found).all()
    assert found[0, 0] == len(values)
    shifted = functionals(values + 7.0)
    course_of = slice(1 + 21, 1 + 37)
    np.testing.assert_allclose(found[0, course_of], shifted[0, course_of], atol=1e-9)


def test_it_is_prepared_as_any_array():
    rng = np.random.default_rng(0)
    clips = [Features(rng.normal(size=(n, 2)).astype(np.float32), 50.0) for n in (5, 9, 1)]
    prepare = Functionals(quantiles=3, points=4)
    prepare.fit(clips)
    assert prepare.spec.rate is None
    made = np.concatenate([prepare(clip) for clip in clips])
    assert made.shape == (3, 1 + 2 * (5 + 3 + 5 + 4))
    np.testing.assert_allclose(made.mean(0), 0, atol=1e-5)
    again = Functionals(quantiles=3, points=4)
    again.restore(prepare.state())
    np.testing.assert_array_equal(again(clips[1]), prepare(clips[1]))
    assert prepare(Features(np.zeros((0, 2), np.float32), 50.0)).shape == (0, made.shape[1])
