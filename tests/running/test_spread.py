from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from trichord import Clip
from trichord.running.spread import spread


@given(st.integers(0, 300), st.none() | st.integers(0, 400))
def test_clips_lie_evenly_apart(clips: int, count: int | None) -> None:
    data = [Clip(str(number), {}) for number in range(clips)]
    places = [int(clip.id) for clip in spread(data, count)]
    assert len(places) == (clips if count is None else min(clips, count))
    steps = np.diff([*places, clips]) if places else np.zeros(0)
    assert np.ptp(steps) <= 1 if len(steps) else True
