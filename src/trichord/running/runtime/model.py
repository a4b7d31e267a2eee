"""A model file, ready to answer."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from trichord.artifact import StreamDescription
from trichord.clip import Clip
from trichord.decoding import BeamChanges, BeamOptions, Decoded, decode
from trichord.decoding.generate import Beside, Step
from trichord.decoding.options import beam_from_metadata
from trichord.decoding.phones import lexicon_of
from trichord.errors import ArtifactError, TrichordError
from trichord.metrics import normalise_text
from trichord.prepare.preparation import Array, pad
from trichord.running.runtime.answer import Answer
from trichord.running.runtime.blocks import in_blocks
from trichord.running.runtime.file import first_line, open_model_file
from trichord.running.runtime.inputs import Preparations, Source, as_clip
from trichord.running.runtime.steps import Decoder, no_steps

if TYPE_CHECKING:
    from onnxruntime import RunOptions

Beam: TypeAlias = int | BeamOptions | BeamChanges

PATIENCE_SECONDS = 300.0
"""How long one run of the graph may take, or the writing of one text: a hostile one may never end."""


class Model:
    """What `trichord.load` returns: call it with a clip, and it answers.

    `threads` within an operator, 0 for one per core. Raises ArtifactError where the file is not a sound
    Trichord model.
    """

    def __init__(self, path: str | Path, *, threads: int = 0) -> None:
        self.path = Path(path)
        self.session, self.metadata = open_model_file(self.path, threads=threads)
        self.preparations = Preparations(self.metadata, self.path)
        self.beams = {name: beam_from_metadata(head) for name, head in self.heads.items()}
        self.check_heads()

    def check_heads(self) -> None:
        """Decode nothing once, so that a head whose description is not sound is refused now."""
        for output in self.session.get_outputs():
            if output.name in self.heads and isinstance(output.shape[2], int):
                beam = self.beams[output.name]
                try:
                    if beam is not None and beam.pronounced is not None:
                        lexicon_of(tuple(self.heads[output.name]["labels"]), beam)
                    self.decode_head(output.name, {output.name: np.zeros((0, output.shape[2]), np.float32)})
                except TrichordError as error:
                    raise ArtifactError(f"{self.path}: head {output.name!r}: {error}") from None

    @property
    def streams(self) -> Mapping[str, StreamDescription]:
        """What the model senses, by stream name."""
        return self.metadata.streams

    @property
    def heads(self) -> Mapping[str, Mapping[str, Any]]:
        """What the model says, by head name: what each needs for decoding."""
        return self.metadata.heads

    @property
    def rate(self) -> float | None:
        """Steps per second of the logits; None where no stream has a clock."""
        clocked = any(stream.input.rate is not None for stream in self.streams.values())
        return self.metadata.clock if clocked else None

    def __call__(self, clip: Source, *, without: Collection[str] = (), beam: Beam | None = None) -> Answer:
        """Answer about one clip: a path, a `Clip`, or inputs by name (see `Source`).

        `without` names streams that the model shall not sense. `beam` is the width of the search for words, 0
        for the best path, `BeamOptions`, or `BeamChanges` to what the model's own are, such as phrases that
        are likely; by default heads that carry a language model search with it.
        Raises InputError where the clip cannot be read, is longer than `metadata.max_seconds`, or has nothing
        that the model reads.
        """
        return self.batch([clip], without=without, beam=beam)[0]

    def batch(
        self, clips: Sequence[Source], *, without: Collection[str] = (), beam: Beam | None = None
    ) -> list[Answer]:
        """Answer about several clips in one run; clips of like length waste the least."""
        known = [as_clip(clip, self.metadata) for clip in clips]
        return self.answers(known, [self.preparations(clip, without) for clip in known], beam=beam)

    def answers(
        self, clips: Sequence[Clip], inputs: Sequence[Mapping[str, Array]], *, beam: Beam | None = None
    ) -> list[Answer]:
        """Answer about clips whose inputs are prepared already."""
        return [
            Answer(clip.id, self.decode(logits, beam), model=self, inputs=arrays, logits=logits)
            for clip, arrays, logits in zip(clips, inputs, self.logits(inputs), strict=True)
        ]

    def decode(self, logits: Mapping[str, Array], beam: Beam | None = None) -> dict[str, Decoded]:
        """Turn one item's logits by head into answers."""
        return {name: self.decode_head(name, logits, beam) for name in self.heads}

    def decode_head(self, name: str, logits: Mapping[str, Array], beam: Beam | None = None) -> Decoded:
        """Turn one item's logits into one head's answer; one that writes may ask another what it says."""
        step = self.steps.get(name)
        beside = None if step is None else Beside(step, self.heads, logits)
        search = self.search(name, beam)
        return decode(self.heads[name], logits[name], rate=self.rate, beam=search, beside=beside)

    @property
    def steps(self) -> Mapping[str, Step]:
        """The decoders of the heads that write unit by unit, each with `PATIENCE_SECONDS` from now."""
        return {name: Decoder(self, name, PATIENCE_SECONDS) for name in self.metadata.steps}

    def search(self, head: str, beam: Beam | None) -> BeamOptions | None:
        """Return how to search for a head's words: a width takes the language model that the file carries."""
        own = self.beams.get(head)
        if isinstance(beam, BeamChanges):
            phrases = beam.phrases and tuple(map(normalise_text, beam.phrases))
            return replace(beam, phrases=phrases).of(own)
        if beam is None or isinstance(beam, BeamOptions):
            return beam or own
        return replace(own or BeamOptions(), width=beam) if beam else None

    def logits(self, inputs: Sequence[Mapping[str, Array]]) -> list[dict[str, Array]]:
        """Run the graph on prepared arrays by stream, one mapping for each item; absent streams left out.

        Returns each item's logits by head, float32 `(time, outputs)`, without padding. Raises ArtifactError
        where the graph fails or gives anything but finite numbers.
        """
        if not inputs:
            return []
        if self.metadata.block is not None:
            return in_blocks(self, inputs)
        fed: dict[str, Array] = {}
        for name, stream in self.streams.items():
            fed[name], fed[f"{name}_lengths"] = pad([item.get(name) for item in inputs], stream.input.spec)
        fed |= no_steps(self.metadata)
        given = self.run(fed)
        return [{head: self.item(given, head, row) for head in self.heads} for row in range(len(inputs))]

    def run(self, fed: Mapping[str, Array]) -> dict[str, Array]:
        """Run the graph; return its outputs by name."""
        import onnxruntime

        names = [value.name for value in self.session.get_outputs()]
        options = onnxruntime.RunOptions()
        options.log_severity_level = 4
        watchdog = threading.Timer(PATIENCE_SECONDS, stop, [options])
        watchdog.daemon = True
        watchdog.start()
        try:
            return dict(zip(names, self.session.run(names, fed, options), strict=True))
        except Exception as error:  # ONNX Runtime's exceptions have no base of their own
            raise ArtifactError(f"{self.path}: its graph failed ({first_line(error)})") from None
        finally:
            watchdog.cancel()

    def item(self, given: Mapping[str, Array], head: str, row: int) -> Array:
        """Return one item's logits without padding."""
        values, lengths = given[head], given[f"{head}_lengths"]
        if values.ndim != 3 or lengths.ndim != 1 or not row < len(values) == len(lengths):
            raise ArtifactError(
                f"{self.path}: head {head!r} gave {values.shape} with lengths {lengths.shape}"
            )
        logits = np.array(values[row, : max(int(lengths[row]), 0)])  # a copy, so that the batch can go
        if not np.isfinite(logits).all():
            raise ArtifactError(f"{self.path}: head {head!r} gave NaN or infinity")
        return logits

    def __repr__(self) -> str:
        return f"Model({self.metadata.name!r}: {', '.join(self.streams)} -> {', '.join(self.heads)})"


def stop(options: RunOptions) -> None:
    options.terminate = True
