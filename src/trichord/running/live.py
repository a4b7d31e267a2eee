"""A clip answered while it arrives at real speed, as from a microphone and a camera.

The models are offline: each looks at all of a clip, forwards and backwards. So what has come so far is answered
anew every so often. Each sample and frame is prepared once, as it comes. Since every preparation gives the same
bits for any pieces as for the whole, the last answer is the one that the whole clip gets.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from heapq import merge
from itertools import takewhile
from math import ceil, log10

import numpy as np
from numpy.typing import NDArray

from trichord.clip import Audio, Clip, Features, Input, Lazy, Video
from trichord.errors import InputError
from trichord.media import DEFAULT_LIMITS, AudioFile, Resampler, VideoFile, stream_audio
from trichord.prepare import Crop, Frames, MouthCrop, MouthStream, Preparation, Samples
from trichord.prepare.frames import spread
from trichord.prepare.inputs import frames_of
from trichord.prepare.preparation import Array
from trichord.prepare.scaling import PictureStream
from trichord.running.explain.streams import MAX_STREAMS
from trichord.running.runtime.answer import Answer
from trichord.running.runtime.model import Beam, Model

BLOCK_SECONDS = 0.02
LEAST_REST = 0.001  # seconds; a clock of finite precision may never reach a nearer moment
SILENCE_DB = -90.0
SLACK_SECONDS = 1.0  # between turns, so that sliding does not copy what is kept for every piece
SHARE_OF_TIME = 0.2  # at most, for attribution while a clip plays


@dataclass(frozen=True, slots=True)
class Piece:
    """A little of an input, for the streams that are made of it; frames come at those streams' rate.

    `due`: seconds from the beginning at which all of it has been recorded.
    """

    due: float
    streams: tuple[str, ...]
    value: Input


@dataclass(frozen=True, slots=True)
class Turn:
    """An answer about the seconds from `begin` to `end`.

    `lag`: seconds between the recording of the newest piece and the answer. `settled`: by transcript, how many of
    its first words the turn before said too (local agreement: Liu, Spanakis and Niehues, 2020); at the end, all.
    """

    answer: Answer
    begin: float
    end: float
    lag: float
    settled: dict[str, int]
    final: bool = False


class Receiver:
    """Prepares one stream piece by piece, each piece once, and keeps what is prepared.

    `rate`: steps kept per second, None where they have no clock. `level_db`: of the newest sound, by its root
    mean square.
    """

    def __init__(self, preparation: Preparation) -> None:
        self.preparation = preparation
        self.rate: float | None = None
        self.level_db: float | None = None
        self.received = self.forgotten = 0
        self._parts: list[Array] = []
        self._resampler: Resampler | None = None
        self._pictures: PictureStream | MouthStream | None = None

    def push(self, value: Input) -> None:
        """Take the next piece; InputError where it does not fit, or the prepared whole grows too large."""
        self.rate = getattr(value, "rate", None)
        if isinstance(value, Audio):
            self.level_db = level_of(value)
        self._keep(self._prepared(value))

    def finish(self) -> None:
        """Take what a resampler still holds back: there will be no more."""
        if self._resampler is not None:
            self._keep(self._resampler.push(np.zeros(0, np.float32), last=True))

    def _prepared(self, value: Input) -> Array:
        if isinstance(value, Audio) and isinstance(self.preparation, Samples):
            self.rate = self.preparation.rate
            self._resampler = self._resampler or self.preparation.stream(value.rate)
            if value.rate != self._resampler.source_rate:
                raise InputError(
                    f"its rate changes midway, from {self._resampler.source_rate} to {value.rate} Hz"
                )
            return self._resampler.push(value.samples)
        if isinstance(value, Video) and isinstance(self.preparation, (Crop, Frames, MouthCrop)):
            self._pictures = self._pictures or self.preparation.stream()
            return self._pictures.push(value.frames)
        return self.preparation(value)  # text is one piece, and features are prepared row by row

    def _keep(self, array: Array) -> None:
        self._parts.append(array)
        self.received += len(array)
        if sum(part.nbytes for part in self._parts) > DEFAULT_LIMITS.decoded_bytes:
            raise InputError(f"what is prepared takes more than {DEFAULT_LIMITS.decoded_bytes} bytes")

    def _joined(self) -> Array:
        if len(self._parts) != 1:
            self._parts = [np.concatenate([self.preparation.spec.empty(), *self._parts])]
        return self._parts[0]

    def array(self) -> Array:
        """Return what the model takes: as if the clip were what is kept."""
        kept = self._joined()
        if isinstance(self.preparation, Frames) and self.preparation.count and len(kept):
            return np.stack(list(spread(kept.astype(np.uint8, copy=False), self.preparation.count)))
        return kept

    def overlong(self, seconds: float) -> bool:
        """Whether more is kept than `Preparations` accepts of a clip that may last so long."""
        if self.rate is None:
            return False
        clocked = self.preparation.spec.rate is not None
        most = seconds * self.rate + 1 if clocked else (seconds + 1) * self.rate
        return self.received - self.forgotten > most

    def forget(self, before: float) -> None:
        """Let go of the steps before a time in seconds."""
        if self.rate is not None and (surplus := round(before * self.rate) - self.forgotten) > 0:
            self._parts = [self._joined()[surplus:].copy()]
            self.forgotten = self.received - len(self._parts[0])


class Live:
    """A clip, fed to a model piece by piece; what is kept are its last `metadata.max_seconds`.

    `every`: seconds from one turn to the next; a turn that comes due while another computes is left out, so
    that nothing queues. `shares_every`: at least so many seconds between attributions, None for none. `clock`
    tells seconds, and `sleep` lets them pass. Raises InputError as `Model.__call__` does.
    """

    def __init__(
        self,
        model: Model,
        clip: Clip,
        *,
        without: Collection[str] = (),
        beam: Beam | None = None,
        every: float = 0.25,
        shares_every: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.model, self.clip, self.beam = model, clip, beam
        self.every, self.shares_every = every, shares_every
        by_stream = model.preparations.by_stream
        self.receivers = {name: Receiver(by_stream[name]) for name in present(model, clip, without)}
        self.heard = self.begin = self.idle = 0.0
        self.skipped = 0
        self.shares: dict[str, float] = {}
        self._turns_due = 0
        self._new = False
        self._words: dict[str, list[str]] = {}
        self._next_shares = shares_every or 0.0
        self._clock, self._sleep = clock, sleep
        self._began = clock()

    @property
    def elapsed(self) -> float:
        return self._clock() - self._began

    @property
    def real_time_factor(self) -> float | None:
        """Seconds not spent waiting, decoding included, for each second heard; above 1 it falls behind."""
        return (self.elapsed - self.idle) / self.heard if self.heard else None

    def play(self) -> Iterator[Turn]:
        """Feed the clip at real speed, and yield the turns, the final one last."""
        coming = pieces_of(self.model, self.clip, self.receivers)
        piece = next(coming, None)
        while piece is not None:
            now = (
                self.elapsed
            )  # and no later: preparing that is slower than real time must leave room for turns
            while piece is not None and piece.due <= now:
                self.push(piece)
                piece = next(coming, None)
            if turn := self.turn():
                yield turn
                self.explain(turn)
            if piece is not None:
                self._rest(min(piece.due, (self._turns_due + 1) * self.every))
        turn = self.finish()
        yield turn
        self.explain(turn)

    def _rest(self, until: float) -> None:
        before = self.elapsed
        if until > before:
            self._sleep(max(until - before, LEAST_REST))
            self.idle += self.elapsed - before

    def push(self, piece: Piece) -> None:
        """Take the next piece."""
        for name in piece.streams:
            try:
                self.receivers[name].push(piece.value)
            except InputError as error:
                raise InputError(f"{self.clip.id}: stream {name!r}: {error}") from None
        self.heard, self._new = max(self.heard, piece.due), True
        self._slide(SLACK_SECONDS)

    def _slide(self, slack: float = 0.0) -> None:
        """Forget what lies before the last `max_seconds`, once there is more than `slack` of it."""
        most = self.model.metadata.max_seconds
        if any(receiver.overlong(most + slack) for receiver in self.receivers.values()):
            clock = self.model.metadata.clock  # whole steps of it, so that the streams stay together
            self.begin = max(self.begin, ceil((self.heard - most) * clock) / clock)
            for receiver in self.receivers.values():
                receiver.forget(self.begin)

    def turn(self) -> Turn | None:
        """Answer about what has come so far, if that is due and there is anything new."""
        due = int(self.elapsed / self.every)
        if due == self._turns_due:
            return None
        self.skipped += due - self._turns_due - 1
        self._turns_due = due
        return self._answered() if self._new else None

    def finish(self) -> Turn:
        """Answer about all that came, now that no more will."""
        for receiver in self.receivers.values():
            receiver.finish()
        return self._answered(final=True)

    def _answered(self, final: bool = False) -> Turn:
        self._slide()
        inputs = {name: receiver.array() for name, receiver in self.receivers.items()}
        answer = self.model.answers([self.clip], [inputs], beam=self.beam)[0]
        before, self._new = self._words, False
        self._words = {
            name: str(decoded.value).split()
            for name, decoded in answer.items()
            if self.model.heads[name]["kind"] == "ctc"
        }
        settled = {
            name: len(words) if final else agreed(words, before.get(name, []))
            for name, words in self._words.items()
        }
        return Turn(answer, self.begin, self.heard, max(self.elapsed - self.heard, 0.0), settled, final)

    def explain(self, turn: Turn) -> None:
        """Update `shares`, if they are wanted and it is time: at the end it always is."""
        began = self.elapsed
        if self.shares_every is None or len(self.receivers) > MAX_STREAMS:
            return
        if turn.final or began >= self._next_shares:
            self.shares = turn.answer.attribution
            cost = self.elapsed - began
            self._next_shares = began + max(self.shares_every, cost / SHARE_OF_TIME)


def agreed(words: list[str], before: list[str]) -> int:
    """Return how many first words two lists share."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(words, before, strict=False)))


def level_of(audio: Audio) -> float:
    """Return the root mean square in dB, of full scale."""
    power = float(np.mean(np.square(audio.samples, dtype=np.float64))) if len(audio.samples) else 0.0
    return max(SILENCE_DB, 10 * log10(power)) if power else SILENCE_DB


def present(model: Model, clip: Clip, without: Collection[str]) -> list[str]:
    """Return the names of the streams that the clip feeds; InputError as `Preparations` raises it."""
    fed = [name for name, stream in model.streams.items() if stream.source in clip.inputs]
    if not fed or not set(without) <= set(model.streams):
        model.preparations(clip, without)  # says what is wrong
    return [name for name in fed if name not in without]


def pieces_of(model: Model, clip: Clip, names: Collection[str]) -> Iterator[Piece]:
    """Yield what streams are made of in the order of its recording; what has no clock comes first.

    Streams that want the same sound, or the same frames, share it: it is decoded once, and as it is asked for.
    """
    sharing: dict[tuple[str, float | None], list[str]] = {}
    for name in names:
        source = model.streams[name].source
        seen = isinstance(clip.inputs[source], (Video, VideoFile))
        rate = getattr(model.preparations.by_stream[name], "rate", None) if seen else None
        sharing.setdefault((source, rate), []).append(name)
    lines = [pieces(clip.inputs[source], rate, tuple(names)) for (source, rate), names in sharing.items()]
    yield from merge(*lines, key=lambda piece: piece.due)


def pieces(value: Input | Lazy, rate: float | None, streams: tuple[str, ...]) -> Iterator[Piece]:
    """Yield the pieces of one input: blocks of sound, single frames at `rate` or their own, rows of features."""
    if isinstance(value, Lazy) and not isinstance(value, (AudioFile, VideoFile)):
        value = value.load()
    due = 0.0
    for piece in cut(value, rate):
        if isinstance(piece, (Audio, Video)):
            due += piece.seconds
        elif isinstance(piece, Features) and piece.rate is not None:
            due += len(piece.values) / piece.rate
        yield Piece(due, streams, piece)


def cut(value: Input | Lazy, rate: float | None) -> Iterator[Input]:
    if isinstance(value, AudioFile):
        yield from stream_audio(
            value.path, channel=value.channel, start=value.start, end=value.end, block_seconds=BLOCK_SECONDS
        )
    elif isinstance(value, Audio):
        for part in in_blocks(value.samples, value.rate):
            yield Audio(part, value.rate)
    elif isinstance(value, VideoFile):
        with value.frames(rate=rate) as stream:
            for frame in stream:
                yield Video(frame[None], stream.rate)
    elif isinstance(value, Video):
        for frame in frames_of(value, rate):
            yield Video(frame[None], rate or value.rate)
    elif isinstance(value, Features) and value.rate is not None:
        for part in in_blocks(value.values, value.rate):
            yield Features(part, value.rate)
    elif isinstance(value, (Features, str)):
        yield value


def in_blocks(values: NDArray[np.float32], rate: float) -> Iterator[NDArray[np.float32]]:
    size = max(1, round(rate * BLOCK_SECONDS))
    yield from (values[start : start + size] for start in range(0, len(values), size))
