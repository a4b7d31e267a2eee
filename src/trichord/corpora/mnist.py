"""MNIST: handwritten digits."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trichord.clip import Clip, Video
from trichord.corpora.corpus import About, Corpus, Index, with_valid
from trichord.errors import InputError, MissingError

MAX_BYTES = 1 << 28
MAX_DIMENSIONS = 3
FILES = {"train": "train", "test": "t10k"}


class Mnist(Corpus):
    """Handwritten digits, 28 x 28, white on black (LeCun et al. 1998).

    Input: `video`, one frame. Target: `digit`, a class `0` to `9`. The test split is the official one; a
    tenth of the training pictures, by the hash of their names, validates.
    """

    name = "mnist"
    about = About(
        title="MNIST digits",
        licence="not stated (the carrying repository: MIT)",
        commercial=None,
        source="the repositories cazala/mnist (training) and unixpickle/mnistlite (test)",
        size_mb=3.3,
        tasks=("digit recognition",),
    )

    def read(self) -> Index:
        return with_valid({split: read_split(self.root, split) for split in FILES})


def read_split(root: Path, split: str) -> list[Clip]:
    pictures = read_idx(root / f"{FILES[split]}-images-idx3-ubyte")
    labels = read_idx(root / f"{FILES[split]}-labels-idx1-ubyte")
    if pictures.ndim != 3 or labels.shape != pictures.shape[:1]:
        raise InputError(f"{root}: {split} has pictures {pictures.shape} and labels {labels.shape}")
    return [
        Clip(f"{split}/{number:05d}", {"video": as_video(picture)}, {"digit": str(int(label))})
        for number, (picture, label) in enumerate(zip(pictures, labels, strict=True))
    ]


def as_video(picture: NDArray[np.uint8]) -> Video:
    """Return a grey picture as a film of one frame, without copying it thrice."""
    return Video(np.broadcast_to(picture[None, :, :, None], (1, *picture.shape, 3)))


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Return an IDX file of bytes, gzipped or not; MissingError or InputError where that cannot be."""
    packed = path.with_name(path.name + ".gz")
    source = path if path.is_file() else packed
    if not source.is_file():
        raise MissingError(f"no file {path}, nor with .gz")
    try:
        with gzip.open(source) if source == packed else source.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{source}: cannot be read ({error!s:.80})") from None
    if len(content) > MAX_BYTES:
        raise InputError(f"{source}: beyond {MAX_BYTES} bytes")
    if len(content) < 4 or content[:3] != b"\x00\x00\x08" or len(content) < 4 + 4 * content[3]:
        raise InputError(f"{source}: is no IDX file of unsigned bytes")
    if content[3] > MAX_DIMENSIONS:
        raise InputError(f"{source}: has {content[3]} dimensions; at most {MAX_DIMENSIONS}")
    shape = tuple(int(size) for size in np.frombuffer(content, ">u4", content[3], 4))
    values = np.frombuffer(content, np.uint8, offset=4 + 4 * content[3])
    if len(values) != np.prod(shape, dtype=object):
        raise InputError(f"{source}: holds {len(values)} bytes, where its header says {shape}")
    return values.reshape(shape)
