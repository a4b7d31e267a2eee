"""A clip answered while it arrives at real speed, as from a microphone and a camera.

The models are offline: each looks at all of a clip, forwards and backwards. So what has come so far is
answered anew every so often. Each sample and frame is prepared once, as it comes. Since every preparation
gives the same bits for any pieces as for the whole, the last answer is the one that the whole clip gets.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from itertools import takewhile
from math import ceil

from trichord.clip import Clip
from trichord.errors import InputError
from trichord.running.explain.streams import MAX_STREAMS
from trichord.running.live.pieces import Piece, pieces_of
from trichord.running.live.receiver import Receiver
from trichord.running.runtime.answer import Answer
from trichord.running.runtime.model import Beam, Model

LEAST_REST = 0.001  # seconds; a clock of finite precision may never reach a nearer moment
SLACK_SECONDS = 1.0  # between turns, so that sliding does not copy what is kept for every piece
SHARE_OF_TIME = 0.2  # at most, for attribution while a clip plays


@dataclass(frozen=True, slots=True)
class Turn:
    """An answer about the seconds from `begin` to `end`.

    `lag`: seconds between the recording of the newest piece and the answer. `settled`: by transcript, how
    many of its first words the turn before said too, at the end all (local agreement: Liu, Spanakis and
    Niehues, Low-latency sequence-to-sequence speech recognition ... by partial hypothesis selection, 2020).
    """

    answer: Answer
    begin: float
    end: float
    lag: float
    settled: dict[str, int]
    final: bool = False


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
            now = self.elapsed  # and no later: slow preparing must leave room for turns
            while piece is not None and piece.due <= now:
                self.push(piece)
                piece = next(coming, None)
            if piece is None:
                break
            if turn := self.turn():
                yield turn
                self.explain(turn)
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


def present(model: Model, clip: Clip, without: Collection[str]) -> list[str]:
    """Return the names of the streams that the clip feeds; InputError as `Preparations` raises it."""
    fed = [name for name, stream in model.streams.items() if stream.source in clip.inputs]
    if not fed or not set(without) <= set(model.streams):
        model.preparations(clip, without)  # says what is wrong
    return [name for name in fed if name not in without]
