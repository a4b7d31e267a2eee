from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trichord.decoding.calibration import expected_calibration_error, fit_temperature, reliability
from trichord.decoding.logits import log_softmax
from trichord.errors import InputError


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), scale=st.floats(0.2, 8))
def test_temperature_recovers_a_known_scale(seed, scale):
    random = np.random.default_rng(seed)
    logits = random.normal(0, 2, (4000, 4))
    draws = random.gumbel(size=logits.shape)
    labels = (logits + draws).argmax(axis=1)  # drawn with the probabilities of the logits
    assert fit_temperature(logits * scale, labels) == pytest.approx(scale, rel=0.12)


def test_temperature_makes_confidence_honest():
    random = np.random.default_rng(3)
    logits = random.normal(0, 2, (5000, 3))
    labels = (logits + random.gumbel(size=logits.shape)).argmax(axis=1)

    def error(temperature):
        probabilities = np.exp(log_softmax(4 * logits / temperature))
        return expected_calibration_error(probabilities.max(axis=1), probabilities.argmax(axis=1) == labels)

    assert error(fit_temperature(4 * logits, labels)) < 0.03 < 0.1 < error(1.0)


def test_perfectly_separated_classes_stay_bounded():
    assert 0.01 <= fit_temperature([[5.0, 0.0], [0.0, 5.0]], [0, 1]) <= 0.0101


def test_calibration_error_by_hand():
    confidences, correct = [0.95, 0.95, 0.55, 0.55], [True, True, True, False]
    assert expected_calibration_error(confidences, correct, bins=10) == pytest.approx(0.05)
    points = reliability(confidences, correct, bins=10)
    assert [(p.answers, p.accuracy) for p in points] == [(2, 0.5), (2, 1.0)]
    assert (points[0].low, points[0].high) == (0.5, 0.6)
    assert math.isnan(expected_calibration_error([], []))
    assert expected_calibration_error([0.0, 1.0], [False, True]) == 0


def test_unfit_values_are_refused():
    for logits, labels in ([[], []], [[[1.0, 2.0]], [2]], [[[1.0, math.nan]], [0]], [[1.0], [0]]):
        with pytest.raises(InputError):
            fit_temperature(logits, labels)
    for confidence in (1.5, -0.1, math.nan):
        with pytest.raises(InputError, match="from 0 to 1"):
            reliability([confidence], [True])
