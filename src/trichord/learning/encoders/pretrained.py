"""Encoders that others have trained, on far more speech."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from trichord.errors import ArtifactError, MissingError, RecipeError, TrichordError
from trichord.learning.encoders.encoder import Encoder
from trichord.learning.encoders.front_ends.front_end import FrontEnd
from trichord.learning.encoders.wav2vec import Wav2Vec
from trichord.learning.encoders.whisper import SAMPLING, Whisper
from trichord.learning.stream import Stream, mask_of
from trichord.prepare.preparation import InputSpec

HUB = "hf:"
WANTED = ["config.json", "preprocessor_config.json", "model*.safetensors", "model.safetensors.index.json"]
FAMILIES = ("hubert", "wav2vec2", "wavlm", "whisper")


class Pretrained(Encoder):
    """What a trained speech model gives, brought to the model's rate and width.

    wav2vec 2.0 (Baevski et al., 2020), HuBERT (Hsu et al., 2021), WavLM (Chen et al., 2022) and the encoder
    of Whisper (Radford et al., 2022), as `transformers` stores them, in safetensors. The network is used
    only where the recipe says so; what was once downloaded is found again without it. No code of a checkpoint
    is run.

    checkpoint: `hf:owner/name`, or a folder.
    frozen: whether its weights stay as they are; then only what follows learns, at a fraction of the cost.
    layers: how many of its layers to keep, from below; by default all.
    download: fetch the checkpoint from the hub.
    dim: width of the stream; by default the recipe's.
    subsample: frames per output step, 1, 2, 4 or 8; by default as many as bring the rate to the clock.
    """

    def __init__(
        self,
        checkpoint: str,
        frozen: bool = True,
        layers: Annotated[int, Field(ge=1)] | None = None,
        download: bool = False,
        dim: int | None = None,
        subsample: int | None = None,
    ) -> None:
        super().__init__(Checkpoint(checkpoint, frozen, layers, download), dim, subsample)
        self.checkpoint = checkpoint
        self.frozen = frozen
        self.layers = layers
        self.download = download


class Checkpoint(FrontEnd):
    """The trained model itself, which is all that stands before the step down to the model's rate."""

    takes: ClassVar[tuple[str, ...]] = ("samples",)

    def __init__(self, checkpoint: str, frozen: bool, layers: int | None, download: bool) -> None:
        super().__init__()
        self.checkpoint = checkpoint
        self.frozen = frozen
        self.layers = layers
        self.download = download

    def build(self, spec: InputSpec) -> None:
        if spec.rate != SAMPLING:
            raise RecipeError(
                f"{self.checkpoint} has learned sound of {SAMPLING} Hz; the preparation gives {spec.rate} Hz"
            )
        self.network = network(self.checkpoint, self.layers, download=self.download)
        if self.frozen:  # what is learned otherwise, the model itself says: Whisper's positions never are
            self.network.requires_grad_(False)
        self.width, self.rate = self.network.width, SAMPLING / self.network.stride

    def train(self, mode: bool = True) -> Checkpoint:
        """Switch to training, which for frozen weights means no dropout either."""
        return super().train(mode and not self.frozen)

    def forward(self, values: Tensor, lengths: Tensor) -> Stream:
        samples = torch.where(mask_of(lengths, values), values, 0.0)
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            frames: Stream = self.network(samples, lengths)
        return frames._replace(rate=self.rate)


def network(checkpoint: str, layers: int | None, *, download: bool) -> Wav2Vec | Whisper:
    """Return a checkpoint's network.

    Raises MissingError where `transformers` or the checkpoint is absent, ArtifactError where it is broken,
    RecipeError where it is of another family or has fewer layers.
    """
    model, standardise = read(checkpoint, download=download)
    whisper = model.config.model_type == "whisper"
    have = len(model.encoder.layers)
    if layers is not None and layers > have:
        raise RecipeError(f"layers: {checkpoint} has {have}; got {layers}")
    return Whisper(model.encoder, layers) if whisper else Wav2Vec(model, layers, standardise=standardise)


def read(checkpoint: str, *, download: bool) -> tuple[Any, bool]:
    """Return a model of `transformers`, and whether it wants its samples standardised."""
    try:
        import transformers
    except ImportError:
        raise MissingError(
            "pretrained encoders need the extra 'pretrained': pip install 'trichord[pretrained]'"
        ) from None
    with quiet(transformers), said_of(checkpoint, download):
        folder = folder_of(checkpoint, download=download)
        config = transformers.AutoConfig.from_pretrained(folder, trust_remote_code=False)
        if config.model_type not in FAMILIES:
            raise RecipeError(
                f"checkpoint: {checkpoint} is of the family {config.model_type!r}; expected one of: "
                f"{', '.join(FAMILIES)}"
            )
        model = transformers.AutoModel.from_pretrained(
            folder, config=config, use_safetensors=True, dtype=torch.float32, trust_remote_code=False
        )
        return model, wants_standard(transformers, folder, config)


def folder_of(checkpoint: str, *, download: bool) -> Path:
    """Return where a checkpoint's files lie; from a folder, `transformers` asks no network for anything."""
    if checkpoint.startswith(HUB):
        from huggingface_hub import snapshot_download

        name = checkpoint.removeprefix(HUB)
        return Path(snapshot_download(name, allow_patterns=WANTED, local_files_only=not download))
    if not Path(checkpoint).is_dir():
        raise MissingError(f"checkpoint: no folder {checkpoint}; one on the hub is called hf:owner/name")
    return Path(checkpoint)


def wants_standard(transformers: Any, folder: Path, config: Any) -> bool:
    """Tell whether a model wants its samples standardised: as its preparation says, or as its family does."""
    try:
        extractor = transformers.AutoFeatureExtractor.from_pretrained(folder, trust_remote_code=False)
        return bool(getattr(extractor, "do_normalize", False))
    except OSError:
        return getattr(config, "feat_extract_norm", None) == "layer"


@contextmanager
def said_of(checkpoint: str, download: bool) -> Iterator[None]:
    """Say in one line why a checkpoint cannot be used: its files can lead `transformers` to any error."""
    try:
        yield
    except TrichordError:
        raise
    except OSError as error:
        fetched = download or not checkpoint.startswith(HUB)
        hint = "" if fetched else "; say 'download: true' to fetch it from the hub"
        raise MissingError(f"checkpoint: {checkpoint} was not found{hint} ({first_line(error)})") from None
    except Exception as error:
        raise ArtifactError(f"checkpoint: {checkpoint} cannot be read ({first_line(error)})") from None


def first_line(error: Exception) -> str:
    return f"{str(error).strip().partition(chr(10))[0]:.160}"


@contextmanager
def quiet(transformers: Any) -> Iterator[None]:
    """Let `transformers` say nothing of weights that are left out, and draw no bar."""
    talk = transformers.utils.logging
    level = talk.get_verbosity()
    talk.set_verbosity(logging.ERROR)
    talk.disable_progress_bar()
    try:
        yield
    finally:
        talk.set_verbosity(level)
        talk.enable_progress_bar()
