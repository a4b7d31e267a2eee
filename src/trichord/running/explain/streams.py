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

    Runs the model on all 2^n coalitions of the n present streams, up to four streams as one batch. Raises
    InputError beyond 8 streams.
    """
    variants = subsets_of(inputs)
    values = dict(zip(variants, worths(model, list(variants.values()), answers, full), strict=True))
    return attribution_of(values, learned=model.metadata.stream_dropout)


def subsets_of(inputs: Mapping[str, Array]) -> dict[frozenset[str], dict[str, Array]]:
    """Return the inputs of every coalition of the present streams, nothing first and everything last."""
    present = [name for name, array in inputs.items() if len(array)]
    if len(present) > MAX_STREAMS:
        raise InputError(
            f"{len(present)} streams have {2 ** len(present)} coalitions; explain {MAX_STREAMS} at most"
        )
    return {group: {name: inputs[name] for name in present if name in group} for group in coalitions(present)}


def attribution_of(values: Mapping[frozenset[str], float], *, learned: bool) -> Attribution:
    """Return the streams' contributions, given every coalition's value, nothing first and everything last."""
    groups = list(values)
    singles = [name for group in groups if len(group) == 1 for name in group]
    nats = shapley(values)
    return Attribution({name: nats[name] for name in singles}, values[groups[-1]], values[groups[0]], learned)
