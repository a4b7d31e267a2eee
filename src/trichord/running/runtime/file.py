"""Opening a model file safely: one file, whole, bounded, and as its metadata says."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from trichord.artifact import (
    MAX_FILE_BYTES,
    METADATA_KEY,
    Metadata,
    memory_name,
    parse_metadata,
    step_inputs,
    step_outputs,
)
from trichord.errors import ArtifactError
from trichord.running.runtime.external import has_external_data

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

MAX_MEMORY_BYTES = 8 << 30
"""What all model files of a process together may hold while they run."""
Shape: TypeAlias = tuple[int | Literal["free", "any"], ...]
ANY: Literal["any"] = "any"
ONNX_TYPES = {"samples": "float", "frames": "uint8", "tokens": "int64", "array": "float"}


def open_model_file(path: Path, *, threads: int = 0) -> tuple[InferenceSession, Metadata]:
    """Return a session and the file's metadata; `threads` within an operator, 0 for one per core.

    Raises ArtifactError for a file that is too large, not ONNX, in more than one file, without valid
    metadata, or whose graph is not what its metadata says.
    """
    data = read_bytes(path)
    refuse_external_data(path, data)
    session = open_session(path, data, threads)
    try:
        return session, checked_metadata(path, session)
    except UnicodeDecodeError as error:
        raise ArtifactError(f"{path}: a name in it is not UTF-8 ({error})") from None


def checked_metadata(path: Path, session: InferenceSession) -> Metadata:
    text = session.get_modelmeta().custom_metadata_map.get(METADATA_KEY)
    if text is None:
        raise ArtifactError(f"{path}: an ONNX file, but not Trichord's; make one with 'trichord export'")
    metadata = parse_metadata(text, path)
    check_inputs(path, session, metadata)
    check_outputs(path, session, metadata)
    return metadata


def read_bytes(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise ArtifactError(f"{path}: {size} bytes; a model file may have {MAX_FILE_BYTES}")
        return path.read_bytes()
    except OSError as error:
        raise ArtifactError(f"{path}: cannot be read ({error.strerror or error})") from None


def refuse_external_data(path: Path, data: bytes) -> None:
    try:
        external = has_external_data(data)
    except ValueError as error:
        raise ArtifactError(f"{path}: not an ONNX file, or a damaged one ({error})") from None
    if external:
        raise ArtifactError(
            f"{path}: keeps weights in other files; a Trichord model is one file. Export again"
        )


def open_session(path: Path, data: bytes, threads: int) -> InferenceSession:
    import onnxruntime

    limit_memory()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.use_env_allocators", "1")
    try:
        # without its fallback, which prints
        return onnxruntime.InferenceSession(
            data, options, providers=["CPUExecutionProvider"], enable_fallback=False
        )
    except Exception as error:  # ONNX Runtime's exceptions have no base of their own
        raise ArtifactError(f"{path}: not an ONNX file that can be run ({first_line(error)})") from None


@cache
def limit_memory() -> None:
    """Bound, once a process, what graphs may allocate: a hostile one can ask for exabytes."""
    import onnxruntime

    onnxruntime.set_default_logger_severity(4)
    memory = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    grow_as_asked = {"max_mem": MAX_MEMORY_BYTES, "arena_extend_strategy": 1}
    onnxruntime.create_and_register_allocator(memory, onnxruntime.OrtArenaCfg(grow_as_asked))


def check_inputs(path: Path, session: InferenceSession, metadata: Metadata) -> None:
    expected: dict[str, tuple[str, Shape]] = {}
    block = metadata.block
    for name, stream in metadata.streams.items():
        time: int | Literal["free"] = "free" if block is None else block.steps[name]
        expected[name] = (ONNX_TYPES[stream.input.kind], ("free", time, *stream.input.shape))
        expected[f"{name}_lengths"] = ("int64", ("free",))
    for number, shape in enumerate(block.memory if block else ()):
        expected[memory_name(number)] = ("float", ("free", *shape))
    for name, width in metadata.steps.items():
        units, told, lengths, past = step_inputs(name)
        expected |= {units: ("int64", ("free", "free")), lengths: ("int64", ("free",))}
        expected |= dict.fromkeys((told, past), ("float", ("free", "free", width)))
    check_values(path, "input", session.get_inputs(), expected)


def check_outputs(path: Path, session: InferenceSession, metadata: Metadata) -> None:
    expected: dict[str, tuple[str, Shape]] = {}
    for name in metadata.heads:
        expected[name] = ("float", ("any", "any", "any"))
        expected[f"{name}_lengths"] = ("int64", ("any",))
    for number, shape in enumerate(metadata.block.memory if metadata.block else ()):
        expected[memory_name(number, after=True)] = ("float", (ANY,) * (1 + len(shape)))
    for name in metadata.steps:
        expected |= dict.fromkeys(step_outputs(name), ("float", (ANY,) * 3))
    check_values(path, "output", session.get_outputs(), expected)


def check_values(path: Path, what: str, found: Iterable[Any], expected: dict[str, tuple[str, Shape]]) -> None:
    """Compare the graph's inputs or outputs with the types and shapes expected."""
    values = {value.name: value for value in found}
    if set(values) != set(expected):
        raise ArtifactError(
            f"{path}: its graph has {what}s {sorted(values)}, its metadata describes {sorted(expected)}"
        )
    for name, (kind, shape) in expected.items():
        value = values[name]
        if value.type != f"tensor({kind})" or not agrees(value.shape, shape):
            raise ArtifactError(
                f"{path}: {what} {name!r} is {value.type} {value.shape}; "
                f"its metadata describes {kind} {list(shape)}"
            )


def agrees(found: list[int | str | None], expected: Shape) -> bool:
    if len(found) != len(expected):
        return False
    return all(
        want == "any" or (not isinstance(size, int) if want == "free" else size == want)
        for size, want in zip(found, expected, strict=True)
    )


def first_line(error: Exception, limit: int = 160) -> str:
    """Return the beginning of another library's message, in one line."""
    return " ".join(str(error).split())[:limit]
