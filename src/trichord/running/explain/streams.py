"""Attribution of a clip's answer to its streams."""

from __future__ import annotations

from collections.abc import Mapping

from trichord.decoding import Value
from trichord.errors import InputError
from trichord.prepare.preparation import Array
from trichord.running.explain.shapley import Attribution, coalitions, shapley
from trichord.running.explain.worth import Runs, worths

MAX_STREAMS = 8  # 256 coalitions


def explain_streams(
    model: Runs, inputs: Mapping[str, Array], answers: Mapping[str, Value], full: Mapping[str, Array]
) -> Attribution:
    """Return what each present stream contributed to `answers`, by head, which `inputs` had given.

    Runs the model on all 2^n coalitions of the n present streams. Raises InputError beyond 8 streams.
    """
    present = [name for name, array in inputs.items() if len(array)]
    if len(present) > MAX_STREAMS:
        raise InputError(
            f"{len(present)} streams have {2 ** len(present)} coalitions; explain {MAX_STREAMS} at most"
        )
    groups = coalitions(present)
    variants = [{name: inputs[name] for name in present if name in group} for group in groups]
    values = dict(zip(groups, worths(model, variants, answers, full), strict=True))
    nats = shapley(values)
    return Attribution(
        {name: nats[name] for name in present},
        values[frozenset(present)],
        values[frozenset()],
        model.metadata.stream_dropout,
    )
