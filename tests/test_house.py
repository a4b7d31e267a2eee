"""The rules of the house, which CONTRIBUTING.md states, hold."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "trichord"
SOURCES = sorted(PACKAGE.rglob("*.py"))

BASE = {
    "artifact", "clip", "corpora", "decoding", "errors", "features", "files", "kinds", "media", "metrics",
    "prepare", "progress", "recipes",
}  # fmt: skip
TOWERS = {"learning", "running"}
WITHOUT_TORCH = BASE | {"running", ""}
TORCH = {"torch", "torchmetrics", "lightning", "lightning_fabric", "transformers"}
NEVER = {"torchaudio", "torchvision", "torchcodec", "pickle", "cPickle", "dill", "marshal", "shelve"}
FAMILIES = {
    "trichord.corpora": "CORPORA",
    "trichord.learning.encoders": "ENCODERS",
    "trichord.learning.encoders.front_ends": "FRONT_ENDS",
    "trichord.learning.fusion": "FUSIONS",
    "trichord.learning.heads": "HEADS",
    "trichord.learning.objectives": "OBJECTIVES",
    "trichord.prepare": "PREPARATIONS",
}


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def unit(module: str) -> str:
    """`trichord.media.sound` -> `media`; the package itself, which only names what others hold, is ``."""
    return module.partition(".")[2].partition(".")[0]


def imported(path: Path) -> Iterator[str]:
    """Every module that a file imports, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == "trichord":
            yield from (f"trichord.{alias.name}" for alias in node.names if alias.name != "__version__")
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: import by full name"
            yield node.module or ""


def units(path: Path) -> set[str]:
    """The parts of the package that a file imports."""
    return {unit(name) for name in imported(path) if name.partition(".")[0] == "trichord"}


def may_import(importer: str, wanted: str) -> bool:
    if wanted in {importer, ""}:
        return True
    if importer in BASE:
        return wanted in BASE
    if importer in TOWERS:
        return wanted in BASE
    return importer != "" or wanted in BASE | {"running"}


def defined_families() -> list[tuple[str, str, type]]:
    return [
        (family, kind, cls)
        for module, family in FAMILIES.items()
        for kind, cls in getattr(importlib.import_module(module), family).items()
    ]


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_imports_go_down_only(path):
    importer = unit(module_name(path))
    assert not {other for other in units(path) if not may_import(importer, other)}


def test_the_base_has_no_circles():
    below: dict[str, set[str]] = {name: set() for name in BASE}
    for path in SOURCES:
        if (importer := unit(module_name(path))) in BASE:
            below[importer] |= units(path) & BASE - {importer}
    while free := {name for name, needs in below.items() if not needs}:
        below = {name: needs - free for name, needs in below.items() if name not in free}
    assert not below


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_nothing_forbidden_is_imported_or_called(path):
    modules = {name.partition(".")[0] for name in imported(path)}
    assert not modules & NEVER
    if unit(module_name(path)) in WITHOUT_TORCH:
        assert not modules & TORCH
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call):
            assert not (isinstance(node.func, ast.Name) and node.func.id in {"eval", "exec", "compile"})
            assert not any(keyword.arg == "shell" for keyword in node.keywords)
            allowed = next((keyword for keyword in node.keywords if keyword.arg == "allow_pickle"), None)
            assert allowed is None or (
                isinstance(allowed.value, ast.Constant) and allowed.value.value is False
            )


def test_base_and_runtime_load_without_torch():
    modules = [module_name(path) for path in SOURCES if unit(module_name(path)) in WITHOUT_TORCH]
    program = (
        f"import importlib, sys\nfor name in {modules!r}: importlib.import_module(name)\n"
        f"print(sorted({TORCH!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_trichord_is_quick_to_import():
    program = (
        "import sys, trichord; print(len({'numpy', 'av', 'onnxruntime', 'pydantic'} & set(sys.modules)))"
    )
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0"
    assert time.perf_counter() - start < 5  # a fraction of it on an idle machine


def test_the_public_names_are_sorted_and_exist():
    trichord = importlib.import_module("trichord")
    assert list(trichord.__all__) == sorted(trichord.__all__)
    assert all(hasattr(trichord, name) for name in trichord.__all__)
    ours = {
        name
        for name, value in vars(trichord).items()
        if not name.startswith("_") and str(getattr(value, "__module__", "")).startswith("trichord")
    }
    assert ours <= set(trichord.__all__)


def test_kinds_are_named_and_described():
    for family, kind, cls in defined_families():
        assert re.fullmatch(r"[a-z][a-z0-9_]*", kind), f"{family}: {kind}"
        assert cls.__doc__, f"{family}: {kind} has no docstring"
        assert cls.__doc__ != getattr(cls.__base__, "__doc__", None)


def test_constructors_store_their_arguments():
    for family, kind, cls in defined_families():
        if not cls.__init__.__module__.startswith("trichord"):
            continue  # it takes no arguments of its own
        parameters = inspect.signature(cls).parameters.values()
        for parameter in parameters:
            assert parameter.kind is not parameter.VAR_KEYWORD, f"{family}: {kind} hands **kwargs through"
            assert parameter.annotation is not parameter.empty, f"{family}: {kind}.{parameter.name}"
        missing = {parameter.name for parameter in parameters} - stored_arguments(cls)
        assert not missing, f"{family}: {kind} does not store {missing}"


def stored_arguments(cls: type) -> set[str]:
    """Names that some constructor of the class stores as `self.name = name`."""
    stored = set(getattr(cls, "__dataclass_fields__", ()))
    for base in cls.__mro__:
        constructor = vars(base).get("__init__")
        if not inspect.isfunction(constructor) or not base.__module__.startswith("trichord"):
            continue
        for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(constructor)))):
            if isinstance(node, ast.Assign | ast.AnnAssign):
                stored |= assigned(node)
    return stored


def assigned(node: ast.Assign | ast.AnnAssign) -> set[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    parts = [
        part for target in targets for part in (target.elts if isinstance(target, ast.Tuple) else [target])
    ]
    return {
        part.attr
        for part in parts
        if isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name) and part.value.id == "self"
    }
