"""N-gram models as ARPA text (Doug Paul's format, as SRILM and KenLM write it), and inside metadata."""

from __future__ import annotations

import gzip
import math
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from trichord.decoding.ngram import (
    END,
    MAX_ORDER,
    SPACE,
    SPACE_MARK,
    START,
    UNKNOWN,
    Context,
    NgramModel,
)
from trichord.errors import InputError
from trichord.files import write_text

MAX_BYTES = 1 << 30
MAX_LINE = 100_000
MAX_NGRAMS = 20_000_000
MAX_LOG10 = 100.0
LN10 = math.log(10)


def to_arpa(model: NgramModel) -> str:
    """Return the model as ARPA text; probabilities become base 10 there."""
    ngrams: list[list[tuple[Context, float]]] = [[] for _ in range(model.order)]
    for context, followers in model.log_probs.items():
        ngrams[len(context)] += [((*context, token), p) for token, p in followers.items()]
    if START not in model.log_probs[()]:
        ngrams[0].insert(0, ((START,), -99 * LN10))
    lines = ["\\data\\", *(f"ngram {n + 1}={len(rows)}" for n, rows in enumerate(ngrams))]
    for n, rows in enumerate(ngrams):
        lines += ["", f"\\{n + 1}-grams:", *(arpa_line(ngram, p, model.back_offs) for ngram, p in rows)]
    return "\n".join([*lines, "", "\\end\\", ""])


def arpa_line(ngram: Context, log_prob: float, back_offs: Mapping[Context, float]) -> str:
    words = " ".join(SPACE_MARK if unit == SPACE else unit for unit in ngram)
    back_off = f"\t{back_offs[ngram] / LN10:.9g}" if ngram in back_offs else ""
    return f"{log_prob / LN10:.9g}\t{words}{back_off}"


def from_arpa(text: str, source: str | Path = "ARPA text") -> NgramModel:
    """Return the model that ARPA text holds; InputError names `source` and a broken line."""
    return parse(enumerate(text.split("\n"), start=1), source)


def save_arpa(model: NgramModel, path: Path) -> None:
    """Write the model to a file, atomically."""
    write_text(path, to_arpa(model))


def load_arpa(path: Path) -> NgramModel:
    """Read a model; InputError where the file is absent, broken, beyond 1 GiB or 20 million n-grams."""
    return parse(enumerate(read_lines(path), start=1), path)


def read_lines(path: Path) -> Iterator[str]:
    """Give the lines of a text file, UTF-8, unpacked where it ends in .gz.

    Raises InputError where it cannot be read, or is beyond 1 GiB, packed or not.
    """
    left = MAX_BYTES
    try:
        if (size := path.stat().st_size) > MAX_BYTES:
            raise InputError(f"{path}: {size} bytes; a text may have {MAX_BYTES}. Prune it")
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            while line := file.readline(MAX_LINE):
                if (left := left - len(line)) < 0:
                    raise InputError(f"{path}: unpacked, more than {MAX_BYTES} bytes. Prune it")
                yield line.decode("utf-8-sig")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as text ({error})") from None


def to_metadata(model: NgramModel) -> dict[str, Any]:
    """Return the model as plain JSON values, for a model file's metadata."""
    return {"kind": "ngram", "arpa": to_arpa(model)}


def from_metadata(values: Mapping[str, Any]) -> NgramModel:
    """Take back what `to_metadata` returned; raises InputError for anything else."""
    if values.get("kind") != "ngram" or not isinstance(values.get("arpa"), str):
        raise InputError("a language model in metadata must be {'kind': 'ngram', 'arpa': text}")
    return from_arpa(values["arpa"], "the language model in the metadata")


def parse(lines: Iterable[tuple[int, str]], source: str | Path) -> NgramModel:
    log_probs: dict[Context, dict[str, float]] = {(): {}}
    back_offs: dict[Context, float] = {}
    order = 0
    for number, (n, line) in enumerate(ngram_lines(lines, source)):
        if number >= MAX_NGRAMS:
            raise InputError(f"{source}: more than {MAX_NGRAMS} n-grams; prune the model")
        log_prob, ngram, back_off = fields_of(line, n, source)
        log_probs.setdefault(ngram[:-1], {})[ngram[-1]] = log_prob
        if back_off is not None:
            back_offs[ngram] = back_off
        order = max(order, n)
    if END not in log_probs[()]:
        raise InputError(f"{source}: holds no 1-gram {END}; it is not a whole ARPA model")
    log_probs[()].pop(START, None)  # its probability is a placeholder: nothing is followed by a start
    log_probs[()].setdefault(UNKNOWN, -MAX_LOG10 * LN10)
    return NgramModel(order, log_probs, back_offs)


def ngram_lines(lines: Iterable[tuple[int, str]], source: str | Path) -> Iterator[tuple[int, str]]:
    """Give the lines that hold n-grams with their n; raise InputError where the sections are not in order."""
    n = 0
    for number, raw in lines:
        line = raw.strip("\r\n\t ")
        if line == "\\end\\":
            return
        if line == f"\\{n + 1}-grams:" and n < MAX_ORDER:
            n += 1
        elif line.startswith("\\") and line.endswith("-grams:"):
            raise InputError(f"{source}: line {number}: section {line!r:.40} is out of order or beyond "
                             f"order {MAX_ORDER}")  # fmt: skip
        elif line and n:
            yield n, line
    raise InputError(f"{source}: ends without \\end\\; the file is cut short or is not ARPA text")


def fields_of(line: str, n: int, source: str | Path) -> tuple[float, Context, float | None]:
    """Return natural log-probability, n-gram and back-off of one line."""
    fields = line.split()
    if len(fields) not in (n + 1, n + 2):
        raise InputError(f"{source}: {line!r:.80} is not a {n}-gram: expected log10, {n} tokens, back-off")
    try:
        numbers = [float(field) for field in (fields[0], *fields[n + 1 :])]
    except ValueError:
        raise InputError(f"{source}: {line!r:.80} does not hold a number where one belongs") from None
    if not all(abs(value) <= MAX_LOG10 for value in numbers) or numbers[0] > 0:
        raise InputError(f"{source}: {line!r:.80}: a log10 probability must be from -{MAX_LOG10:g} to 0")
    ngram = tuple(SPACE if field == SPACE_MARK else field for field in fields[1 : n + 1])
    return numbers[0] * LN10, ngram, numbers[1] * LN10 if len(numbers) > 1 else None
