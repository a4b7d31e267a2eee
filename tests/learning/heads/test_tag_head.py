import pytest
import torch

from trichord.clip import Event
from trichord.errors import InputError
from trichord.learning.heads.tag import Tag
from trichord.learning.stream import Stream

MOODS = (Event("glad", 0, 1), Event("sad", 1, 2), Event("glad", 2, 3))


def built(**options):
    torch.manual_seed(0)
    head = Tag(**options)
    head.fit([MOODS, (Event("sad", 0, 1),)])
    head.build(4)
    return head.eval()


def test_utterances_are_labelled_by_their_number():
    head = built()
    assert head.metadata()["counts"] == [2, 2]
    logits = Stream(torch.tensor([[[9.0, 0.0], [0.0, 9.0], [9.0, 0.0]]]), torch.tensor([3]))
    assert head.loss(logits, [MOODS]) < 1e-3
    assert head.loss(logits, [tuple(reversed(MOODS))]) < 1e-3  # events need no order
    assert head.loss(logits, [(Event("sad", 0, 1),)]) > 8  # the other steps have no label


def test_steps_outside_all_events_teach_nothing_unless_they_have_a_name():
    event = (Event("glad", 0.4, 0.8),)
    logits = Stream(torch.zeros(1, 30, 2), torch.tensor([30]), 25.0)
    logits.values[:, 10:20, 0] = 9.0
    assert built().loss(logits, [event]) < 1e-3
    assert built(outside="sad").loss(logits, [event]) > 0.4  # ln 2 over 20 steps of 30


def test_a_label_that_training_lacked_teaches_nothing():
    logits = Stream(torch.zeros(1, 2, 2), torch.tensor([2]))
    assert built().loss(logits, [(Event("angry", 0, 1),)]) == 0


def test_balance_makes_rare_labels_count():
    head = Tag(class_weights="balanced")
    head.fit([(Event("a", 0, 3),), (Event("b", 0, 1),)])  # three steps in four are a
    logits = Stream(torch.tensor([[[5.0, 0.0]]]), torch.tensor([1]))
    often, rare = (head.loss(logits, [(Event(what, 0, 1),)]) for what in "ab")
    plain = Tag()
    plain.restore(head.metadata())
    assert rare / plain.loss(logits, [(Event("b", 0, 1),)]) == pytest.approx(2.0)
    assert often / plain.loss(logits, [(Event("a", 0, 1),)]) == pytest.approx(2 / 3)
    with pytest.raises(ValueError, match="outside all events"):
        Tag(class_weights="balanced", outside="silence")


@pytest.mark.parametrize("target", ["glad", 0.5, (0.5, 1.0), ("glad", "sad")])
def test_other_targets_are_refused(target):
    with pytest.raises(InputError, match="sequence of events"):
        Tag().fit([target])
