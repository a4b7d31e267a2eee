"""Whether an ONNX file would read weights from other files: the one thing that its bytes can make others do.

A walk over protocol-buffer wire format, so that the runtime needs no `onnx` package. Field numbers are those
of onnx.proto, https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
"""

from __future__ import annotations

# message -> field number -> message held there; only the ways that lead to a tensor
MESSAGES = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
EXTERNAL_DATA, DATA_LOCATION = 13, 14
HERE = b"\0"
"""The data location of a tensor that is in the file; quantisation writes it out, though it is the default."""


def has_external_data(data: bytes) -> bool:
    """Return whether any tensor of the ONNX model `data` is stored elsewhere.

    Raises ValueError where the bytes are not wire format.
    """
    if b"location" not in data:  # the key that every external tensor must have: most files stop here
        return False
    waiting = [(0, len(data), "model")]
    while waiting:
        position, end, message = waiting.pop()
        while position < end:
            field, start, position = read_field(data, position, end)
            if message == "tensor" and field == EXTERNAL_DATA:
                return True
            if message == "tensor" and field == DATA_LOCATION and data[start:position] != HERE:
                return True
            if held := MESSAGES[message].get(field):
                waiting.append((start, position, held))
    return False


def read_field(data: bytes, position: int, end: int) -> tuple[int, int, int]:
    """Return a field's number, and where its content starts and ends."""
    tag, position = read_varint(data, position, end)
    field, wire = tag >> 3, tag & 7
    if wire == 0:
        start, (_, stop) = position, read_varint(data, position, end)
    elif wire == 2:
        length, start = read_varint(data, position, end)
        stop = start + length
    elif wire in (1, 5):
        start, stop = position, position + (8 if wire == 1 else 4)
    else:
        raise ValueError(f"wire type {wire}")
    if stop > end:
        raise ValueError("a field runs past the end")
    return field, start, stop


def read_varint(data: bytes, position: int, end: int) -> tuple[int, int]:
    """Return a base-128 number and the position after it."""
    value = shift = 0
    while position < end and shift < 70:
        byte = data[position]
        value |= (byte & 127) << shift
        position, shift = position + 1, shift + 7
        if byte < 128:
            return value, position
    raise ValueError("a number without an end")
