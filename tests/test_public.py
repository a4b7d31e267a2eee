from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import trichord

ROOT = Path(__file__).parents[1]


def test_all_is_sorted_and_there() -> None:
    assert trichord.__all__ == sorted(trichord.__all__)
    for name in trichord.__all__:
        assert getattr(trichord, name) is not None
        assert name in dir(trichord)


def test_nothing_else_is_public() -> None:
    names = {name for name in vars(trichord) if not name.startswith("_")}
    modules = {name for name in names if isinstance(getattr(trichord, name), type(sys))}
    python_itself = {"annotations", "import_module", "TYPE_CHECKING", "Any"}
    assert names - modules - python_itself <= set(trichord.__all__)


def test_unknown_name() -> None:
    with pytest.raises(AttributeError, match="no attribute 'lod'"):
        _ = trichord.lod


def test_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert trichord.__version__ == project["version"]


def modules_after(code: str) -> set[str]:
    """Return the modules that a fresh interpreter holds after `code`."""
    program = f"{code}\nimport sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_import_is_light() -> None:
    assert not modules_after("import trichord") & {"torch", "onnxruntime", "numpy", "pydantic", "av"}


@pytest.mark.parametrize(
    "code",
    [
        "import trichord; [getattr(trichord, name) for name in trichord.__all__]",
        "import trichord.running.evaluate, trichord.running.explain.picture",
    ],
)
def test_the_runtime_needs_no_torch(code: str) -> None:
    assert not modules_after(code) & {"torch", "onnx", "sklearn", "scipy", "matplotlib", "cv2"}
