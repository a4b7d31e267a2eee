from __future__ import annotations

import json
from pathlib import Path

import pytest
from tiny_models import echo_model, feeling_model, metadata, save, verb_model

from trichord.running.runtime import Model


@pytest.fixture(scope="session")
def verb(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return Model(
        save(verb_model(), folder(tmp_path_factory), json.dumps(metadata(("voice", "words"), ("verb",))))
    )


@pytest.fixture(scope="session")
def echo(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return Model(
        save(echo_model(), folder(tmp_path_factory), json.dumps(metadata(("signal",), ("transcript",))))
    )


@pytest.fixture(scope="session")
def feeling(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return Model(
        save(
            feeling_model(),
            folder(tmp_path_factory),
            json.dumps(metadata(("face", "tone"), ("feeling",))),
        )
    )


def folder(factory: pytest.TempPathFactory) -> Path:
    return factory.mktemp("models") / "tiny.onnx"
