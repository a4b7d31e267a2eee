"""The head that writes a transcript, without knowing when each unit was said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from typing import Annotated, Any, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from trichord.clip import Target
from trichord.decoding import BeamOptions, NgramModel
from trichord.decoding.metadata import CtcMetadata, read_head
from trichord.decoding.options import Pronounced, beam_from_metadata, beam_to_metadata
from trichord.decoding.subword import learn_subwords, split_word
from trichord.errors import InputError
from trichord.learning.dropout import Dropout, DropoutShare
from trichord.learning.heads.head import Head, answerable, nothing
from trichord.learning.meanings import Sayings, Written, loss_of_sayings, read_grammar, search_for
from trichord.learning.pronouncing import DictionaryName, dictionary
from trichord.learning.stream import Stream
from trichord.metrics import normalise_text

BLANK = ""
PHONE_BEAM = 40
SPELLING_ORDER = 4
"""Letters that a spelling model looks at, the one that it foretells among them."""


class Ctc(Head):
    """Writes a transcript by connectionist temporal classification (Graves et al., 2006).

    Targets are transcripts, normalised by `trichord.metrics.normalise_text`. Unit 0 is the blank; units
    that no training transcript has are left out of the loss's targets, for the head cannot write them.

    units: what a step writes: a character, as of Chinese; a whole word, or a syllable between blanks, as of
        pinyin; a subword, one of the parts that words are often made of; or a phone of its `dictionary`, of
        which the search then makes words.
    dictionary: how the words of a language are pronounced, where units are phones: english or mandarin.
    vocabulary: how many of the language's most frequent words may be said beside those of the training
        transcripts; the language model falls back on how frequent they are. With none, in Chinese, each
        character is a word.
    subwords: how many subwords to learn from the training transcripts, their characters among them.
    language_order: words that a language model of the training transcripts looks at, or characters where
        they have no blanks between words; the head then answers by beam search. None keeps no such model, and
        answers by the best path.
    language_weight: how much that model's log-probability counts beside the logits'; none lets validation
        clips choose.
    open_vocabulary: let the search write words that no training transcript holds, by how words are spelled.
    grammar: what may be said, `expressions` by intent and phrases of `slots`, as `trichord.decoding.grammar`
        reads them; or a YAML file of that, looked for among the corpora too. Targets are then what is meant,
        `order size=small`, and nobody needs to have written down in which words: the head learns from all
        sentences that mean it, each as likely as it finds it, and answers what is meant by the likeliest
        sentence of all.
    weight: share of this head in the loss of all.
    dropout: share of the fused vector that is dropped while learning.
    """

    def __init__(
        self,
        units: Literal["character", "word", "subword", "phone"] = "character",
        dictionary: DictionaryName | None = None,
        vocabulary: Annotated[int, Field(ge=0, le=200_000)] = 0,
        subwords: Annotated[int, Field(ge=2, le=10_000)] = 300,
        language_order: Annotated[int, Field(ge=1, le=6)] | None = None,
        language_weight: Annotated[float, Field(ge=0)] | None = None,
        open_vocabulary: bool = False,
        grammar: Written | None = None,
        weight: Annotated[float, Field(ge=0)] = 1.0,
        dropout: DropoutShare = 0.1,
    ) -> None:
        super().__init__()
        if (units == "phone") != (dictionary is not None):
            raise ValueError("units of phones, and no others, need a dictionary: english or mandarin")
        if grammar is not None and (dictionary is None or language_order is not None):
            raise ValueError("a grammar is of a dictionary's words, and stands in place of a language_order")
        if units == "phone" and language_order is None and grammar is None:
            raise ValueError("phones become words by a language model; give a language_order, as 3")
        if vocabulary and (dictionary is None or grammar is not None):
            raise ValueError("a vocabulary is of a dictionary's words, beside a language_order")
        if units == "phone" and open_vocabulary:
            raise ValueError("phones become words of a dictionary; there is no open_vocabulary of them")
        self.units, self.weight, self.dropout = units, weight, dropout
        self.dictionary, self.vocabulary = dictionary, vocabulary
        self.subwords, self.open_vocabulary = subwords, open_vocabulary
        self.language_order, self.language_weight = language_order, language_weight
        self.grammar = grammar
        self.labels: list[str] = []
        self.search: dict[str, Any] | None = None

    def fit(self, targets: Sequence[Target]) -> None:
        """Learn the units of the training transcripts; raises InputError where there are none."""
        if self.grammar is not None:
            self.fit_grammar(self.grammar, targets)
            return
        texts = [self.text(target) for target in targets]
        if not any(texts):
            raise InputError(f"a ctc head learns units from transcripts; all {len(targets)} are empty")
        if self.units == "subword":
            units = learn_subwords((word for text in texts for word in text.split()), self.subwords)
        else:
            known = dictionary(self.dictionary).phones if self.dictionary else ()
            units = list(known) or sorted({unit for target in targets for unit in self.split(target)})
        self.labels = [BLANK, *units]
        if self.language_order is not None:
            self.search = beam_to_metadata(self.searched(texts, self.language_order))
        elif self.open_vocabulary:
            raise InputError("a ctc head's open_vocabulary needs a language_order")

    def fit_grammar(self, written: Written, targets: Sequence[Target]) -> None:
        """Read the grammar; raises InputError where a target is the meaning of nothing in it."""
        assert self.dictionary is not None
        spoken = dictionary(self.dictionary)
        options = search_for(read_grammar(written), spoken)
        assert options.pronounced is not None
        said = {phone for ways in options.pronounced.words.values() for way in ways for phone in way.split()}
        self.labels = [BLANK, *(spoken.phones or sorted(said))]
        self.search = beam_to_metadata(options)
        for target in targets:
            self.sayings(str(target))

    @cached_property
    def sayings(self) -> Sayings:
        assert self.search is not None
        return Sayings(self.search, self.labels)

    @cached_property
    def searching(self) -> BeamOptions | None:
        """How validation searches: by a grammar, without which an answer has no meaning; else not at all."""
        return None if self.grammar is None else beam_from_metadata(self.metadata())

    def searched(self, texts: Sequence[str], order: int) -> BeamOptions:
        """Return how to search, by a language model of the transcripts."""
        options = BeamOptions() if self.language_weight is None else BeamOptions(alpha=self.language_weight)
        if self.units == "character" and " " not in self.labels:
            return replace(options, language=NgramModel.train(texts, order), level="character")
        if self.dictionary is not None:
            return self.pronounced(texts, order, options)
        sentences = [text.split() for text in texts]
        language = NgramModel.train(sentences, order, open_vocabulary=self.open_vocabulary)
        if not self.open_vocabulary:
            return replace(options, language=language)
        if self.units == "word":
            raise InputError("a ctc head of whole words cannot spell others: take units of characters or "
                             "subwords for an open_vocabulary")  # fmt: skip
        # Each word once: a new one is spelled like the many, not like the frequent.
        words = sorted(language.vocabulary)
        return replace(options, language=language, spelling=NgramModel.train(words, SPELLING_ORDER))

    def pronounced(self, texts: Sequence[str], order: int, options: BeamOptions) -> BeamOptions:
        """Return how to search for words that the dictionary knows: frequent ones, and the transcripts'."""
        assert self.dictionary is not None
        spoken = dictionary(self.dictionary)
        frequent = spoken.frequent(self.vocabulary) if self.vocabulary else {}
        sentences = [spoken.words(text, frequent) for text in texts]
        known = {*frequent, *(word for words in sentences for word in words)}
        if not spoken.joiner:  # whatever no word holds is written character by character
            known |= {character for word in known for character in word}
        ways = {word: spoken.ways(word) for word in sorted(known)}
        for words in sentences:
            for word, way in zip(words, spoken.spoken(words) or (), strict=False):
                if way not in ways[word]:  # in a phrase, a word may sound as it never does alone
                    ways[word].append(way)
        pronounced = Pronounced({word: tuple(said) for word, said in ways.items() if said}, spoken.joiner)
        return replace(
            options,
            width=PHONE_BEAM,
            language=NgramModel.train(sentences, order, prior=frequent or None),
            level="word" if spoken.joiner else "character",
            pronounced=pronounced,
        )

    def metadata(self) -> dict[str, Any]:
        described = {"kind": "ctc", "units": self.units, "labels": list(self.labels)}
        return described | ({"beam": self.search} if self.search else {})

    def restore(self, metadata: dict[str, Any]) -> None:
        self.labels = list(read_head(CtcMetadata, metadata).labels)
        self.search = metadata.get("beam")

    @property
    def outputs(self) -> int:
        return len(self.labels)

    def build(self, dim: int) -> None:
        self.write = nn.Sequential(Dropout(self.dropout), nn.Linear(dim, self.outputs))

    def forward(self, fused: Stream) -> Stream:
        return fused._replace(values=self.write(fused.cleared().values)).cleared()

    def loss(self, logits: Stream, targets: Sequence[Target | None]) -> Tensor:
        """Return the negative log-likelihood per target unit, averaged over the items with a transcript.

        A transcript that is too long for its frames counts as 0 and teaches nothing.
        """
        if self.grammar is not None:
            said = {row: self.sayings(str(target)) for row, target in answerable(logits, targets).items()}
            loss = loss_of_sayings(logits, said)
            return nothing(logits) if loss is None else loss
        teaching = [target if target is None or self.teaches(target) else None for target in targets]
        known = answerable(logits, teaching)
        if not known:
            return nothing(logits)
        rows, device = list(known), logits.values.device
        spelled, lengths = self.spell(list(known.values()))
        log_probs = logits.cleared().values[rows].float().log_softmax(2)  # (items, time, units)
        losses = F.ctc_loss(
            log_probs.transpose(0, 1), spelled.to(device), logits.lengths[rows], lengths.to(device),
            reduction="none", zero_infinity=True,
        )  # fmt: skip
        return (losses / lengths.to(device).clamp(min=1)).mean()

    def writes(self, target: Target) -> Target | None:
        """Return a target as an answer without a search writes it: of phones, those of its words.

        None where the dictionary lacks one of them.
        """
        if self.dictionary is None or self.grammar is not None:
            return target
        return " ".join(self.split(target)) if self.teaches(target) else None

    def teaches(self, target: Target) -> bool:
        """Whether a transcript's units are known: of phones, where the dictionary has all of its words."""
        return self.dictionary is None or bool(self.split(target)) or not self.text(target)

    def spell(self, targets: Sequence[Target]) -> tuple[Tensor, Tensor]:
        """Return unit numbers `(items, longest)`, zero past each length, and lengths `(items,)`."""
        numbers = {label: number for number, label in enumerate(self.labels)}
        rows = [[numbers[unit] for unit in self.split(target) if unit in numbers] for target in targets]
        spelled = torch.zeros(len(rows), max(1, *map(len, rows)), dtype=torch.long)
        for row, units in enumerate(rows):
            spelled[row, : len(units)] = torch.tensor(units, dtype=torch.long)
        return spelled, torch.tensor([len(units) for units in rows])

    def split(self, target: Target) -> list[str]:
        """Return a transcript's units; raises InputError for a target that is no text.

        A transcript with a word that the dictionary lacks has no phones, and teaches nothing.
        """
        text = self.text(target)
        if self.dictionary is not None:
            return list(phones_in(self.dictionary, text))
        if self.units == "subword":
            ranks = {label: number for number, label in enumerate(self.labels) if number}
            return [unit for word in text.split() for unit in split_word(word, ranks)]
        return list(text) if self.units == "character" else text.split()

    def text(self, target: Target) -> str:
        """Return a transcript as it is learned; raises InputError for a target that is no text."""
        if not isinstance(target, str):
            raise InputError(f"a ctc head's target is a transcript; got {target!r:.80}")
        return normalise_text(target)


@lru_cache(maxsize=100_000)
def phones_in(name: DictionaryName, text: str) -> tuple[str, ...]:
    """Return the phones of a normalised transcript; none where the dictionary lacks one of its words."""
    spoken = dictionary(name)
    return tuple(phone for way in spoken.spoken(spoken.words(text)) or () for phone in way.split())
