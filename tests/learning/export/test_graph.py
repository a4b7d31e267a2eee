from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from parity import assert_export_parity, open_graph, random_batch, run_graph
from trichord.errors import RecipeError
from trichord.learning.export.clean import read_metadata
from trichord.learning.export.graph import export_graph
from trichord.learning.stream import Stream
from trichord.prepare.preparation import InputSpec

SPECS = {
    "voice": InputSpec("samples", 16_000.0),
    "lips": InputSpec("frames", 25.0, (4, 6)),
    "words": InputSpec("tokens", vocabulary=20),
}


class Senses(nn.Module):
    """Hop means of sound, mean pixels and embedded tokens, summed over time where present."""

    def __init__(self, head: str = "answer") -> None:
        super().__init__()
        self.head = head
        self.register_buffer("window", torch.hann_window(160, periodic=False))
        self.voice, self.lips, self.words = nn.Linear(1, 8), nn.Linear(24, 8), nn.Embedding(20, 8)
        self.dropout = nn.Dropout(0.5)

    def forward(self, inputs: dict[str, tuple[Tensor, Tensor]]) -> dict[str, Stream]:
        sound, lengths = inputs["voice"]
        sound = Stream(F.pad(sound, (0, 160))[..., None], lengths).cleared().values[..., 0]
        hops = F.conv1d(sound[:, None], self.window[None, None], stride=160).transpose(1, 2)
        voice = Stream(self.voice(hops), lengths // 160, 100.0)
        frames = Stream(self.lips(inputs["lips"][0].flatten(2) / 255), inputs["lips"][1])
        tokens = Stream(self.words(inputs["words"][0]), inputs["words"][1])
        rest = frames.cleared().values.sum(1) + tokens.cleared().values.sum(1)  # (batch, 8)
        fused = voice._replace(values=self.dropout(voice.values + rest[:, None]))
        return {self.head: fused, "again": fused, "heard": Stream(tokens.values, tokens.lengths)}


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> tuple[Senses, Path]:
    module = Senses().train()
    module.lips.eval()
    path = tmp_path_factory.mktemp("graph") / "model.onnx"
    export_graph(module, SPECS, path, metadata='{"name": "häns"}')
    return module, path


def test_torch_and_graph_agree_on_any_shape(tmp_path):
    lengths = [
        {"voice": [1600, 0], "lips": [3, 5], "words": [0, 4]},
        {"voice": [0], "lips": [0], "words": [0]},
        {"voice": [399], "lips": [1], "words": [0]},
        {"voice": [0, 0, 16000], "lips": [2, 0, 75], "words": [1, 2, 0]},
    ]
    assert assert_export_parity(Senses(), SPECS, tmp_path, lengths) < 1e-4


def test_names_shapes_and_metadata(exported):
    path = exported[1]
    model = onnx.load(path)
    assert [entry.name for entry in model.graph.input] == [
        "voice", "voice_lengths", "lips", "lips_lengths", "words", "words_lengths"]  # fmt: skip
    assert [entry.name for entry in model.graph.output] == [
        "answer", "answer_lengths", "again", "again_lengths", "heard", "heard_lengths"]  # fmt: skip
    dims = [dim.dim_param or dim.dim_value for dim in model.graph.input[2].type.tensor_type.shape.dim]
    assert dims == ["batch", "lips_frames", 4, 6]
    assert read_metadata(model) == '{"name": "häns"}'
    assert {entry.name for entry in path.parent.iterdir()} == {"model.onnx"}


def test_each_part_keeps_its_mode(exported):
    module = exported[0]
    assert module.training and module.dropout.training and not module.lips.training


def test_same_module_gives_the_same_bytes(exported, tmp_path):
    module, path = exported
    export_graph(module, SPECS, tmp_path / "again.onnx", metadata='{"name": "häns"}')
    assert (tmp_path / "again.onnx").read_bytes() == path.read_bytes()


def test_a_head_named_like_a_stream_is_refused(tmp_path):
    with pytest.raises(RecipeError, match="'words' names both a stream and a head"):
        export_graph(Senses(head="words"), SPECS, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_parity_notices_a_graph_that_differs(tmp_path):
    class Differs(nn.Module):
        def forward(self, inputs: dict[str, tuple[Tensor, Tensor]]) -> dict[str, Stream]:
            values, lengths = inputs["x"]
            noise = 0.0 if torch.onnx.is_in_onnx_export() else 1.0
            return {"out": Stream(values + noise, lengths)}

    with pytest.raises(AssertionError, match="graph and torch differ by 1"):
        assert_export_parity(Differs(), {"x": InputSpec("array", 25.0, (3,))}, tmp_path, [{"x": [4, 2]}])


def test_an_item_alone_equals_the_item_in_a_batch(exported):
    session = open_graph(exported[1])
    batch = random_batch(SPECS, {"voice": [3200, 800], "lips": [4, 2], "words": [3, 0]})
    alone = {name: (values[1:, : int(lengths[1])], lengths[1:]) for name, (values, lengths) in batch.items()}
    whole, single = run_graph(session, batch), run_graph(session, alone)
    np.testing.assert_allclose(whole["answer"][1, :5], single["answer"][0, :5], atol=1e-5)
