"""Does the exported graph say what torch says? Shared by the tests of everything that is exported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn

from trichord.learning.export.graph import evaluating, export_graph
from trichord.learning.stream import Stream
from trichord.prepare.preparation import InputSpec

Batch = dict[str, tuple[Tensor, Tensor]]


class EncoderAlone(nn.Module):
    """An encoder or a front end, `(values, lengths) -> Stream`, as a module of named streams.

    Feed it `{"x": spec}`; it gives `{"out": Stream}`.
    """

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.part = encoder

    def forward(self, inputs: Batch) -> dict[str, Stream]:
        return {"out": self.part(*inputs["x"])}


class FusionAlone(nn.Module):
    """A fusion, `{name: Stream} -> Stream`, fed from `array` inputs of the same names at these rates."""

    def __init__(self, fusion: nn.Module, specs: Mapping[str, InputSpec]) -> None:
        super().__init__()
        self.part, self.rates = fusion, {name: spec.rate for name, spec in specs.items()}

    def forward(self, inputs: Batch) -> dict[str, Stream]:
        return {"out": self.part({name: Stream(*inputs[name], rate) for name, rate in self.rates.items()})}


class HeadAlone(nn.Module):
    """A head, `Stream -> Stream`, fed from one `array` input `x` at `rate` Hz; it gives `out`."""

    def __init__(self, head: nn.Module, rate: float | None = 25.0) -> None:
        super().__init__()
        self.part, self.rate = head, rate

    def forward(self, inputs: Batch) -> dict[str, Stream]:
        return {"out": self.part(Stream(*inputs["x"], self.rate))}


def random_batch(
    specs: Mapping[str, InputSpec], lengths: Mapping[str, Sequence[int]], *, seed: int = 0
) -> Batch:
    """Return random inputs of these lengths; so are the values past each length."""
    generator = np.random.default_rng(seed)
    batch = {}
    for name, spec in specs.items():
        shape = (len(lengths[name]), max(lengths[name]), *spec.shape)
        if spec.kind == "tokens":
            values = generator.integers(0, max(spec.vocabulary, 1), shape)
        elif spec.kind == "frames":
            values = generator.integers(0, 256, shape)
        else:
            values = generator.normal(0, 0.1 if spec.kind == "samples" else 1.0, shape)
        batch[name] = torch.from_numpy(values.astype(spec.dtype)), torch.tensor(lengths[name])
    return batch


def open_graph(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def run_graph(session: onnxruntime.InferenceSession, batch: Batch) -> dict[str, np.ndarray]:
    """Return the graph's outputs by name for a batch of torch inputs."""
    feeds = {name: values.numpy() for name, (values, _) in batch.items()}
    feeds |= {f"{name}_lengths": lengths.numpy() for name, (_, lengths) in batch.items()}
    names = [entry.name for entry in session.get_outputs()]
    return dict(zip(names, session.run(names, feeds), strict=True))


def assert_same(graph: Mapping[str, np.ndarray], streams: Mapping[str, Stream], tolerance: float) -> float:
    """Check the graph's outputs against torch's on all valid positions; return the largest difference."""
    worst = 0.0
    for name, stream in streams.items():
        lengths = stream.lengths.numpy()
        np.testing.assert_array_equal(graph[f"{name}_lengths"], lengths, err_msg=f"lengths of {name}")
        assert graph[name].shape == tuple(stream.values.shape), f"{name}: {graph[name].shape}"
        for row, length in enumerate(lengths):
            got, expected = graph[name][row, :length], stream.values[row, :length].numpy()
            assert np.isfinite(got).all(), f"{name}: the graph gives NaN or infinity, length {length}"
            worst = max(worst, float(np.abs(got - expected).max(initial=0.0)))
    assert worst <= tolerance, f"graph and torch differ by {worst:.2g}, more than {tolerance:.2g}"
    return worst


def assert_no_traces(path: Path) -> None:
    """Check that a model file holds no path and no line of source."""
    content = path.read_bytes()
    root = str(Path(__file__).resolve().parents[1]).encode()
    for trace in (b"/site-packages", b".py", b"Traceback", b'File "', root, str(path.parent).encode()):
        assert trace not in content, f"{path.name} holds {trace!r}"


def assert_export_parity(
    module: nn.Module,
    inputs: Mapping[str, InputSpec],
    tmp_path: Path,
    lengths: Sequence[Mapping[str, Sequence[int]]],
    tolerance: float = 1e-3,
) -> float:
    """Export a module of named streams once, and compare torch with ONNX Runtime on every batch.

    `module` maps `{name: (values, lengths)}` to `{output: Stream}`; wrap a single part with `EncoderAlone`,
    `FusionAlone` or `HeadAlone`. `lengths` lists batches: for every input, one length for each item; a batch
    whose lengths are all 0 has time 0. Output values are compared below each output length. Returns the
    largest absolute difference.
    """
    path = tmp_path / "parity.onnx"
    export_graph(module, inputs, path)
    assert_no_traces(path)
    session = open_graph(path)
    worst = 0.0
    for seed, chosen in enumerate(lengths):
        batch = random_batch(inputs, chosen, seed=seed)
        with torch.no_grad(), evaluating(module):
            expected = module(batch)
        worst = max(worst, assert_same(run_graph(session, batch), expected, tolerance))
    return worst
