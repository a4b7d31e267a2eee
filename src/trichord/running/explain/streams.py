"""Attribution of a clip's answer to its streams."""

from __future__ import annotations

import math
from collections.abc import Mapping

from trichord.decoding import Value
from trichord.errors import InputError
from trichord.prepare.preparation import Array
from trichord.running.explain.shapley import Attribution, coalitions, shapley
from trichord.running.explain.worth import Runs, said, total, worth

MAX_STREAMS = 8  # 256 coalitions


def explain_streams(
    model: Runs, inputs: Mapping[str, Array], answers: Mapping[str, Value], full: Mapping[str, Array]
) -> Attribution:
    """Return what each present stream contributed to `answers`, by head, which `inputs` had given.

    Of the 2^n coalitions of the n present streams, the model runs on all but nothing and everything, whose
    logits are known; up to four streams are one batch. Raises InputError beyond 8 streams.
    """
    values = {
        group: total(model, by_head, answers, full)
        for group, by_head in said_by_coalitions(model, inputs, answers, full).items()
    }
    return attribution_of(values, learned=model.metadata.stream_dropout)


def said_by_coalitions(
    model: Runs, inputs: Mapping[str, Array], answers: Mapping[str, Value], full: Mapping[str, Array]
) -> dict[frozenset[str], dict[str, float]]:
    """Return each answer's log-probability by head for every coalition; -inf where one says nothing of it."""
    variants = subsets_of(inputs)
    nothing, *others = variants
    values = {nothing: dict.fromkeys(answers, -math.inf)}
    if others:
        *between, everything = others
        ran = said(model, [variants[group] for group in between], answers, full)
        values |= dict(zip(between, ran, strict=True))
        heads, steps = model.metadata.heads, model.steps
        values[everything] = {name: worth(heads[name], full[name], answer, len(full[name]), steps.get(name))
                              for name, answer in answers.items()}  # fmt: skip
    return values


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
