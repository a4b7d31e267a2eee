from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from test_cli import fails, succeeds, trichord

import trichord.cli.live as cli_live
from trichord import Audio, Clip, Event, Features, load
from trichord.cli.answer import shown
from trichord.cli.live import Screen, watch
from trichord.decoding import Decoded
from trichord.media import write_audio
from trichord.running.live import Live

sys.path.insert(0, str(Path(__file__).parent.parent / "running"))
from tiny_models import RATE, echo_model, metadata, save, verb_model


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("live")
    save(verb_model(), folder / "verb.onnx", json.dumps(metadata(("voice", "words"), ("verb",))))
    save(echo_model(), folder / "echo.onnx", json.dumps(metadata(("signal",), ("transcript",))))
    tone = np.concatenate([np.zeros(RATE // 5), np.sin(np.arange(RATE // 5))])
    write_audio(folder / "clip.wav", Audio(tone, RATE))
    return folder


def test_it_ends_with_what_run_prints(home: Path) -> None:
    given = ("run", "verb.onnx", "clip.wav", "--text", "stop")
    lines, at_once = succeeds(*given, "--live", "--every", 0.05, cwd=home), succeeds(*given, cwd=home)
    assert lines.endswith(at_once)
    changes = lines.removesuffix(at_once).splitlines()
    assert changes
    assert all("verb: " in line and " s " in line for line in changes)
    *rows, last = succeeds(*given, "--live", "--json", cwd=home).splitlines()
    assert all(json.loads(row)["values"]["verb"] for row in rows)
    assert json.loads(last) == json.loads(succeeds(*given, "--json", cwd=home))


def test_labelled_steps_are_shown_as_events() -> None:
    steps = [Event(f"e{number % 2}", number / 25, (number + 1) / 25) for number in range(10)]
    tagged = Decoded(tuple(event.what for event in steps), 0.9, 0.0, events=tuple(steps), rate=25.0)
    assert shown(tagged).startswith("e0 0-0.04, e1 0.04-0.08, ")
    assert shown(tagged).endswith("e1 0.28-0.32, and 2 more")
    assert shown(Decoded((), None, 0.0)) == ""
    assert shown(Decoded((0.5, 1.0), None, 0.0)) == "0.500, 1.000"
    assert shown(Decoded("go", None, 0.0)) == "go"


def test_mistakes(home: Path) -> None:
    assert "one clip" in fails("run", "verb.onnx", "clip.wav", "clip.wav", "--live", cwd=home)
    assert "no such stream" in fails("run", "verb.onnx", "clip.wav", "--live", "--without", "nose", cwd=home)
    assert "none.wav" in fails("run", "verb.onnx", "none.wav", "--live", cwd=home)


def test_a_stop_from_the_keyboard_keeps_the_answer_so_far(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stopped(Live):
        def play(self) -> Iterator[Any]:
            yield next(super().play())
            raise KeyboardInterrupt

    monkeypatch.setattr(cli_live, "Live", Stopped)
    done = trichord("run", "verb.onnx", "clip.wav", "--live", "--every", 0.05, cwd=home)
    assert done.code == 0
    assert "verb" in done.out
    assert "stopped" in done.err


def test_the_screen_dims_words_that_may_change(home: Path) -> None:
    now = [0.0]
    clip = Clip("s", {"sensor": Features(9 * np.eye(4, dtype=np.float32)[[2, 2, 0, 1, 3]], 25.0)})
    options = {"clock": lambda: now[0], "sleep": lambda seconds: now.__setitem__(0, now[0] + seconds)}
    screen = Screen(Live(load(home / "echo.onnx"), clip, every=0.04, shares_every=0.0, **options))
    shots = []
    for turn in screen.live.play():
        screen.turn = turn
        shots.append(drawn(screen))
    assert "\x1b[2ma" in shots[0]
    assert "\x1b[2ma" not in shots[-1]
    assert "a b" in shots[-1]
    assert "5 steps (0.2 s)" in shots[-1]
    assert "signal" in drawn(screen)
    assert "share +1.00" in drawn(screen)


def drawn(screen: Screen) -> str:
    console = Console(file=io.StringIO(), force_terminal=True, color_system="standard", width=100)
    console.print(screen.render())
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_on_a_terminal_it_shows_a_meter(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paper = io.StringIO()
    paper.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stdout", paper)
    clip = Clip("c", {"audio": Audio(0.5 * np.sin(np.arange(RATE // 5)), RATE), "text": "go"})
    watch(load(home / "verb.onnx"), clip, every=0.05)
    shown = paper.getvalue()
    assert "█" in shown
    assert "-9 dB" in shown
    assert "lag" in shown
    assert "share" in shown
