"""How many spoken coffee orders are understood in full, clean and in a kitchen's noise?

    python benchmarks/speech_to_intent.py RUN [--seeds RUN ...] [--dry]

RUN is a finished run of recipes/speech-to-intent.yaml; --seeds are others that differ by their seed alone. An
order counts where the intent's every slot is right, those that it leaves unsaid too, on the test split. The
kitchen's noise is the corpus's own, at 6 dB, and no training clip was heard with it. Intervals draw orders,
with all seeds of an order.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from results import record

from trichord import Clip
from trichord.corpora import SpeechToIntent
from trichord.decoding.grammar import untold
from trichord.metrics import bootstrap, ratio
from trichord.running.conditions import Conditions
from trichord.running.evaluate import answer_all
from trichord.running.runtime import Model, load

HEAD = "meaning"
KITCHEN = "speech-to-intent/data/noise:6dB"
ROWS = {
    "clean": (None, ">= 0.90", "as recorded"),
    "kitchen-6db": (KITCHEN, ">= 0.80", "the corpus's kitchen under each order, 6 dB"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("run", type=Path, help="a finished run of recipes/speech-to-intent.yaml")
    parser.add_argument("--seeds", type=Path, nargs="*", default=[], help="runs of other seeds")
    parser.add_argument("--dry", action="store_true", help="print, and record nothing")
    options = parser.parse_args()
    models = [load(run / "model.onnx") for run in (options.run, *options.seeds)]
    clips = SpeechToIntent().clips("test")
    for row, (noise, bar, told) in ROWS.items():
        right = [slots_right(model, clips, Conditions(noise=noise)) for model in models]
        every = np.all(right, axis=2)  # (seeds, clips)
        score = bootstrap(np.stack([every.sum(0), np.full(len(clips), len(models))], 1).astype(float), ratio)
        slots = ", ".join(
            f"{name} {share:.3f}" for name, share in zip(names_of(clips), np.mean(right, (0, 1)), strict=True)
        )
        note = f"{told}; slot by slot {slots}; seeds {', '.join(f'{one.mean():.3f}' for one in every)}"
        print(f"{row}: {score.value:.3f} [{score.low:.3f}, {score.high:.3f}]\n  {note}")
        if not options.dry:
            record(f"speech-to-intent/{row}", score.value, "intent and all six slots right", n=len(clips),
                   bar=bar, spread=(score.low, score.high), note=note)  # fmt: skip


def slots_right(model: Model, clips: Sequence[Clip], conditions: Conditions) -> np.ndarray:
    """Return whether the intent and each slot are as each clip's meaning says, `(clips, names)`."""
    found = {clip.id: str(said[HEAD].value) for clip, said in answer_all(model, clips, conditions).pairs}
    pairs = [(parts(str(clip.targets[HEAD])), parts(found[clip.id])) for clip in clips]
    return np.array([[meant.get(n) == said.get(n) for n in names_of(clips)] for meant, said in pairs])


def names_of(clips: Sequence[Clip]) -> list[str]:
    return sorted({name for clip in clips for name in parts(str(clip.targets[HEAD]))})


def parts(meaning: str) -> dict[str, str]:
    """Return what fills each slot, and the intent under its own name."""
    intent, slots = untold(meaning)
    return {**slots, "intent": intent}


if __name__ == "__main__":
    main()
