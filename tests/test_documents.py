"""What the pages say can be done, can be done."""

from __future__ import annotations

import importlib
import re
import shlex
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "src").rglob("*.py"))
DOCUMENTED = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])


def console_lines(text: str) -> list[list[str]]:
    """The words of each command after `$ ` in fenced `console` blocks; pipelines and chains taken apart."""
    commands = []
    for block in re.findall(r"^```console\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            if line.startswith("$ "):
                commands += split_at_operators(line[2:])
    return commands


def split_at_operators(line: str) -> list[list[str]]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;")
    lexer.whitespace_split = True
    commands: list[list[str]] = [[]]
    for word in lexer:
        if set(word) <= set("|&;"):
            commands.append([])
        else:
            commands[-1].append(word)
    return [command for command in commands if command]


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


def check_command(words: list[str]) -> None:
    """Follow a command line through the Typer application: every sub-command and option must exist."""
    import typer

    application = importlib.import_module("trichord.cli.app").app
    command = typer.main.get_command(application)
    options = {"--help"}
    for word in words[1:]:
        if word.startswith("--") or re.fullmatch(r"-[a-zA-Z]", word):
            assert word.partition("=")[0] in options, f"{shlex.join(words)}: no option {word}"
        elif commands := getattr(command, "commands", None):
            assert word in commands, f"{shlex.join(words)}: no command {word}"
            command = commands[word]
            options |= {name for option in command.params for name in (*option.opts, *option.secondary_opts)}


@pytest.mark.parametrize("page", DOCUMENTED, ids=lambda page: page.name)
def test_documented_commands_exist(page):
    for words in console_lines(page.read_text("utf-8")):
        if words[0] == "trichord":
            check_command(words)
        if words[0] == "make":
            targets = {word for word in words[1:] if "=" not in word and not word.startswith("-")}
            assert targets <= make_targets(), shlex.join(words)
        for word in words:
            if word.startswith(("recipes/", "examples/", "benchmarks/", "docs/")) and "NAME" not in word:
                assert (ROOT / word).exists(), f"{shlex.join(words)}: there is no {word}"


def test_console_blocks_are_taken_apart():
    lines = [
        "$ make demo  # sets up",
        "$ trichord run a.onnx b.mp4 \\",
        "    --json | head && make test",
        "out",
    ]
    text = "\n".join(["```console", *lines, "```", ""])
    assert console_lines(text) == [
        ["make", "demo"],
        ["trichord", "run", "a.onnx", "b.mp4", "--json"],
        ["head"],
        ["make", "test"],
    ]


def test_make_lists_every_target():
    listed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert all(f"make {target} " in listed for target in make_targets())


def test_old_pythons_are_told(tmp_path):
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    done = subprocess.run(
        ["make", "setup", "PYTHON=false"], cwd=tmp_path, capture_output=True, text=True, check=False
    )  # fmt: skip
    assert done.returncode
    assert "needs Python 3.11 or later" in done.stderr
    assert not (tmp_path / ".venv").exists()


def test_constraints_pin_every_dependency():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    lists = [project["dependencies"], *project["optional-dependencies"].values()]
    wanted = {re.match(r"[\w-]+", line)[0].lower().replace("_", "-") for lines in lists for line in lines}
    pins = re.findall(r"^([\w.-]+)==\S+$", (ROOT / "constraints.txt").read_text("utf-8"), re.MULTILINE)
    assert wanted - {"trichord"} <= {pin.lower().replace("_", "-") for pin in pins}


def test_every_system_has_its_row():
    page = (ROOT / "docs" / "systems.md").read_text("utf-8")
    ids = re.findall(r"^\| ([A-Z]\d+) \|", page, re.MULTILINE)
    counts = {"H": 9, "R": 6, "V": 7, "F": 10, "L": 13, "T": 11, "U": 11, "D": 2}
    assert ids == [f"{letter}{number}" for letter, n in counts.items() for number in range(1, n + 1)]
    assert all(
        line.count("|") == 4 and line.split("|")[3].strip() for line in page.splitlines() if line[:2] == "| "
    )


def test_what_proves_a_system_exists():
    page = (ROOT / "docs" / "systems.md").read_text("utf-8")
    for path in set(re.findall(r"`([a-z_/]+(?:/|\.py|\.yaml))`", page)):
        assert (ROOT / path).exists() or (ROOT / "src" / "trichord" / path).exists(), path


def test_the_text_speaks_of_the_project_alone():
    pages = [*SOURCES, *DOCUMENTED, ROOT / "Makefile", ROOT / "CHANGELOG.md"]
    assert not [page for page in pages if re.search(r"/work/|/tmp/|/root/", page.read_text("utf-8"))]
