"""A transcript that grows as frames come, whatever the way in which it is found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from trichord.decoding.answer import Decoded
from trichord.decoding.beam import BeamSearch
from trichord.decoding.ctc import single_spaced, spelled, text_of
from trichord.decoding.ctc_paths import BLANK
from trichord.decoding.language import language_of
from trichord.decoding.lexicon import LexiconSearch
from trichord.decoding.logits import Floats
from trichord.decoding.metadata import CtcMetadata
from trichord.decoding.options import BeamOptions
from trichord.decoding.phones import lexicon_of, worded


class Transcriber(Protocol):
    """One utterance of a CTC head, fed as it comes; any pieces give what the whole gives."""

    def feed(self, log_probs: Floats) -> None:
        """Read on through `log_probs (time, classes)`."""
        ...

    def so_far(self) -> tuple[str, int]:
        """Return the text so far, and how many of its first words no further frame can change."""
        ...

    def answer(self, log_probs: Floats, rate: float) -> Decoded:
        """Return the whole of what was fed, `log_probs (time, classes)`, as an answer: the speech is over."""
        ...


def transcriber_of(head: CtcMetadata, options: BeamOptions | None) -> Transcriber:
    """Return what writes an utterance down as the options say; None is the best path."""
    if options is None:
        return BestPath(head)
    return Searched(head, options) if options.pronounced is None else Phones(head, options)


def shown(head: CtcMetadata, labels: Sequence[int]) -> str:
    return text_of(head, [labels[place] for place in single_spaced(head, labels)])


class BestPath:
    """The likeliest label of every frame."""

    def __init__(self, head: CtcMetadata) -> None:
        self.head, self.labels, self.last = head, list[int](), BLANK

    def feed(self, log_probs: Floats) -> None:
        for label in log_probs.argmax(1).tolist():
            if label not in (BLANK, self.last):
                self.labels.append(label)
            self.last = label

    def so_far(self) -> tuple[str, int]:
        text = shown(self.head, self.labels)
        return text, max(0, len(text.split()) - 1)  # letters may be added to the last

    def answer(self, log_probs: Floats, rate: float) -> Decoded:
        return spelled(self.head, log_probs, None, rate)


class Searched:
    """A beam search over labels."""

    def __init__(self, head: CtcMetadata, options: BeamOptions) -> None:
        self.head = head
        self.search = BeamSearch(options, language_of(head.labels, head.units, options))

    def feed(self, log_probs: Floats) -> None:
        self.search.feed(log_probs)

    def so_far(self) -> tuple[str, int]:
        likely, settled = (
            shown(self.head, [one.label for one in written])
            for written in (self.search.best(final=False), self.search.settled)
        )
        return likely, max(0, len(settled.split()) - 1)

    def answer(self, log_probs: Floats, rate: float) -> Decoded:
        return spelled(self.head, log_probs, [one.label for one in self.search.best()], rate)


class Phones:
    """A search for words of a pronouncing dictionary."""

    def __init__(self, head: CtcMetadata, options: BeamOptions) -> None:
        self.options = options
        self.joiner = options.pronounced.joiner if options.pronounced else " "
        self.search = LexiconSearch(lexicon_of(head.labels, options), options)

    def feed(self, log_probs: Floats) -> None:
        self.search.feed(log_probs)

    def so_far(self) -> tuple[str, int]:
        words = [spoken.word for spoken in self.search.best(final=False)]
        return self.joiner.join(words), len(self.search.settled())

    def answer(self, log_probs: Floats, rate: float) -> Decoded:
        return worded(self.search.best(), log_probs, rate, self.options)
