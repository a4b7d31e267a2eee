from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from trichord.learning.batch import Item
from trichord.learning.training.sampling import plan_batches, seconds_of
from trichord.prepare.preparation import InputSpec

lengths = st.lists(st.floats(0.1, 60), min_size=1, max_size=80)


@given(lengths, st.floats(1, 100), st.integers(0, 5), st.integers(0, 5))
def test_every_item_is_in_one_batch_and_padded_batches_keep_within_bounds(
    seconds: list[float], batch_seconds: float, seed: int, epoch: int
) -> None:
    plan = plan_batches(seconds, batch_seconds, seed=seed, epoch=epoch)
    assert sorted(index for batch in plan for index in batch) == list(range(len(seconds)))
    for batch in plan:
        assert len(batch) == 1 or max(seconds[index] for index in batch) * len(batch) <= batch_seconds + 1e-9


def test_a_plan_is_a_function_of_seed_and_epoch() -> None:
    seconds = np.random.default_rng(0).uniform(1, 5, 100).tolist()
    plan = plan_batches(seconds, 20, seed=1, epoch=2)
    assert plan == plan_batches(seconds, 20, seed=1, epoch=2)
    assert plan != plan_batches(seconds, 20, seed=1, epoch=3)
    assert plan != plan_batches(seconds, 20, seed=2, epoch=2)


def test_batches_hold_items_of_like_length() -> None:
    seconds = np.random.default_rng(0).uniform(1, 10, 400).tolist()
    plan = plan_batches(seconds, 60, seed=0, epoch=0)
    padded = sum(max(seconds[i] for i in batch) * len(batch) for batch in plan)
    assert padded < 1.15 * sum(seconds)


def test_an_item_lasts_as_long_as_its_longest_stream() -> None:
    specs = {"voice": InputSpec("samples", 16_000.0), "words": InputSpec("tokens", vocabulary=9)}
    item = Item("a", {"voice": np.zeros(8_000, np.float32), "words": np.zeros(50, np.int64)})
    assert seconds_of(item, specs, clock=25.0) == 2.0
    assert seconds_of(Item("b", {}), specs, clock=25.0) == 0.0
