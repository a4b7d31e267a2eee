"""The model file's contract: what a Trichord ONNX file says about itself, and reading it safely."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from trichord.errors import ArtifactError
from trichord.prepare.preparation import InputSpec

FORMAT = 1
METADATA_KEY = "trichord"
MAX_FILE_BYTES = 2 << 30
MAX_METADATA_BYTES = 16 << 20
MAX_MEMORY = 1 << 24
"""Numbers that a stateful model's memory, or a block of one of its streams, may hold."""
MemoryShape = Annotated[tuple[Annotated[int, Field(ge=0, le=MAX_MEMORY)], ...], Field(max_length=8)]


class Plain(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class InputDescription(Plain):
    """The array that a stream's graph input takes; see `InputSpec`."""

    kind: Literal["samples", "frames", "tokens", "array"]
    rate: float | None = Field(default=None, gt=0, le=1e6)
    shape: tuple[int, ...] = Field(default=(), max_length=3)
    vocabulary: int = Field(default=0, ge=0, le=10_000_000)

    @property
    def spec(self) -> InputSpec:
        return InputSpec(self.kind, self.rate, self.shape, self.vocabulary)


class StreamDescription(Plain):
    """How a stream is prepared: which input of a clip, which preparation, what it learned, what it gives."""

    source: str
    prepare: dict[str, Any]
    state: dict[str, Any] = {}
    input: InputDescription


class Block(Plain):
    """How a stateful model hears a stream: `steps` of each stream's input at once, and `memory` of the past.

    `memory` lists the shapes, without the batch, of the tensors that the graph takes as `memory.0` and on,
    zeros at first, and gives as `memory.0.next` and on, for the next block.
    """

    seconds: float = Field(ge=0.01, le=60)
    steps: dict[str, Annotated[int, Field(ge=1, le=10_000_000)]]
    memory: Annotated[tuple[MemoryShape, ...], Field(max_length=10_000)]

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if sum(math.prod(shape) for shape in self.memory) > MAX_MEMORY:
            raise ValueError(f"the memory holds more than {MAX_MEMORY} numbers")
        return self


class Metadata(Plain):
    """All that a model file knows about itself.

    Graph inputs, for every stream NAME in order: `NAME`, the prepared arrays `(batch, time, ...)`, and
    `NAME_lengths`, int64 `(batch,)`. Graph outputs, for every head: `HEAD`, float32 logits
    `(batch, time, outputs)`, and `HEAD_lengths`, int64 `(batch,)`. `heads` holds what decoding reads.
    A `stateful` model takes one block at a time, as `block` says. In a `generative` one some heads write unit
    by unit: they give what their decoders attend to, `(batch, time, width)`, in place of logits. Each one's
    width is in `steps`; see `step_inputs` and `step_outputs` for the graph's other half.
    """

    format: Literal[1] = 1
    kind: Literal["offline", "stateful", "generative"] = "offline"
    name: str
    max_seconds: float = Field(gt=0, le=86_400)
    clock: float = Field(gt=0, le=1e5)
    streams: dict[str, StreamDescription] = Field(min_length=1)
    heads: dict[str, dict[str, Any]] = Field(min_length=1)
    block: Block | None = None
    steps: dict[str, Annotated[int, Field(ge=1, le=1 << 16)]] = {}
    stream_dropout: bool = False
    """Whether the model has learned without streams, so that attribution means something."""
    recipe: dict[str, Any] = {}
    licence: str = "unstated"
    data: str = ""
    scores: dict[str, Any] = {}
    trichord: str = ""

    @model_validator(mode="after")
    def _whole_or_in_blocks(self) -> Self:
        if (self.kind == "stateful") != (self.block is not None):
            raise ValueError("a stateful model, and no other, says what its blocks are")
        if self.block is not None and set(self.block.steps) != set(self.streams):
            raise ValueError("block.steps must name every stream, and no other")
        for name, steps in (self.block.steps if self.block else {}).items():
            described = self.streams[name].input
            if steps * math.prod(described.shape) > MAX_MEMORY:
                raise ValueError(f"a block of {name} holds more than {MAX_MEMORY} numbers")
            lasting = steps / (described.rate or 1.0)
            if self.block and abs(lasting - self.block.seconds) > 0.001:
                raise ValueError(f"{steps} steps of {name} do not last {self.block.seconds:g} s")
        return self

    @model_validator(mode="after")
    def _written_in_steps(self) -> Self:
        if set(self.steps) != {name for name, head in self.heads.items() if head.get("kind") == "generate"}:
            raise ValueError("steps must name every head that writes unit by unit, and no other")
        if (self.kind == "generative") != bool(self.steps):
            raise ValueError("a generative model, and no other, has heads that write unit by unit")
        return self

    def dump(self) -> str:
        return self.model_dump_json()


def memory_name(number: int, *, after: bool = False) -> str:
    """Return what a graph calls a tensor of its memory, as it takes it; `after` a block, as it gives it."""
    return f"memory.{number}.next" if after else f"memory.{number}"


def step_inputs(head: str) -> tuple[str, str, str, str]:
    """Return what a graph calls the inputs of a head's decoder.

    int64 units `(texts, units)` that go on where the past ends, float32 what the encoder tells
    `(texts, time, width)`, its int64 lengths `(texts,)`, and float32 the past `(texts, units before, width)`.
    The graph runs whole: who asks for one half feeds the other anything of length one.
    """
    return f"{head}.units", f"{head}.told", f"{head}.told_lengths", f"{head}.past"


def step_outputs(head: str) -> tuple[str, str]:
    """Return what a graph calls the outputs of a head's decoder.

    float32 logits `(texts, units, labels)` of what follows each unit, and what is to be kept of those units,
    `(texts, units, width)`, behind the past.
    """
    return f"{head}.next", f"{head}.kept"


def parse_metadata(text: str, source: str | Path) -> Metadata:
    """Return the metadata held in `text`; raise ArtifactError naming `source` where it is not valid."""
    if len(text) > MAX_METADATA_BYTES:
        raise ArtifactError(
            f"{source}: its metadata holds {len(text)} characters; the limit is {MAX_METADATA_BYTES}"
        )
    try:
        values = json.loads(text)
        if isinstance(values, dict) and values.get("format") not in (None, FORMAT):
            raise ArtifactError(
                f"{source}: model format {values['format']!r}; this version reads {FORMAT}. Update trichord"
            )
        return Metadata.model_validate(values)
    except (json.JSONDecodeError, RecursionError) as error:
        raise ArtifactError(f"{source}: its metadata is not JSON ({error})") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ArtifactError(f"{source}: its metadata is not valid at {where}: {first['msg']}") from None
