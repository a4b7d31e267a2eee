"""The examples of CONTRIBUTING.md are complete: each part is taken from the page, built and run."""

from __future__ import annotations

import importlib
import re
import types
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from parity import assert_export_parity
from trichord.clip import Audio
from trichord.kinds import Kinds
from trichord.learning.batch import collate
from trichord.learning.model import Model
from trichord.learning.objectives import OBJECTIVES, Surroundings
from trichord.learning.recipe import load_recipe
from trichord.learning.stream import Shape, Stream
from trichord.learning.training import load_data
from trichord.media import write_audio
from trichord.prepare.preparation import InputSpec

PAGE = (Path(__file__).parent.parent / "CONTRIBUTING.md").read_text("utf-8")
CODE = {
    path: code
    for code in re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    for path in re.findall(r"\A# src/(trichord/\S+)\.py\n", code)
}
DIFFS = re.findall(
    r"^```diff\n # src/(\S+)/__init__\.py\n ([A-Z_]+):.*?\n\+    \"(\w+)\": (\w+),\n```", PAGE, re.MULTILINE
)
RECIPE = {
    "dim": 8,
    "streams": {
        name: {
            "from": "audio",
            "encoder": {"kind": "average", "reach": 1, "front_end": {"kind": "logmel", "bands": bands}},
        }
        for name, bands in (("voice", 8), ("room", 12))
    },
    "fusion": "maximum",
    "heads": {"sound": "presence"},
    "objectives": [{"kind": "quieter", "stream": "voice", "gain_db": [-6, -6], "probability": 1}],
}


@pytest.fixture
def added(monkeypatch):
    """Every part of the page, in its family's dict."""
    defined = {}
    for path, code in CODE.items():
        module = types.ModuleType(path.replace("/", "."))
        exec(compile(code, path, "exec"), module.__dict__)
        defined |= vars(module)
    for package, family, kind, name in DIFFS:
        kinds = getattr(importlib.import_module(package.replace("/", ".")), family)
        assert kind not in kinds, f"{kind} exists by now; CONTRIBUTING.md needs another example"
        monkeypatch.setitem(kinds, kind, defined[name])
    return {kind: defined[name] for _, _, kind, name in DIFFS}


@pytest.fixture
def corpus(tmp_path):
    """A look-alike of UrbanSound8K: two classes, five of the folds."""
    rng = np.random.default_rng(0)
    for sound in (0, 1):
        for fold in (1, 2, 3, 9, 10):
            samples = 0.1 * rng.standard_normal(8_000, np.float32)
            path = tmp_path / "audio" / f"fold{fold}" / f"{fold}000-{sound}-0-0.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_audio(path, Audio(samples, 16_000))
    return tmp_path


def test_every_family_has_an_example():
    assert {family for _, family, _, _ in DIFFS} == {"CORPORA", "ENCODERS", "FUSIONS", "HEADS", "OBJECTIVES"}
    assert len(DIFFS) == len(CODE)


def test_examples_keep_the_house_rules(added):
    for package, family, kind, _ in DIFFS:
        kinds = Kinds(getattr(importlib.import_module(package.replace("/", ".")), family))
        arguments = {"quieter": {"stream": "voice"}}.get(kind, {})
        part = kinds.make({"kind": kind, **arguments})
        assert kinds.describe(kinds.make(kinds.describe(part))) == kinds.describe(part)
        assert type(part).__doc__
    assert all(len(line) <= 110 for code in CODE.values() for line in code.splitlines())


def test_examples_become_a_system(added, corpus):
    recipe = load_recipe({**RECIPE, "corpus": {"kind": "urban_sound", "folder": str(corpus)}})
    data = load_data(recipe, cache=None)
    assert [len(recipe.corpus.clips(split)) for split in ("train", "valid", "test")] == [6, 2, 2]
    assert {item.targets["sound"] for item in data.train} == {"air conditioner", "car horn"}

    torch.manual_seed(0)
    model = Model(recipe, data.specs)
    batch = collate(data.train, data.specs)
    logits = model(batch.inputs).logits["sound"]
    assert logits.values.shape == (6, 1, 2)
    assert torch.isfinite(logits.values).all()
    model.heads["sound"].loss(logits, ["yes", None, "no", "yes", "no", None]).backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in model.parameters())


def test_the_example_objective_changes_a_copy(added, corpus):
    recipe = load_recipe({**RECIPE, "corpus": {"kind": "urban_sound", "folder": str(corpus)}})
    data = load_data(recipe, cache=None)
    (objective,) = recipe.objectives
    assert type(objective) is OBJECTIVES["quieter"]
    objective.build(Surroundings(data.specs, lambda n, rng: data.train[:n], recipe.dim))
    old = data.train[0]
    (new,) = objective.change([old], np.random.default_rng(0))
    np.testing.assert_allclose(new.inputs["voice"], old.inputs["voice"] * 10 ** (-6 / 20), rtol=1e-5)
    assert new.inputs["room"] is old.inputs["room"]


def test_the_example_fusion_ignores_what_is_absent(added):
    torch.manual_seed(0)
    fusion = added["maximum"]()
    fusion.build({"a": Shape(4, 25.0), "b": Shape(4, 25.0)}, 4)
    a = Stream(torch.randn(2, 5, 4), torch.tensor([5, 0]), 25.0)
    b = Stream(torch.randn(2, 3, 4), torch.tensor([0, 3]), 25.0)
    both = fusion({"a": a, "b": b})
    alone = fusion({"a": a, "b": b._replace(values=b.values[:, :0], lengths=b.lengths * 0)})
    assert both.lengths.tolist() == [5, 3]
    torch.testing.assert_close(both.values[0], alone.values[0])
    assert torch.isfinite(both.values).all()


class Together(nn.Module):
    """The example's encoder for `a` and `b`, its fusion and its head."""

    def __init__(self, encoders, fusion, head):
        super().__init__()
        self.encoders, self.fusion, self.head = nn.ModuleDict(encoders), fusion, head

    def forward(self, inputs):
        streams = {name: encoder(*inputs[name]) for name, encoder in self.encoders.items()}
        return {"sound": self.head(self.fusion(streams))}


def test_examples_export(added, tmp_path):
    torch.manual_seed(0)
    spec = InputSpec("array", 25.0, (4,))
    encoders = {name: added["average"]() for name in ("a", "b")}
    for encoder in encoders.values():
        encoder.build(spec, dim=4, clock=25.0)
    fusion, head = added["maximum"](), added["presence"]()
    fusion.build({"a": Shape(4, 25.0), "b": Shape(4, 25.0)}, 4)
    head.build(4)
    lengths = [{"a": [0, 6, 1], "b": [3, 0, 7]}, {"a": [0, 0], "b": [0, 0]}, {"a": [0], "b": [4]}]
    assert_export_parity(Together(encoders, fusion, head), {"a": spec, "b": spec}, tmp_path, lengths)
