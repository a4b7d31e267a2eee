from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from trichord.decoding.options import beam_from_metadata
from trichord.errors import ArtifactError, InputError
from trichord.learning.heads.ctc import Ctc
from trichord.learning.stream import Stream


def fitted(targets, units="character"):
    head = Ctc(units=units)
    head.fit(targets)
    return head


def test_units_are_those_of_normalised_transcripts():
    assert fitted(["Bad, cab!", ""]).labels == ["", " ", "a", "b", "c", "d"]
    assert fitted(["Bad, cab!", "a cab"], "word").labels == ["", "a", "bad", "cab"]


def test_subwords_are_learned_and_strangers_spelled_by_their_characters():
    head = Ctc(units="subword", subwords=8)
    head.fit(["The theme", "then the men"] * 2)
    assert head.labels == ["", "▁", "e", "h", "m", "n", "t", "he", "the"]
    assert head.split("them, men") == ["▁", "the", "m", "▁", "m", "e", "n"]
    again = Ctc(units="subword")
    again.restore(head.metadata())
    assert again.split("then") == head.split("then")


def test_syllables_between_blanks_are_words():
    assert fitted(["ni3 hao3", "hao3"], "word").labels == ["", "hao3", "ni3"]


def test_the_loss_is_the_likelihood_per_unit():
    head = fitted(["ab"])
    logits = torch.randn(1, 2, 3, generator=torch.Generator().manual_seed(0))
    a, b = logits.log_softmax(2)[0, 0, 1], logits.log_softmax(2)[0, 1, 2]  # two steps, one path
    loss = head.loss(Stream(logits, torch.tensor([2]), 25.0), ["ab"])
    torch.testing.assert_close(loss, -(a + b) / 2)


def test_an_empty_transcript_is_all_blank():
    head = fitted(["ab"])
    logits = torch.zeros(1, 4, 3)
    loss = head.loss(Stream(logits, torch.tensor([4]), 25.0), ["?!"])
    assert loss.item() == pytest.approx(4 * math.log(3))


def test_a_transcript_too_long_for_its_frames_teaches_nothing():
    head = fitted(["ab"])
    logits = torch.zeros(2, 4, 3, requires_grad=True)
    loss = head.loss(Stream(logits, torch.tensor([1, 4]), 25.0), ["abab", "ab"])
    loss.backward()
    assert loss.isfinite()
    assert (logits.grad[0] == 0).all()
    assert (logits.grad[1] != 0).any()


def test_units_unseen_in_training_are_left_out():
    head = fitted(["one two"], "word")
    logits = Stream(torch.randn(1, 5, 3), torch.tensor([5]), 25.0)
    assert head.loss(logits, ["one three two"]) == head.loss(logits, ["one two"])


def test_half_precision_logits_give_a_whole_loss():
    head = fitted(["ab"])
    loss = head.loss(Stream(torch.randn(1, 9, 3, dtype=torch.bfloat16), torch.tensor([9]), 25.0), ["ab"])
    assert loss.dtype == torch.float32


def test_what_is_no_transcript_is_refused():
    with pytest.raises(InputError, match="transcript; got 3"):
        fitted([3.0])
    with pytest.raises(InputError, match="all 2 are empty"):
        fitted(["", "..."])
    with pytest.raises(ArtifactError, match="labels repeat"):
        Ctc().restore({"kind": "ctc", "labels": ["", "a", "a"]})


def test_ctc_agrees_with_torch_on_a_batch():
    head = fitted(["abc", "cab"])
    torch.manual_seed(0)
    logits = Stream(torch.randn(2, 12, 4), torch.tensor([12, 9]), 25.0)
    losses = F.ctc_loss(
        logits.values.log_softmax(2).transpose(0, 1), torch.tensor([[1, 2, 3], [3, 1, 0]]),
        torch.tensor([12, 9]), torch.tensor([3, 2]), reduction="mean",
    )  # fmt: skip
    torch.testing.assert_close(head.loss(logits, ["abc", "ca"]), losses)


def test_a_language_model_of_the_transcripts_travels_with_the_head() -> None:
    head = Ctc(language_order=2)
    head.fit(["bin blue at f two now", "lay red by z one soon"] * 3)
    options = beam_from_metadata(head.metadata())
    assert options is not None and options.language is not None
    assert options.language.score("blue", ("bin",)) > options.language.score("red", ("bin",))
    assert options.spelling is None
    again = Ctc(language_order=2)
    again.restore(head.metadata())
    assert again.metadata() == head.metadata()


@pytest.mark.parametrize("units", ["character", "subword"])
def test_an_open_vocabulary_knows_how_words_are_spelled(units: str) -> None:
    head = Ctc(units=units, language_order=2, language_weight=0.7, open_vocabulary=True)  # type: ignore[arg-type]
    head.fit(["bin blue at f two now", "lay red by z one soon"] * 3)
    options = beam_from_metadata(head.metadata())
    assert options is not None and options.spelling is not None
    assert options.alpha == 0.7
    assert options.spelling.sentence_score("bed") > options.spelling.sentence_score("dbe")
    assert options.language is not None and options.language.score("green") > math.log(0.01)


def test_text_without_blanks_has_a_model_of_characters() -> None:
    head = Ctc(language_order=2)
    head.fit(["你好", "好你你"])
    options = beam_from_metadata(head.metadata())
    assert options is not None and options.language is not None
    assert (options.level, options.language.vocabulary) == ("character", {"你", "好"})


def test_what_cannot_be_open_is_refused() -> None:
    with pytest.raises(InputError, match="language_order"):
        Ctc(open_vocabulary=True).fit(["a b"])
    with pytest.raises(InputError, match="whole words"):
        Ctc(units="word", language_order=2, open_vocabulary=True).fit(["a b"])
