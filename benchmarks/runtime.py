"""What the runtime costs: import, first answer, memory, and room on disk.

    python benchmarks/runtime.py MODEL.onnx CLIP [CLIP ...] [--install]

Every number comes from a fresh process. Real-time factors are of one core: seconds of work for each second
of a clip. `--install` also installs the core into an environment of its own,
which needs a package index.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

from report import ROOT
from results import record

REPEATS = 7

IMPORT = """
import sys, time
began = time.perf_counter()
import trichord
{use}
print(time.perf_counter() - began)
assert "torch" not in sys.modules, "the runtime imported torch"
"""

ANSWER = """
import sys, trichord
answer = trichord.load(sys.argv[1])(sys.argv[2])
assert list(answer), "no head answered"
status = open("/proc/self/status").read()
print(int(status.split("VmHWM:")[1].split()[0]) / 1000)
assert "torch" not in sys.modules, "the runtime imported torch"
"""

SPEED = """
import os, sys
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
from time import perf_counter
import trichord
from trichord.media import clip_from_file
model = trichord.load(sys.argv[1], threads=1)
for path in [sys.argv[2], *sys.argv[2:]]:  # the first twice: once to warm up
    clip = clip_from_file(path)
    began = perf_counter()
    inputs = model.preparations(clip)
    prepared = perf_counter()
    logits = model.logits([inputs])[0]
    ran = perf_counter()
    model.decode(logits)
    done = perf_counter()
    rates = {name: stream.input.rate for name, stream in model.streams.items()}
    seconds = max(len(inputs[name]) / rates[name] for name in inputs if rates[name])
    print(prepared - began, ran - prepared, done - ran, seconds)
"""


def child(code: str, *arguments: str) -> float:
    """Run a program in a fresh interpreter; return the number that it prints."""
    return float(printed(code, *arguments))


def printed(code: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return done.stdout


def write_down(id_: str, values: list[float], metric: str, *, bar: str = "", note: str = "") -> None:
    """Record the median, with the lowest and highest as spread."""
    note = f"{note}; median and range" if note else "median and range"
    spread = (min(values), max(values))
    record(id_, median(values), metric, spread=spread, n=len(values), bar=bar, note=note)
    print(f"{id_}: {median(values):.3f} ({spread[0]:.3f} to {spread[1]:.3f}) {metric}")


def measure_import() -> None:
    child(IMPORT.format(use=""))  # once, so that bytecode and the disk cache are warm
    seconds = [child(IMPORT.format(use="")) for _ in range(REPEATS)]
    write_down("runtime/import-s", seconds, "seconds", bar="<= 0.3", note="import trichord")
    seconds = [child(IMPORT.format(use="trichord.load, trichord.Clip")) for _ in range(REPEATS)]
    write_down("runtime/import-load-s", seconds, "seconds", note="import trichord; trichord.load")


def measure_answer(model: Path, clip: Path) -> None:
    seconds, megabytes = [], []
    for _ in range(REPEATS):
        began = perf_counter()
        megabytes.append(child(ANSWER, str(model), str(clip)))
        seconds.append(perf_counter() - began)
    note = f"{model.stem}, {model.stat().st_size / 1e6:.1f} MB, on {clip.name}"
    write_down(
        "runtime/cold-answer-s", seconds, "seconds", note=f"{note}; from starting Python to the answer"
    )
    write_down("runtime/rss-mb", megabytes, "peak MB resident", note=note)


def measure_speed(model: Path, clips: list[Path]) -> None:
    """Time preparing (decoding and mouth finding included), the graph, and the search for words."""
    lines = printed(SPEED, str(model), *map(str, clips)).splitlines()[1:]
    parts = [[float(number) for number in line.split()] for line in lines]
    whole = [sum(times) / seconds for *times, seconds in parts]
    graph = [times[1] / seconds for *times, seconds in parts]
    prepare, search = (median(row[part] / row[-1] for row in parts) for part in (0, 2))
    name, note = f"runtime/{model.stem}", "one core"
    parts_of = f"decoding and mouth {prepare:.3f}, search {search:.3f}"
    write_down(f"{name}/rtf", whole, "seconds per second", bar="<= 0.15", note=f"{note}; {parts_of}")
    write_down(f"{name}/graph-rtf", graph, "seconds per second", bar="<= 0.03", note=note)
    size = model.stat().st_size / 1e6
    record(f"{name}/mb", size, "MB on disk", n=1, bar="<= 12", note=model.name)
    print(f"{name}/mb: {size:.2f}")


def measure_install() -> None:
    """Install the core alone, without pip itself, and add up the files."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
        python = Path(folder) / "bin" / "python"
        pip = [sys.executable, "-m", "pip", "--quiet", "--python", str(python)]
        subprocess.run([*pip, "install", "--no-compile", str(ROOT)], check=True)
        files = [path for path in Path(folder).rglob("*") if path.is_file() and not path.is_symlink()]
        megabytes = sum(path.stat().st_size for path in files) / 1e6
    record("install/core-mb", megabytes, "MB on disk", n=1, bar="<= 300", note="pip install trichord")
    print(f"install/core-mb: {megabytes:.0f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("model", type=Path, help="a model file")
    parser.add_argument("clip", type=Path, nargs="+", help="real clips that it can read")
    parser.add_argument("--install", action="store_true", help="also measure a fresh installation")
    options = parser.parse_args()
    measure_import()
    clips = [clip.resolve() for clip in options.clip]
    measure_answer(options.model.resolve(), clips[0])
    measure_speed(options.model.resolve(), clips)
    if options.install:
        measure_install()


if __name__ == "__main__":
    main()
