from __future__ import annotations

import pytest
import torch

from trichord.decoding import BeamOptions, decode
from trichord.decoding.ctc import text_of
from trichord.decoding.generate import Beside
from trichord.errors import InputError, RecipeError
from trichord.learning.heads.generate import UNTAUGHT, Generate, step_of
from trichord.learning.recipe import load_recipe
from trichord.learning.stream import Stream

DIM = 16


def built(texts=("abc a", "b", "cab"), **arguments):
    torch.manual_seed(0)
    head = Generate(**{"layers": 2, "heads": 2, **arguments})
    head.fit(texts)
    head.build(DIM)
    return head.eval()


@torch.no_grad()
@pytest.mark.parametrize("pieces", [[6], [1] * 6, [2, 3, 1]])
def test_units_in_any_pieces_equal_all_at_once(pieces):
    head = built()
    told = head(Stream(torch.randn(3, 7, DIM), torch.tensor([7, 0, 4])))
    units = torch.randint(0, head.outputs, (3, 6))
    nothing = torch.zeros(3, 0, head.width)
    whole, kept = head.write(units, told, nothing)
    past, said = nothing, []
    for piece in units.split(pieces, 1):
        logits, now = head.write(piece, told, past)
        past = torch.cat([past, now], 1)
        said.append(logits)
    torch.testing.assert_close(torch.cat(said, 1), whole, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(past, kept, atol=1e-5, rtol=1e-5)


def test_it_is_taught_each_unit_and_the_end():
    head = built(max_units=3)
    before, truth = head.spell(["b a", "c!", "", "abcabc", "axb"])  # x is unknown
    a, b, c, blank = (head.labels.index(label) for label in "abc ")
    assert before.tolist() == [[0, b, blank, a], [0, c, 0, 0], [0, 0, 0, 0], [0, a, b, c], [0, a, b, 0]]
    none = UNTAUGHT
    assert truth.tolist() == [
        [b, blank, a, 0], [c, 0, none, none], [0, none, none, none], [a, b, c, a], [a, b, 0, none]
    ]  # fmt: skip


@pytest.mark.parametrize("units", ["word", "subword"])
def test_texts_come_back_whole(units):
    texts = ["the cat sat", "the hat", "a cat"]
    head = built(texts, units=units, subwords=20)
    _, truth = head.spell(texts)
    spelled = [[label for label in row if label > 0] for row in truth.tolist()]
    assert [text_of(head.described, labels) for labels in spelled] == texts


def sequences(count, generator):
    """Return texts of four letters, and streams in which each letter is a vector of its own."""
    letters = torch.randn(4, DIM, generator=torch.Generator().manual_seed(5))
    lengths = torch.randint(1, 6, (count,), generator=generator)
    rows = torch.randint(0, 4, (count, 5), generator=generator)
    texts = [
        "".join("abcd"[n] for n in row[:length]) for row, length in zip(rows.tolist(), lengths, strict=True)
    ]
    return texts, Stream(letters[rows], lengths)


def test_it_learns_to_copy():
    generator = torch.Generator().manual_seed(1)
    head = built(["abcd"], layers=1, dropout=0.0, label_smoothing=0.0, max_units=8)
    optimizer = torch.optim.Adam(head.parameters(), 1e-2)
    for _ in range(250):
        texts, stream = sequences(32, generator)
        loss = head.loss(head(stream), texts)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    texts, stream = sequences(40, generator)
    with torch.no_grad():
        told = head(stream)
    described, beside = head.metadata(), Beside(step_of(head))
    for beam in (None, BeamOptions(4)):
        said = [decode(described, told.values[row, :length].numpy(), beam=beam, beside=beside)
                for row, length in enumerate(told.lengths.tolist())]  # fmt: skip
        right = sum(one.value == text for one, text in zip(said, texts, strict=True))
        assert right >= 36, (right, loss.item())


def test_what_is_no_text_is_refused():
    with pytest.raises(InputError, match="all 2 are empty"):
        built(["", "?!"])
    with pytest.raises(InputError, match=r"is a text; got 3\.5"):
        built([3.5])


WRITES = {"kind": "generate", "target": "transcript"}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"stage": "late"}, "late fusion does not have"),
        ({"after": {"transcript": ["written"]}}, "could be read before"),
        ({"heads": {"written": WRITES | {"with_ctc": "transcript"}}}, "'transcript' is no ctc head"),
    ],
)
def test_recipes_in_which_it_cannot_work_are_refused(changes, says):
    recipe = {
        "corpus": "scenes",
        "streams": {"voice": {"from": "audio", "encoder": "rnn"}},
        "heads": {"transcript": "ctc", "written": WRITES},
    }
    with pytest.raises(RecipeError, match=says):
        load_recipe(recipe | changes)
