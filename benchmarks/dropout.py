"""What our dropout saves: steps of learning with it, and with torch's, in turn on the same batch.

    python benchmarks/dropout.py [--steps 12]

The model is recipes/speechocean.yaml's, in bfloat16 on one thread, the batch 60 seconds of made sound.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median, quantiles
from time import perf_counter
from unittest.mock import patch

import numpy as np
import torch
import torch.nn.functional as F
from report import ROOT
from results import record

from trichord.learning import attention, dropout
from trichord.learning.model import Model
from trichord.learning.recipe import load_recipe
from trichord.prepare.preparation import InputSpec

CLIPS, SECONDS, RATE = 15, 4, 16_000


CHOSEN = {"ours": dropout.dropped, "torch": lambda values, share: F.dropout(values, share)}


@contextmanager
def using(name: str) -> Iterator[None]:
    """Let every part of a model drop values in this way."""
    both = patch.object(dropout, "dropped", CHOSEN[name]), patch.object(attention, "dropped", CHOSEN[name])
    with both[0], both[1]:
        yield


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--steps", type=int, default=12)
    steps = parser.parse_args().steps
    torch.set_num_threads(1)
    torch.manual_seed(0)
    recipe = load_recipe(ROOT / "recipes" / "speechocean.yaml")
    recipe.heads["transcript"].fit(["the quick brown fox", "jumps over the lazy dog"])
    model = Model(recipe, {"voice": InputSpec("samples", RATE)}).train()
    sound = torch.randn(CLIPS, SECONDS * RATE) * 0.1
    inputs = {"voice": (sound, torch.full((CLIPS,), SECONDS * RATE))}
    taken: dict[str, list[float]] = {"ours": [], "torch": []}
    for turn in range(2 * steps + 2):
        name = ("ours", "torch")[turn % 2]
        began = perf_counter()
        with using(name), torch.autocast("cpu", torch.bfloat16):
            logits = model(inputs).logits
            loss = recipe.heads["transcript"].loss(logits["transcript"], ["the quick fox"] * CLIPS)
        loss.backward()
        if turn >= 2:  # the first of each warms up
            taken[name].append(perf_counter() - began)
    ratios = np.array(taken["torch"]) / np.array(taken["ours"])
    low, _, high = quantiles(ratios, n=4)
    ours, theirs = median(taken["ours"]), median(taken["torch"])
    note = f"a step takes {ours:.2f} s with ours, {theirs:.2f} s with torch's; spread: quartiles"
    record(
        "training/dropout/speed", float(np.median(ratios)), "time of a step with torch's dropout / with ours",
        spread=(float(low), float(high)), n=steps, bar=">= 1", note=note,
    )  # fmt: skip
    print(note, float(np.median(ratios)))


if __name__ == "__main__":
    main()
