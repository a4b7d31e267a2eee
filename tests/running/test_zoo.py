"""The models that ship: each is small, says what it is, and answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import trichord
from trichord import Audio, Video
from trichord.corpora import CORPORA
from trichord.running.runtime.zoo import zoo, zoo_names

LARGEST_BYTES = 12_000_000
SHIPPED = Path(trichord.__file__).parent / "zoo"


@pytest.mark.parametrize("name", zoo_names())
class TestEveryShippedModel:
    def test_is_small_and_has_a_card_with_its_licence_and_scores(self, name: str) -> None:
        path = zoo()[name]
        model = trichord.load(name, threads=1)
        card = path.with_suffix(".md").read_text("utf-8")
        assert path.stat().st_size <= LARGEST_BYTES
        assert card.startswith(f"# {name}\n")
        assert model.metadata.licence in card
        for head, metrics in model.metadata.scores["test"].items():
            for metric, row in metrics.items():
                assert f"{head} {metric}" in card
                assert f"{row['value']:.3f}" in card

    def test_weights_of_restricted_data_do_not_ship_in_the_package(self, name: str) -> None:
        kind = trichord.load(name, threads=1).metadata.recipe["corpus"]["kind"]
        assert CORPORA[kind].about.commercial or zoo()[name].parent != SHIPPED

    def test_invents_no_words_for_silence(self, name: str) -> None:
        model = trichord.load(name, threads=1)
        inputs = {"audio": Audio(np.zeros(32_000), 16_000)}
        if any(stream.source == "video" for stream in model.streams.values()):
            inputs["video"] = Video(np.full((50, 96, 96, 3), 90, np.uint8))
        for head, decoded in model(inputs).items():
            if model.heads[head]["kind"] == "ctc":
                assert decoded.value == ""


def test_the_flagship_ships() -> None:
    assert {"grid-avsr", "grid-command"} <= set(zoo_names())
