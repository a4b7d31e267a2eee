"""The model: encoders, fusion, trunk and heads, composed as the recipe says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from typing import TypeVar, cast

from torch import Tensor, nn

from trichord.errors import RecipeError
from trichord.learning.encoders.encoder import Encoder
from trichord.learning.fusion.fusion import Fusion
from trichord.learning.fusion.timeline import to_clock
from trichord.learning.heads.head import Head
from trichord.learning.hierarchy import Hierarchy
from trichord.learning.memory import Memory
from trichord.learning.objectives.objective import Outputs
from trichord.learning.recipe import Recipe
from trichord.learning.stream import Shape, Stream
from trichord.prepare.preparation import InputSpec

T = TypeVar("T")
Inputs = Mapping[str, tuple[Tensor, Tensor]]


def unchanged(name: str, frames: Stream) -> Stream:
    return frames


class Model(nn.Module):
    """Streams in, logits by head out.

    Built from a recipe whose heads have been fitted and the specs of its prepared inputs. The recipe's own
    parts stay unbuilt, so that one recipe can build many models.
    """

    def __init__(self, recipe: Recipe, specs: Mapping[str, InputSpec]) -> None:
        super().__init__()
        self.stage, self.clock = recipe.stage, recipe.clock
        encoders = {name: deepcopy(part.encoder) for name, part in recipe.streams.items()}
        for name, encoder in encoders.items():
            with said_of(f"streams.{name}"):
                encoder.build(specs[name], dim=recipe.dim, clock=recipe.clock, body=recipe.stage != "early")
        self.encoders = registered(encoders)
        self.shapes = {name: self.shape_of(encoder) for name, encoder in self.encoders.items()}
        if recipe.stage == "late":
            self.build_late(recipe, self.shapes)
        else:
            self.build_joint(recipe, self.shapes)

    def shape_of(self, encoder: Encoder) -> Shape:
        return Shape(encoder.width, None if encoder.front.rate is None else self.clock)

    def build_joint(self, recipe: Recipe, shapes: Mapping[str, Shape]) -> None:
        self.fusion = deepcopy(recipe.fusion)
        self.fusion.build(shapes, recipe.dim)
        self.trunk = deepcopy(recipe.trunk)
        if self.trunk is not None:
            clock = next((shape.rate for shape in shapes.values() if shape.rate is not None), None)
            self.trunk.build(InputSpec("array", clock, (recipe.dim,)), dim=recipe.dim, clock=self.clock)
        self.width = recipe.dim if self.trunk is None else self.trunk.width
        self.heads = registered({name: deepcopy(head) for name, head in recipe.heads.items()})
        self.hierarchy = Hierarchy(self.heads, recipe.after, self.clock)
        for name, head in self.heads.items():
            head.build(self.width + self.hierarchy.width_above(name))

    def build_late(self, recipe: Recipe, shapes: Mapping[str, Shape]) -> None:
        self.width = next(iter(recipe.heads.values())).outputs
        opinions, juries = {}, {}
        for name, head in recipe.heads.items():
            opinions[name] = registered({stream: deepcopy(head) for stream in shapes})
            for stream, shape in shapes.items():
                opinions[name][stream].build(shape.width)
            juries[name] = deepcopy(recipe.fusion)
            said = {stream: Shape(head.outputs, head.rate_of(shape.rate)) for stream, shape in shapes.items()}
            juries[name].build(said, head.outputs)
        self.opinions = registered(opinions)  # by head, then by stream: what that stream alone says
        self.juries = registered(juries)  # by head: the fusion of those opinions

    def answering(self) -> list[tuple[str, Head]]:
        """Return the built heads, by name: in late fusion, one for each stream."""
        if self.stage != "late":
            return list(self.heads.items())
        return [(name, head) for name, opinions in self.opinions.items() for head in opinions.values()]

    def judging(self, heads: Mapping[str, Head]) -> Mapping[str, Head]:
        """Return the heads that tell losses: these, a recipe's, but the model's own where layers matter.

        In late fusion, where each stream has its own, such layers are those of the first stream's head.
        """
        own = dict(reversed(self.answering()))
        return {name: own[name] if head.layered_loss else head for name, head in heads.items()}

    def fusing(self) -> list[Fusion]:
        """Return the built fusions: in late fusion, one for each head."""
        return [self.fusion] if self.stage != "late" else list(self.juries.values())

    def sense(
        self,
        inputs: Inputs,
        change: Callable[[str, Stream], Stream] = unchanged,
        given: Memory | None = None,
    ) -> dict[str, Stream]:
        """Return each stream encoded, on the model's clock; `change` may alter the front ends' frames."""
        streams = {}
        for name, encoder in self.encoders.items():
            memory = encoder.memory(given)
            frames = change(name, encoder.frames(*inputs[name], memory))
            stream = encoder.embed(frames, memory)
            if self.stage != "early":
                stream = encoder.read(stream, memory)
            streams[name] = to_clock(stream, self.clock)
        return streams

    def forward(
        self,
        inputs: Inputs,
        change: Callable[[str, Stream], Stream] = unchanged,
        memory: Memory | None = None,
    ) -> Outputs:
        """Return logits, encoded streams and the fused stream; `inputs` as in `Batch`.

        With a `memory`, they are the next block of a stream, and what it `kept` afterwards is the next one's.
        """
        streams = self.sense(inputs, change, memory)
        if self.stage == "late":
            logits = {name: jury({stream: opinion(streams[stream])
                                  for stream, opinion in self.opinions[name].items()})
                      for name, jury in self.juries.items()}  # fmt: skip
            return Outputs(logits, streams, next(iter(logits.values())))
        fused = self.fusion(streams)
        if self.trunk is not None:
            fused = to_clock(self.trunk(fused.values, fused.lengths), self.clock)
        return Outputs(self.hierarchy.answers(self.heads, fused), streams, fused)


def registered(modules: dict[str, T]) -> Mapping[str, T]:
    """Return modules by name as a ModuleDict, which registers them, under the type that they have."""
    return cast(Mapping[str, T], nn.ModuleDict(cast(dict[str, nn.Module], modules)))


@contextmanager
def said_of(where: str) -> Iterator[None]:
    """Say where in the recipe a part could not be built."""
    try:
        yield
    except (ValueError, RecipeError) as error:
        raise RecipeError(f"{where}: {error}") from None


def parameters(model: nn.Module) -> int:
    """Return how many numbers a model learns."""
    return sum(parameter.numel() for parameter in model.parameters())
