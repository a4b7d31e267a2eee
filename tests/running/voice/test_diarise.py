from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster
from scipy.cluster.hierarchy import linkage as scipy_linkage
from scipy.spatial.distance import squareform

from trichord.clip import Audio, Event
from trichord.errors import InputError
from trichord.metrics import diarisation_errors
from trichord.running.voice import DiariseSettings, MfccVoice, diarise
from trichord.running.voice.activity import ActivitySettings
from trichord.running.voice.clustering import cluster, in_order, linkage, smooth
from trichord.running.voice.diarise import counts_in, pieces_of
from trichord.running.voice.embeddings import unit_length

RATE = 16_000
TURNS = [("a", 0, 4), ("b", 4, 8), ("a", 8.5, 12), ("b", 13, 16)]
REFERENCE = [Event(*turn) for turn in TURNS]


def conversation():
    """Two voices: buzzes of other pitches and timbres, with pauses."""
    rng, samples = np.random.default_rng(0), np.zeros(16 * RATE)
    for who, start, end in TURNS:
        time = np.arange(round((end - start) * RATE)) / RATE
        pitch, tilt = {"a": (110, 0.6), "b": (210, 1.6)}[who]
        tones = sum(np.sin(2 * np.pi * pitch * k * time) / k**tilt for k in range(1, 20))
        samples[round(start * RATE) : round(end * RATE)] = 0.05 * tones * (1 + 0.3 * rng.standard_normal())
    return Audio((samples + 1e-4 * rng.standard_normal(len(samples))).astype(np.float32), RATE)


def by_name(audio, spans):
    """Embeddings that know who speaks in the midst of a span, and who is near."""
    rows = []
    for start, end in spans:
        shares = [
            sum(
                max(0.0, min(end, turn.end) - max(start, turn.start))
                for turn in REFERENCE
                if turn.what == who
            )
            for who in "ab"
        ]
        rows.append(shares)
    return unit_length(np.array(rows, np.float64).reshape(-1, 2))


def test_two_voices_are_told_apart_without_a_model():
    chosen = DiariseSettings(speakers=2, activity=ActivitySettings(detector="energy"))
    found = diarise(conversation(), chosen)
    assert {turn.what for turn in found} == {"S1", "S2"}
    assert found[0].what == "S1"
    assert diarisation_errors(REFERENCE, found, collar=0.5).rate < 0.05


def test_good_embeddings_tell_how_many_there_are():
    found = diarise(conversation(), DiariseSettings(threshold=0.5), embed=by_name, speech=REFERENCE)
    errors = diarisation_errors(REFERENCE, found, collar=0.3)
    assert errors.rate == 0
    assert errors.speakers == {"S1": "a", "S2": "b"}
    one = diarise(conversation(), DiariseSettings(threshold=2), embed=by_name, speech=REFERENCE)
    assert {turn.what for turn in one} == {"S1"}


def test_a_second_speaker_is_heard_where_both_are_near():
    chosen = DiariseSettings(threshold=0.5, overlap=0.5)
    found = diarise(conversation(), chosen, embed=by_name, speech=REFERENCE)
    both = diarisation_errors(found, found).speech - diarisation_errors(REFERENCE, REFERENCE).speech
    assert 0 < both < 3
    assert diarisation_errors(found, found, skip_overlap=True).speech > 10


def test_as_many_speak_as_a_crowd_says():
    crowd = [Event("1", 0, 4), Event("2", 5, 7), Event("3", 14, 15)]
    found = diarise(
        conversation(), DiariseSettings(threshold=0.5), embed=by_name, speech=REFERENCE, crowd=crowd
    )
    expected = [*REFERENCE, Event("a", 5, 7), Event("a", 14, 15)]  # a third is not known
    assert diarisation_errors(expected, found, collar=0.3).rate == 0
    for what in ("bob", "9" * 200, "²"):
        with pytest.raises(InputError, match="called by how many speak"):
            diarise(conversation(), embed=by_name, speech=REFERENCE, crowd=[Event(what, 0, 1)])


@settings(max_examples=60, deadline=None)
@given(
    crowd=st.lists(st.tuples(st.integers(1, 9), st.floats(0, 9), st.floats(0, 3)), max_size=8),
    bounds=st.lists(st.floats(0, 10), min_size=2, max_size=9, unique=True).map(sorted),
)
def test_counts_are_means_over_time(crowd, bounds):
    assume(min(b - a for a, b in pairwise(bounds)) > 0.01)
    events = [Event(str(count), start, start + lasting) for count, start, lasting in crowd]
    expected = [
        sum(int(e.what) * max(0.0, min(b, e.end) - max(a, e.start)) for e in events) / (b - a)
        for a, b in pairwise(bounds)
    ]
    np.testing.assert_allclose(counts_in([*pairwise(bounds)], events), expected, atol=1e-6)


def test_a_crowd_without_an_end_goes_on():
    np.testing.assert_allclose(counts_in([(0, 2), (2, 4)], [Event("2", 1.0)]), [1, 2])


def test_who_hardly_speaks_is_no_speaker():
    short = [Event("a", 0, 4), Event("b", 4, 4.5)]

    def embed(audio, spans):
        return np.array([[1.0, 0.0] if sum(span) / 2 < 4 else [0.0, 1.0] for span in spans])

    chosen = {"threshold": 0.5, "window": 0.5, "change": 0.0}
    found = diarise(conversation(), DiariseSettings(least=1.0, **chosen), embed=embed, speech=short)
    assert {turn.what for turn in found} == {"S1"}
    found = diarise(conversation(), DiariseSettings(least=0.0, **chosen), embed=embed, speech=short)
    assert {turn.what for turn in found} == {"S1", "S2"}


def test_silence_has_no_speakers():
    silence = Audio(np.zeros(RATE, np.float32), RATE)
    assert diarise(silence, DiariseSettings(activity=ActivitySettings(detector="energy"))) == ()
    assert diarise(silence, speech=[Event("speech", 5, 6)]) == ()


def test_speech_is_cut_on_one_grid():
    pieces = list(pieces_of([Event("x", 0.1, 0.8), Event("x", 1.0, 1.25)], 0.25, 10.0))
    assert pieces == [(0.1, 0.25), (0.25, 0.5), (0.5, 0.75), (0.75, 0.8), (1.0, 1.25)]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), items=st.integers(2, 30), dim=st.integers(2, 4))
def test_clusters_are_scipys(seed, items, dim):
    rows = unit_length(np.random.default_rng(seed).standard_normal((items, dim)))
    distances = np.clip(1 - rows @ rows.T, 0, None)
    np.fill_diagonal(distances, 0)
    tree = scipy_linkage(squareform(distances, checks=False), "average")
    heights = sorted(height for _, _, height in linkage(distances))
    np.testing.assert_allclose(heights, tree[:, 2], atol=1e-9)
    at = float(np.mean(heights)) + 1e-7
    expected = in_order(fcluster(tree, at, "distance"))
    np.testing.assert_array_equal(cluster(rows, threshold=at), expected)
    for count in (1, 2):
        assert len(set(cluster(rows, threshold=0, count=count))) == count


def test_of_many_embeddings_some_are_linked():
    rows = unit_length(np.eye(3)[np.arange(4000) % 3] + 0.01)
    labels = cluster(rows, threshold=0.5)
    np.testing.assert_array_equal(labels, np.arange(4000) % 3)
    assert len(cluster(rows[:0], threshold=0.5)) == 0


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), time=st.integers(1, 6), change=st.floats(0, 3))
def test_the_path_is_the_best_of_all(seed, time, change):
    scores = np.random.default_rng(seed).standard_normal((time, 2))

    def worth(path):
        changes = sum(a != b for a, b in pairwise(path))
        return scores[np.arange(time), path].sum() - change * changes

    every = [[(number >> step) & 1 for step in range(time)] for number in range(2**time)]
    assert worth(list(smooth(scores, change))) == pytest.approx(max(map(worth, every)))


@pytest.mark.parametrize("changes", [{"hop": 0}, {"hop": 2.0}, {"speakers": 0}, {"threshold": -1}])
def test_settings_of_diarisation_must_make_sense(changes):
    with pytest.raises(InputError):
        DiariseSettings(**changes)


def test_the_baseline_embeds_whatever_it_is_given():
    audio = conversation()
    rows = MfccVoice()(audio, [(0.0, 1.5), (5.0, 5.01), (15.99, 16.0), (4.0, 5.5)])
    assert rows.shape == (4, 40)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1)
    assert MfccVoice()(audio, []).shape == (0, 40)
