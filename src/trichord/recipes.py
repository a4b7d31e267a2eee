"""Recipe files: reading one safely, and listing those at hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from trichord.corpora import CORPORA
from trichord.corpora.corpus import About, together
from trichord.errors import RecipeError

MAX_RECIPE_BYTES = 1 << 20
PACKAGE = Path(__file__).parent


class PlainLoader(yaml.SafeLoader):
    """YAML without anchors, so that a small file cannot become a huge one."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise RecipeError("a recipe may not use YAML anchors and aliases")
        return super().compose_node(parent, index)


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping in a YAML file; raises RecipeError where there is none."""
    try:
        if path.stat().st_size > MAX_RECIPE_BYTES:
            raise RecipeError(f"{path}: larger than {MAX_RECIPE_BYTES} bytes, which no recipe is")
        values = yaml.load(path.read_text(encoding="utf-8"), PlainLoader)  # noqa: S506 - a SafeLoader
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: cannot be read as a recipe ({error})") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise RecipeError(f"{path}: not valid YAML: {' '.join(str(error).split())[:200]}") from None
    if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
        raise RecipeError(f"{path}: a recipe is a mapping of names to values")
    return values


def shipped(name: str) -> Path:
    """Return a folder or file that is shipped inside the wheel and lies at the root of a checkout."""
    inside = PACKAGE / name
    return inside if inside.exists() else PACKAGE.parents[1] / name


def list_recipes(folder: Path | None = None) -> list[dict[str, Any]]:
    """Describe every recipe in a folder, by default those shipped: corpus, licence, scores, shipped model."""
    results = read_results(shipped("docs/results.json"))
    return [describe(path, results) for path in sorted((folder or shipped("recipes")).glob("*.yaml"))]


def describe(path: Path, results: list[dict[str, Any]]) -> dict[str, Any]:
    values = read_yaml(path)
    about = together(found) if (found := learned_from(path)) else None
    rows = [row for row in results if row["id"].startswith(f"{path.stem}/")]
    best = [row for row in rows if row["id"].split("/")[1] in ("best", "adapted")]
    measured = [f"{row['id']} {row['value']:g}" for row in best or rows]  # a comparison has many more
    commercial = {True: "yes", False: "no", None: "unstated"}[about.commercial if about else None]
    return {
        "recipe": str(path),
        "about": values.get("about", ""),
        "corpus": corpus_of(values),
        "licence": about.licence if about else "unknown",
        "commercial": commercial,
        "measured": ", ".join(measured) or "not yet",
        "ships": (PACKAGE / "zoo" / f"{path.stem}.onnx").exists(),
    }


def corpus_of(values: dict[str, Any]) -> str:
    """Return the kind of a recipe's corpus."""
    corpus = values.get("corpus", "")
    return str(corpus.get("kind", "") if isinstance(corpus, dict) else corpus)


def learned_from(path: Path, above: tuple[Path, ...] = ()) -> list[About]:
    """Return the corpora of a recipe, and of the recipes beside it whose weights it starts from."""
    values = read_yaml(path)
    kind, training = corpus_of(values), values.get("training")
    found = [CORPORA[kind].about] if kind in CORPORA else []
    started = training.get("start_from", ()) if isinstance(training, dict) else ()
    for name in started if isinstance(started, list | tuple) else ():
        lender = path.with_name(f"{Path(str(name)).name}.yaml")
        if lender.is_file() and lender not in (path, *above):
            found += learned_from(lender, (path, *above))
    return found


def read_results(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    rows: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return rows
