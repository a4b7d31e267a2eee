"""Measured numbers are recorded once, and the page follows."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture
def benchmarks(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    yield importlib.import_module("results"), importlib.import_module("report")
    for name in ("results", "report"):
        sys.modules.pop(name)


def test_the_page_of_results_is_up_to_date(benchmarks):
    _, report = benchmarks
    rows = report.read()
    assert report.PAGE.read_text("utf-8") == report.render(rows)
    assert [row["id"] for row in rows] == sorted({row["id"] for row in rows})
    assert all(row["command"] and row["machine"] and row["date"] for row in rows)


def test_results_are_recorded_once_by_id(benchmarks, tmp_path, monkeypatch):
    results, report = benchmarks
    monkeypatch.setattr(report, "DATA", tmp_path / "results.json")
    monkeypatch.setattr(report, "PAGE", tmp_path / "results.md")
    data = ROOT.parent / "elsewhere"
    script = ROOT / "benchmarks" / "report.py"
    monkeypatch.setattr(sys, "argv", [str(script), f"--with={script}", str(data)])
    results.record("speed/b", 1.23456789, "ratio", spread=(1, 2), n=7, bar=">= 1", note="a | b")
    results.record("speed/a", 2, "s", seeds=[1, 2, 3])
    results.record("speed/b", 3, "ratio")
    rows = json.loads((tmp_path / "results.json").read_text("utf-8"))
    assert [(row["id"], row["value"]) for row in rows] == [("speed/a", 2), ("speed/b", 3)]
    assert rows[0]["command"] == f"python benchmarks/report.py --with=benchmarks/report.py {data}"
    assert rows[0]["versions"]["numpy"]
    assert (tmp_path / "results.md").read_text("utf-8") == report.render(rows)
    assert {path.name for path in tmp_path.iterdir()} == {"results.json", "results.md"}
    with pytest.raises(ValueError, match="finite"):
        results.record("speed/c", float("nan"), "s")
