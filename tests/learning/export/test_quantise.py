from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from parity import assert_no_traces, open_graph, random_batch, run_graph
from trichord.errors import ArtifactError
from trichord.learning.export import export_graph, quantise
from trichord.learning.export.clean import FIXED, read_metadata
from trichord.learning.stream import Stream
from trichord.prepare.preparation import InputSpec

SPECS = {"voice": InputSpec("samples", 16_000.0), "words": InputSpec("tokens", vocabulary=300)}


class Taper(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("taper", torch.hann_window(400))


class Listener(nn.Module):
    """A fixed front end, then one layer of every sort that quantisation treats in its own way."""

    def __init__(self, dim: int = 128) -> None:
        super().__init__()
        self.register_buffer("bins", torch.arange(64))
        self.register_buffer("bands", torch.rand(40, 64), persistent=False)
        self.linear, self.conv = nn.Linear(40, dim), nn.Conv1d(dim, dim, 3, padding=1)
        self.gru, self.out = nn.GRU(dim, dim, batch_first=True), nn.Linear(dim, 20)
        self.embedding = nn.Embedding(300, dim)
        self.chosen = self.front = Taper()  # one part under two names, as in encoders

    def forward(self, inputs: dict[str, tuple[Tensor, Tensor]]) -> dict[str, Stream]:
        samples, lengths = inputs["voice"]
        spectrum = F.conv1d(F.pad(samples, (0, 400))[:, None], self.basis(), stride=160)
        bands = (self.bands @ spectrum.square()).clamp(min=1e-6).log().transpose(1, 2)
        lengths = lengths // 160
        tokens, count = inputs["words"]
        said = Stream(self.embedding(F.pad(tokens, (0, 1))), count).cleared().values.sum(1)  # (batch, dim)
        hidden = self.conv(self.linear(bands).relu().transpose(1, 2)).transpose(1, 2) + said[:, None]
        return {"answer": Stream(self.out(self.recur(hidden, lengths)), lengths)}

    def basis(self) -> Tensor:
        turns = self.bins[:, None] * torch.arange(400) % 400
        return (torch.cos(turns * (2 * torch.pi / 400)) * self.front.taper)[:, None]

    def recur(self, hidden: Tensor, lengths: Tensor) -> Tensor:
        if not torch.onnx.is_in_onnx_export():
            return self.gru(hidden)[0]
        r, z, n = self.gru.weight_ih_l0.chunk(3)
        ri, zi, ni = self.gru.weight_hh_l0.chunk(3)
        br, bz, bn = self.gru.bias_ih_l0.chunk(3)
        bri, bzi, bni = self.gru.bias_hh_l0.chunk(3)
        outputs, _ = torch.onnx.ops.symbolic_multi_out(
            "GRU",
            (
                hidden.transpose(0, 1),
                torch.cat([z, r, n])[None],
                torch.cat([zi, ri, ni])[None],
                torch.cat([bz, br, bn, bzi, bri, bni])[None],
                lengths.clamp(min=1).int(),
            ),
            {"hidden_size": self.gru.hidden_size, "linear_before_reset": 1},
            dtypes=(torch.float32, torch.float32),
            shapes=((hidden.shape[1], 1, *hidden.shape[::2]), (1, *hidden.shape[::2])),
        )
        return outputs[:, 0].transpose(0, 1)


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> tuple[Path, Path]:
    torch.manual_seed(7)
    folder = tmp_path_factory.mktemp("quantise")
    whole, small = folder / "whole.onnx", folder / "small.onnx"
    export_graph(Listener(), SPECS, whole, metadata='{"name": "listener"}')
    quantise(whole, small)
    return whole, small


@pytest.mark.parametrize(
    "voice, words", [([16_000, 8_000], [5, 0]), ([0], [0]), ([0, 0], [3, 1]), ([900], [0])]
)
def test_answers_stay_close_at_any_length(files, voice, words):
    batch = random_batch(SPECS, {"voice": voice, "words": words})
    exact, small = (run_graph(open_graph(path), batch) for path in files)
    np.testing.assert_array_equal(exact["answer_lengths"], small["answer_lengths"])
    for row, length in enumerate(exact["answer_lengths"]):
        expected, got = exact["answer"][row, :length], small["answer"][row, :length]
        assert np.isfinite(got).all()
        assert np.abs(got - expected).max(initial=0) <= 0.05 * np.abs(exact["answer"]).max(initial=0)


def test_file_is_a_third_and_keeps_its_metadata(files, tmp_path):
    whole, small = files
    report = quantise(whole, tmp_path / "again.onnx")
    assert report.before == whole.stat().st_size and report.after == small.stat().st_size
    assert report.ratio < 0.35
    assert read_metadata(onnx.load(small)) == '{"name": "listener"}'
    assert (tmp_path / "again.onnx").read_bytes() == small.read_bytes()
    assert [entry.name for entry in tmp_path.iterdir()] == ["again.onnx"]
    assert_no_traces(small)


def test_what_was_not_learned_stays_float(files):
    for path in files:
        fixed = {weight.name: tuple(weight.dims) for weight in onnx.load(path).graph.initializer
                 if weight.name.startswith(FIXED)}  # fmt: skip
        assert fixed == {f"{FIXED}module.bands": (40, 64), f"{FIXED}module.bins": (64,),
                         f"{FIXED}module.front.taper": (400,)}  # fmt: skip


def test_a_table_computed_from_buffers_is_not_stored(files):
    sizes = [np.prod(weight.dims) for weight in onnx.load(files[0]).graph.initializer]
    assert 64 * 400 not in sizes


def test_every_large_learned_weight_is_int8(files):
    floats = {onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16}
    left = [weight.name for weight in onnx.load(files[1]).graph.initializer
            if weight.data_type in floats and np.prod(weight.dims) > 1_000]  # fmt: skip
    assert all(name.startswith(FIXED) for name in left)


def test_logging_is_left_as_it_was(files, tmp_path, caplog):
    level = logging.getLogger().level
    quantise(files[0], tmp_path / "small.onnx")
    assert logging.getLogger().level == level and not caplog.records


def test_what_is_no_model_is_refused(tmp_path):
    (tmp_path / "noise.onnx").write_bytes(b"not a model")
    (tmp_path / "empty.onnx").touch()
    for name in ("noise.onnx", "empty.onnx", "absent.onnx"):
        with pytest.raises(ArtifactError, match=f"{name}: cannot be read"):
            quantise(tmp_path / name, tmp_path / "small.onnx")
