"""Speech heard as it comes: how long a block takes, whether memory grows, and whether blocks equal the whole.

    python benchmarks/streaming.py MODEL.onnx [SOUND ...] [--minutes 10]

MODEL is a stateful file ('trichord export --streaming'). The sounds, speechocean762's test clips by default,
are played one after another, as fast as they can be heard, in pieces of 100 ms; every block's time, decoding
and the language model included, is on one core. In a fresh process.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from time import perf_counter

import numpy as np
from results import record

PIECE_SECONDS = 0.1
WARM_SECONDS = 60.0
"""After so much sound, memory is as large as it should ever be."""


def rss_mb() -> float:
    """Return the memory that the process holds now, in MB."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1000


def play(path: Path, sounds: list[Path], seconds: float) -> dict[str, list[float]]:
    """Hear so many seconds of sound; return each block's seconds, and the memory at each clip's end."""
    import trichord
    from trichord.media import stream_audio
    from trichord.running.live import Hearing

    hearing = Hearing(trichord.load(path, threads=1))
    times: list[float] = []
    memory: list[tuple[float, float]] = []
    said = 0
    while hearing.heard < seconds:
        for sound in sounds:
            for piece in stream_audio(sound, rate=16_000, block_seconds=PIECE_SECONDS):
                before, began = hearing.heard, perf_counter()
                said += sum(one.final for one in hearing.push(piece))
                if hearing.heard > before:
                    times.append(perf_counter() - began)
            memory.append((hearing.heard, rss_mb()))
            if hearing.heard >= seconds:
                break
    assert "torch" not in sys.modules, "the runtime imported torch"
    warm = [mb for heard, mb in memory if heard >= WARM_SECONDS]
    return {"times": times, "memory": warm, "said": [said], "block": [hearing.ear.blocks.block.seconds]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("sounds", type=Path, nargs="*")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument(
        "--name", help="what the rows are called after: stream/NAME/...; by default stream/..."
    )
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    sounds = arguments.sounds or test_clips()
    found = play(arguments.model, sounds, 60 * arguments.minutes)
    block, times, memory = found["block"][0], np.array(found["times"]), found["memory"]
    p50, p99 = np.quantile(times, (0.5, 0.99)) / block
    growth = np.mean(memory[-len(memory) // 5 :]) - np.mean(memory[: max(1, len(memory) // 5)])
    prefix = f"stream/{arguments.name}" if arguments.name else "stream"
    note = (
        f"{arguments.model.name}: blocks of {1000 * block:.0f} ms, {len(times)} of them, "
        f"{int(found['said'][0])} utterances, {arguments.minutes:g} minutes; decoding included; "
        f"median {p50:.3f}"
    )
    record(f"{prefix}/p99-ratio", float(p99), "time of a block / its duration, 99th percentile, one core",
           n=len(times), bar="<= 0.3", note=note)  # fmt: skip
    record(f"{prefix}/rss-growth", float(growth), "MB, mean of the last fifth minus that of the first",
           n=len(memory), bar="flat", note=f"{note}; {memory[0]:.0f} MB after the first minute")  # fmt: skip
    print(json.dumps({"p50": p50, "p99": p99, "growth_mb": growth, "rss_mb": memory[-1]}, default=float))


def test_clips() -> list[Path]:
    from trichord.corpora import Speechocean

    return [clip.inputs["audio"].path for clip in Speechocean().clips("test")]  # type: ignore[union-attr]


if __name__ == "__main__":
    main()
