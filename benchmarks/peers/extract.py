"""openSMILE measures sound each time that it is asked; runs in its own environment, without Trichord.

    python extract.py CONFIG SAMPLES.npy RATE OUT.npy

Writes what it measured, `(frames, features)`, then for every line read prints how many seconds it took anew.
"""

from __future__ import annotations

import json
import sys
import time
from importlib.metadata import version

import numpy as np
import opensmile

FULL_SCALE = 32767


def main() -> None:
    config, sound, rate, out = sys.argv[1:]
    steps = np.load(sound, allow_pickle=False)  # int16
    samples = ((steps + 0.25 * np.sign(steps)) / FULL_SCALE).astype(
        np.float32
    )  # it cuts to whole steps again
    extractor = opensmile.Smile(feature_set=config, feature_level="lld", num_workers=1)
    found = extractor.process_signal(samples, int(rate))
    np.save(out, found.to_numpy())
    say({"version": version("opensmile"), "columns": list(found.columns)})
    for _ in sys.stdin:
        start = time.perf_counter()
        extractor.process_signal(samples, int(rate))
        say(time.perf_counter() - start)


def say(answer: object) -> None:
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
