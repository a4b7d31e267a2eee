"""Encoders that others trained, on checkpoints made here: random, and a thousandth of the size."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parity import EncoderAlone, assert_export_parity
from trichord.errors import ArtifactError, MissingError, RecipeError
from trichord.kinds import Kinds
from trichord.learning.encoders import ENCODERS
from trichord.learning.encoders.encoder import Encoder
from trichord.learning.recipe import load_recipe
from trichord.learning.training import Learner, RunFolder, load_data
from trichord.prepare.preparation import InputSpec

transformers = pytest.importorskip("transformers", reason="the extra 'pretrained' is not installed")

SPEC = InputSpec("samples", 16_000.0)
SPEECH = {
    "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24,
    "conv_dim": (8, 8), "conv_kernel": (20, 25), "conv_stride": (16, 20), "num_feat_extract_layers": 2,
    "num_conv_pos_embeddings": 8, "num_conv_pos_embedding_groups": 2,
}  # fmt: skip
LATER = {"feat_extract_norm": "layer", "do_stable_layer_norm": True}  # as in the large ones
WRITTEN = {
    "d_model": 16, "encoder_layers": 2, "encoder_attention_heads": 2, "encoder_ffn_dim": 24,
    "decoder_layers": 1, "decoder_attention_heads": 2, "decoder_ffn_dim": 24, "max_source_positions": 50,
    "vocab_size": 20, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 3,
}  # fmt: skip
MADE: dict[str, tuple[str, dict[str, Any]]] = {
    "wav2vec2": ("Wav2Vec2", SPEECH),
    "wav2vec2-large": ("Wav2Vec2", SPEECH | LATER),
    "hubert": ("Hubert", SPEECH),
    "hubert-large": ("Hubert", SPEECH | LATER),
    "wavlm": ("WavLM", SPEECH),
    "whisper": ("Whisper", WRITTEN),
}
every = pytest.mark.parametrize("name", MADE)


def make(name: str) -> Any:
    torch.manual_seed(0)
    family, arguments = MADE[name]
    return getattr(transformers, f"{family}Model")(
        getattr(transformers, f"{family}Config")(**arguments)
    ).eval()


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoints")
    for name in MADE:
        make(name).save_pretrained(folder / name)
    return folder


def encoder(folder: Path, **arguments: object) -> Encoder:
    torch.manual_seed(0)
    part = Kinds(ENCODERS).make({"kind": "pretrained", "checkpoint": str(folder), **arguments})
    part.build(SPEC, dim=8, clock=25.0)
    return part.eval()


def sound(batch: int, time: int) -> torch.Tensor:
    return 0.1 * torch.randn(batch, time, generator=torch.Generator().manual_seed(1))


def expected(name: str, samples: torch.Tensor) -> torch.Tensor:
    """Return what `transformers` says of one clip, `(1, steps, dim)`."""
    model = make(name)
    if name == "whisper":
        extractor = transformers.WhisperFeatureExtractor(chunk_length=1)
        frames = extractor(samples[0].numpy(), sampling_rate=16_000)["input_features"]
        return model.encoder(torch.from_numpy(np.asarray(frames))).last_hidden_state
    if name.endswith("-large"):
        samples = (samples - samples.mean()) / (samples.var(unbiased=False) + 1e-7).sqrt()
    return model(samples).last_hidden_state


@every
def test_says_what_transformers_says(checkpoints: Path, name: str) -> None:
    samples = sound(1, 9000)
    with torch.no_grad():
        frames = encoder(checkpoints / name).front(samples, torch.tensor([9000]))
        said = expected(name, samples)[:, : frames.values.shape[1]]
    assert frames.rate == 50
    assert frames.lengths.tolist() == [frames.values.shape[1]] == [said.shape[1]]
    torch.testing.assert_close(frames.values, said, atol=1e-5, rtol=1e-5)


@every
def test_gives_one_width_and_the_clock_for_every_length(checkpoints: Path, name: str) -> None:
    part = encoder(checkpoints / name)
    stream = part(sound(4, 5000), torch.tensor([5000, 700, 1, 0]))
    assert stream.values.shape == (4, int(stream.lengths.max()), 8)
    assert stream.lengths.tolist()[2:] == [1, 0]
    assert stream.rate == 25
    nothing = part(sound(2, 0), torch.zeros(2, dtype=torch.int64))
    assert nothing.lengths.tolist() == [0, 0]
    assert torch.isfinite(nothing.values).all()


@every
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lengths=st.lists(st.integers(0, 6000), min_size=2, max_size=3))
def test_an_item_alone_equals_the_item_in_a_batch(checkpoints: Path, name: str, lengths: list[int]) -> None:
    part = encoder(checkpoints / name)
    values = sound(len(lengths), max(lengths))
    for row, length in enumerate(lengths):
        values[row, length:] = torch.nan
    with torch.no_grad():
        together = part(values, torch.tensor(lengths))
        for row, length in enumerate(lengths):
            alone = part(values[row : row + 1, :length], torch.tensor([length]))
            steps = int(alone.lengths[0])
            assert steps == together.lengths[row]
            torch.testing.assert_close(
                together.values[row, :steps], alone.values[0, :steps], atol=1e-4, rtol=1e-4
            )


@pytest.mark.parametrize("name", ["wav2vec2", "hubert-large", "wavlm", "whisper"])
def test_the_exported_graph_says_the_same(checkpoints: Path, name: str, tmp_path: Path) -> None:
    part = EncoderAlone(encoder(checkpoints / name, layers=1))
    lengths = [[5000, 2000, 0], [1], [0], [0, 0], [400, 401], [17_000]]
    assert_export_parity(part, {"x": SPEC}, tmp_path, [{"x": row} for row in lengths], 1e-4)


def test_what_the_preparation_says_of_samples_is_done(checkpoints: Path) -> None:
    folder = checkpoints / "hubert-large"

    def shifts() -> bool:
        """Whether an offset of the samples changes what is heard."""
        one, other = (
            encoder(folder).front(sound(1, 4000) + offset, torch.tensor([4000])).values
            for offset in (0.0, 0.3)
        )
        return not torch.allclose(one, other, atol=1e-3)

    assert not shifts()
    transformers.Wav2Vec2FeatureExtractor(do_normalize=False).save_pretrained(folder)
    assert shifts()
    (folder / "preprocessor_config.json").unlink()


def test_frozen_weights_neither_learn_nor_drop(checkpoints: Path) -> None:
    part = encoder(checkpoints / "wav2vec2").train()
    assert not any(module.training for module in part.front.modules())
    part(sound(1, 4000), torch.tensor([4000])).values.sum().backward()
    assert all(parameter.grad is None for parameter in part.front.parameters())
    assert all(parameter.grad is not None for parameter in part.step_down.parameters())


@every
def test_weights_that_are_not_frozen_learn(checkpoints: Path, name: str) -> None:
    part = encoder(checkpoints / name, frozen=False).train()
    assert all(module.training for module in part.front.modules())
    part(sound(2, 4000), torch.tensor([4000, 3000])).values.square().sum().backward()
    still = [name for name, p in part.named_parameters() if p.requires_grad and p.grad is None]
    assert not still
    assert all(torch.isfinite(p.grad).all() for p in part.parameters() if p.grad is not None)


def test_keeps_the_lowest_layers(checkpoints: Path) -> None:
    assert len(encoder(checkpoints / "hubert", layers=1).front.network.layers) == 1
    with pytest.raises(RecipeError, match="has 2; got 3"):
        encoder(checkpoints / "hubert", layers=3)


def test_a_run_learns_on_it_and_is_read_back(checkpoints: Path, tmp_path: Path) -> None:
    voice = {"from": "audio", "encoder": {"kind": "pretrained", "checkpoint": str(checkpoints / "wav2vec2")}}
    recipe = load_recipe(
        {"corpus": {"kind": "scenes", "size": 12}, "dim": 8, "streams": {"voice": voice},
         "heads": {"intent": "classify"}, "training": {"epochs": 1, "batch_seconds": 20, "average": 0.9}}
    )  # fmt: skip
    run, data = RunFolder(tmp_path), load_data(recipe, cache=None)
    run.write_recipe(recipe)
    learner = Learner(recipe, data, run)
    run.write_parts(recipe)
    loss = learner.learn_batch(data.train[:4], 0.5)
    learner.keep_best({"valid_loss": loss})
    _, model = run.load()
    own = encoder(checkpoints / "wav2vec2").front.state_dict()
    for name, value in model.encoders["voice"].front.state_dict().items():
        torch.testing.assert_close(value, own[name], atol=1e-6, rtol=1e-6)


def broken(folder: Path, files: dict[str, str]) -> Path:
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize(
    ("files", "error", "message"),
    [
        ({}, ArtifactError, "cannot be read"),
        ({"config.json": "{"}, MissingError, "was not found"),
        ({"config.json": "[]"}, ArtifactError, "cannot be read"),
        ({"config.json": '{"model_type": "bert"}'}, RecipeError, "family 'bert'"),
        ({"config.json": '{"model_type": "hubert"}'}, MissingError, "was not found"),
        ({"config.json": '{"model_type": "hubert"}', "pytorch_model.bin": "x"}, MissingError, "safetensors"),
        ({"config.json": '{"model_type": "hubert"}', "model.safetensors": "x"}, ArtifactError, "be read"),
        ({"config.json": json.dumps({"model_type": "hubert", "auto_map": {"AutoModel": "evil.Evil"}}),
          "evil.py": "raise SystemExit"}, MissingError, "was not found"),
    ],
)  # fmt: skip
def test_broken_checkpoints_are_refused(tmp_path: Path, files: dict, error: type, message: str) -> None:
    with pytest.raises(error, match=message) as raised:
        encoder(broken(tmp_path / "made", files))
    assert "\n" not in str(raised.value)


def test_what_is_absent_is_said(checkpoints: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MissingError, match=re.escape("hf:owner/name")):
        encoder(tmp_path / "none")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(MissingError, match="download: true"):
        encoder(Path("hf:nobody/nothing"))
    with pytest.raises(RecipeError, match="16000 Hz"):
        ENCODERS["pretrained"](str(checkpoints / "hubert")).build(
            InputSpec("samples", 8000.0), dim=8, clock=25.0
        )
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(MissingError, match=re.escape("trichord[pretrained]")):
        encoder(checkpoints / "hubert")
