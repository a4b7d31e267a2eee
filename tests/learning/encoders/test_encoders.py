"""What every encoder must do, whatever it reads: one suite over all of them."""

import re
from pathlib import Path

import pytest
import torch
from torch import Tensor

import trichord
from parity import EncoderAlone, assert_export_parity
from trichord.errors import RecipeError
from trichord.kinds import Kinds
from trichord.learning.encoders import ENCODERS
from trichord.learning.encoders.encoder import Encoder
from trichord.learning.encoders.front_ends import FRONT_ENDS
from trichord.prepare.preparation import InputSpec

SPECS = {
    "samples": InputSpec("samples", 8000.0),
    "grey": InputSpec("frames", 25.0, (12, 16)),
    "colour": InputSpec("frames", 25.0, (9, 10, 3)),
    "tokens": InputSpec("tokens", vocabulary=7),
    "array": InputSpec("array", 50.0, (5,)),
}
STEPS = {"samples": 900, "grey": 5, "colour": 4, "tokens": 6, "array": 9}
LIGHT = {
    "cnn": {"layers": 2, "kernel": 3},
    "conformer": {"layers": 1, "heads": 2, "kernel": 3, "expansion": 2},
    "features": {},
    "lip_cnn": {"layers": 1, "front_end": {"kind": "lip_stem", "channels": [4, 4]}},
    "mlp": {"hidden": [6]},
    "pretrained": {"checkpoint": "somewhere"},
    "rnn": {"layers": 2},
    "spectral_cnn": {"channels": [4, 6, 4]},
    "transformer": {"layers": 1, "heads": 2, "expansion": 2},
}
FRONTS = {
    "samples": {"kind": "logmel", "bands": 6, "window_ms": 8, "hop_ms": 5},
    "grey": {"kind": "lip_stem", "channels": [4, 6]},
    "colour": {"kind": "image_cnn", "channels": [4, 6]},
    "tokens": {"kind": "embedding", "width": 8},
    "array": {"kind": "array"},
}
OURS = [kind for kind in ENCODERS if kind != "pretrained"]  # which has tests of its own
CASES = [(kind, "array") for kind in OURS if kind != "lip_cnn"]
CASES += [(kind, source) for kind in ("features", "transformer") for source in FRONTS if source != "array"]
CASES += [("lip_cnn", "grey"), ("lip_cnn", "colour"), ("spectral_cnn", "samples")]
every = pytest.mark.parametrize(("kind", "source"), CASES)


def encoder(kind: str, source: str) -> Encoder:
    torch.manual_seed(0)
    recipe = {"kind": kind} | ({"front_end": FRONTS[source]}) | LIGHT[kind]
    recipe |= {} if kind == "features" else {"dropout": 0.0}
    part = Kinds(ENCODERS).make(recipe)
    part.build(SPECS[source], dim=8, clock=25.0)
    return part.eval()


def values_of(source: str, batch: int, time: int, seed: int = 0) -> Tensor:
    spec = SPECS[source]
    generator = torch.Generator().manual_seed(seed)
    if spec.kind == "tokens":
        return torch.randint(0, spec.vocabulary, (batch, time), generator=generator)
    if spec.kind == "frames":
        return torch.randint(0, 256, (batch, time, *spec.shape), generator=generator, dtype=torch.uint8)
    return torch.randn((batch, time, *spec.shape), generator=generator)


@every
def test_gives_one_width_and_the_clock_for_every_length(kind, source):
    part, time = encoder(kind, source), STEPS[source]
    stream = part(values_of(source, 3, time), torch.tensor([time, 1, 0]))
    assert stream.values.shape == (3, int(stream.lengths.max()), 8)
    assert stream.lengths[0] >= stream.lengths[1] == 1
    assert stream.lengths[2] == 0
    assert stream.rate == (None if source == "tokens" else 25.0)
    assert stream.values.isfinite().all()


@every
def test_time_zero_is_an_absent_stream(kind, source):
    stream = encoder(kind, source)(values_of(source, 2, 0), torch.zeros(2, dtype=torch.int64))
    assert stream.lengths.tolist() == [0, 0]
    assert stream.values.isfinite().all()


@every
@pytest.mark.parametrize("training", [False, True])
def test_an_item_alone_equals_the_item_in_a_batch(kind, source, training):
    part, time = encoder(kind, source).train(training), STEPS[source]
    values, lengths = values_of(source, 4, time), torch.tensor([time, time // 2 + 1, 1, 0])
    together = part(values, lengths)
    for row, length in enumerate(lengths.tolist()):
        alone = part(values[row : row + 1, :length], lengths[row : row + 1])
        steps = int(alone.lengths[0])
        assert steps == together.lengths[row]
        torch.testing.assert_close(
            together.values[row, :steps], alone.values[0, :steps], atol=1e-5, rtol=1e-5
        )


@every
def test_what_lies_past_a_length_is_never_seen(kind, source):
    part, time = encoder(kind, source), STEPS[source]
    lengths = torch.tensor([time - 2, 0])
    clean = values_of(source, 2, time)
    dirty = clean.clone()
    for row, length in enumerate(lengths.tolist()):
        dirty[row, length:] = float("nan") if dirty.is_floating_point() else 255
    streams = part(clean, lengths), part(dirty, lengths)
    torch.testing.assert_close(streams[0].values, streams[1].values, atol=0, rtol=0)
    streams[1].cleared().values.sum().backward()
    gradients = [parameter.grad for parameter in part.parameters() if parameter.grad is not None]
    assert gradients
    assert all(gradient.isfinite().all() for gradient in gradients)


@every
def test_the_gradient_reaches_every_parameter(kind, source):
    part, time = encoder(kind, source).train(), STEPS[source]
    stream = part(values_of(source, 3, time), torch.tensor([time, time - 1, 1]))
    weights = torch.randn(stream.values.shape, generator=torch.Generator().manual_seed(1))
    (stream.cleared().values * weights).sum().backward()
    unmoved = [name for name, p in part.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    # A softmax doesn't change when every key moves alike, so its bias has a gradient only by rounding.
    assert [name for name in unmoved if not name.endswith("key.bias")] == []


@pytest.mark.parametrize("kind", OURS)
def test_the_exported_graph_says_the_same(kind, tmp_path):
    source = "grey" if kind == "lip_cnn" else "array"
    lengths = [[9, 4, 0], [1], [0], [0, 0], [2, 3]]
    part = EncoderAlone(encoder(kind, source))
    assert_export_parity(part, {"x": SPECS[source]}, tmp_path, [{"x": row} for row in lengths], 1e-4)


@pytest.mark.parametrize("kind", ENCODERS)
def test_is_written_back_as_it_was_read(kind):
    kinds = Kinds(ENCODERS)
    written = kinds.describe(kinds.make({"kind": kind, **LIGHT[kind]}))
    assert kinds.describe(kinds.make(written)) == written
    assert written["kind"] == kind


@every
def test_no_weight_is_registered_twice(kind, source):
    weights = [tensor.data_ptr() for tensor in encoder(kind, source).state_dict().values()]
    assert len(weights) == len(set(weights))


@pytest.mark.parametrize("kind", OURS)
def test_builds_by_default_for_what_it_reads(kind):
    for source in SPECS:
        part = ENCODERS[kind]()
        if kind == "lip_cnn" and SPECS[source].kind != "frames":
            with pytest.raises(RecipeError, match="LipStem reads frames"):
                part.build(SPECS[source], dim=8, clock=25.0)
        else:
            part.build(SPECS[source], dim=8, clock=25.0)
            assert part.width == 8


@pytest.mark.parametrize("kind", [*ENCODERS, *FRONT_ENDS])
def test_every_argument_is_explained(kind):
    cls = (ENCODERS | FRONT_ENDS)[kind]
    for name in cls.__init__.__annotations__.keys() - {"return"}:
        assert re.search(rf"^\s*{name}: ", cls.__doc__, re.MULTILINE), (
            f"{cls.__name__} doesn't explain {name}"
        )


@pytest.mark.parametrize("kind", ["cnn", "conformer"])
def test_a_kernel_without_a_middle_is_refused(kind):
    with pytest.raises(ValueError, match="kernel must be odd"):
        Kinds(ENCODERS).make({"kind": kind, "kernel": 4})


@pytest.mark.parametrize(("subsample", "said"), [(8, "2 stages cannot bring 8"), (3, "must be 1, 2, 4 or 8")])
def test_a_spectral_cnn_of_too_few_stages_is_refused(subsample, said):
    part = ENCODERS["spectral_cnn"](channels=(4, 4), subsample=subsample)
    with pytest.raises((RecipeError, ValueError), match=said):
        part.build(SPECS["samples"], dim=8, clock=25.0)


def test_nothing_uses_layers_that_fail_on_absent_streams():
    forbidden = re.compile(r"MultiheadAttention|TransformerEncoder\b|TransformerEncoderLayer|BatchNorm[123]d")
    root = Path(trichord.__file__).parent
    guilty = [
        str(file.relative_to(root)) for file in root.rglob("*.py") if forbidden.search(file.read_text())
    ]
    assert guilty == []
