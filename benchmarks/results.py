"""Writing down what was measured, so that it can be measured again."""

from __future__ import annotations

import fcntl
import json
import math
import os
import platform
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import report

PACKAGES = ("trichord", "numpy", "torch", "onnxruntime")


def record(
    id: str,  # noqa: A002
    value: float,
    metric: str,
    *,
    spread: tuple[float, float] | None = None,
    n: int | None = None,
    seeds: list[int] | None = None,
    bar: str = "",
    note: str = "",
) -> None:
    """Put one measured number into docs/results.json, in place of the row of this id, and renew the page.

    id: what was measured, `group/name`.
    metric: its name and unit.
    spread: lowest and highest of an interval; say which in `note` unless it is a 95 % interval.
    n: how many clips, repetitions or the like stand behind it.
    bar: what it was to reach, such as `>= 1`.
    Raises ValueError for a number that is not finite.
    """
    numbers = [value, *(spread or ())]
    if not all(math.isfinite(number) for number in numbers):
        raise ValueError(f"{id}: only finite numbers can be recorded; got {numbers}")
    row = {
        "id": id,
        "metric": metric,
        "value": rounded(value),
        "spread": [rounded(bound) for bound in spread] if spread else None,
        "n": n,
        "seeds": seeds,
        "bar": bar,
        "note": note,
        "command": command(),
        "machine": machine(),
        "date": datetime.now(UTC).date().isoformat(),
        "versions": versions(),
    }
    with one_at_a_time(report.DATA.parent):
        rows = {old["id"]: old for old in report.read(report.DATA)} | {id: row}
        ordered = [rows[name] for name in sorted(rows)]
        report.write(report.DATA, json.dumps(ordered, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
        report.write(report.PAGE, report.render(ordered))


@contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Hold a lock on the folder, so that benchmarks that run side by side keep each other's rows."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def rounded(value: float) -> float:
    return float(f"{value:.6g}")


def command() -> str:
    """Return the running command as it can be typed at the root of the repository."""
    program, *arguments = sys.argv
    start = [Path(program).name] if Path(program).suffix != ".py" else ["python", from_root(program)]
    return shlex.join([*start, *(from_root(argument) for argument in arguments)])


def from_root(argument: str) -> str:
    """Return an argument with the path in it, if any, relative to the root of the repository."""
    option, equals, path = argument.rpartition("=")
    if not Path(path).exists():
        return argument
    return option + equals + os.path.relpath(path, report.ROOT)


def machine() -> str:
    """Return the model and the number of the processor's cores."""
    return f"{processor()}, {os.cpu_count()} cores"


def processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text("utf-8").splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that numbers depend on."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
