"""The environments that peers are measured in, each of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from report import ROOT

PEERS = ROOT / "benchmarks" / "peers"


def environment(peer: str) -> Path:
    """Return the interpreter of the environment that holds the peer, made first where it is not there."""
    folder, wanted = ROOT / "build" / "peers" / peer, PEERS / f"{peer}.txt"
    python, made = folder / "bin" / "python", folder / wanted.name
    if not made.exists() or made.read_text("utf-8") != wanted.read_text("utf-8"):
        pip = [sys.executable, "-m", "pip", "--quiet", "--python", str(python)]
        subprocess.run([sys.executable, "-m", "venv", "--clear", "--without-pip", str(folder)], check=True)
        subprocess.run([*pip, "install", "--requirement", str(wanted)], check=True)
        made.write_text(wanted.read_text("utf-8"), "utf-8")  # last, so that half an environment is made anew
    return python
