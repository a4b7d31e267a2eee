"""What is seen in a generated scene: a talking face, and an object on a table beside it."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from trichord.corpora.scenes.plan import CONSONANTS, FRAME, WORDS, Plan
from trichord.corpora.scenes.sound import CONSONANT_SECONDS

HEIGHT, WIDTH = 48, 64
MOUTH = (35, 17)
"""Row and column of the mouth's middle."""
PATCH = (6, 8)
"""How far the mouth reaches from its middle, in rows and columns."""
GRAIN = 4
"""The camera's noise, uniform within so many steps of brightness; a power of two."""

# Half width and half height of the opening, thickness of the lips, and how much of the teeth shows.
REST = (4.8, 0.1, 0.9, 0.0)
HELD = {"closed": (3.6, 0.0, 1.5, 0.0), "open": (4.8, 2.0, 0.9, 0.9)}
SPOKEN = {"ee": (6.3, 1.8, 0.8, 0.4), "oh": (2.8, 3.8, 1.4, 0.0)}

SKINS = ((255, 219, 186), (236, 188, 150), (196, 140, 100), (141, 93, 62), (104, 68, 46))
HAIRS = ((40, 30, 28), (92, 60, 36), (214, 168, 84), (168, 74, 40), (150, 150, 156))
SHIRTS = ((90, 160, 110), (230, 190, 80), (140, 110, 180), (110, 110, 120))
WALLS = ((206, 222, 232), (232, 224, 206), (216, 230, 212))
COLOURS = {"red": (214, 48, 44), "blue": (44, 92, 208)}
TABLE = (150, 106, 70)

Picture = NDArray[np.float32]


def render(plan: Plan, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return the scene's frames, uint8 RGB `(time, 48, 64, 3)` at 25 frames per second."""
    picture = portrait(plan.person).copy()
    draw_object(picture, plan)
    count = round(plan.seconds / FRAME)
    frames = np.repeat(exposed(picture, plan)[None], count, axis=0)  # (time, height, width, 3)
    for part, rows, columns in (mouths(picture, plan, count), eyes(picture, plan, count)):
        frames[:, rows, columns] = exposed(part, plan)
    frames += np.frombuffer(rng.bytes(frames.size), np.uint8).reshape(frames.shape) & (2 * GRAIN - 1)
    frames -= GRAIN
    return frames


def exposed(picture: Picture, plan: Plan) -> NDArray[np.uint8]:
    """Return a picture as the camera's bytes, with room for grain at both ends."""
    return np.asarray(np.clip(picture * np.float32(plan.light), GRAIN, 255 - GRAIN), np.uint8)


def mouth_shapes(plan: Plan, count: int) -> NDArray[np.float64]:
    """Return the mouth's shape in every frame, `(time, 4)`, gliding from sound to sound."""
    keys = [(0.0, REST)]
    for word in plan.words:
        consonant, vowel = WORDS[word.what]
        held, spoken, end = HELD[CONSONANTS[consonant][0]], SPOKEN[vowel], word.end or 0.0
        release = word.start + CONSONANT_SECONDS
        keys += [
            (word.start - 0.01, held),
            (release - 0.01, held),
            (release + 0.05, spoken),
            (end - 0.03, spoken),
        ]
    keys += [(keys[-1][0] + 0.08, REST)]
    times, shapes = [time for time, _ in keys], np.array([shape for _, shape in keys])
    middles = (np.arange(count) + 0.5) * FRAME
    return np.stack([np.interp(middles, times, column) for column in shapes.T], axis=1)


def mouths(picture: Picture, plan: Plan, count: int) -> tuple[Picture, slice, slice]:
    """Return the mouth in every frame, and its rows and columns."""
    (row, column), (tall, wide) = MOUTH, PATCH
    rows, columns = slice(row - tall, row + tall + 1), slice(column - wide, column + wide + 1)
    patch = np.repeat(picture[None, rows, columns], count, axis=0)  # (time, rows, columns, 3)
    y, x = np.mgrid[-tall : tall + 1, -wide : wide + 1].astype(np.float32)
    shapes = mouth_shapes(plan, count).astype(np.float32)
    width, height, lips, teeth = (column[:, None, None] for column in shapes.T)
    paint(patch, ellipse(x, y, width + lips, height + lips), (178, 62, 66))
    inside = ellipse(x, y, width, height) * np.clip(height * 2, 0, 1)
    paint(patch, inside, (58, 14, 22))
    paint(patch, inside * (y < -0.2 * height) * np.clip(teeth * 2, 0, 1), (248, 246, 240))
    paint(patch, inside * (y > 0.45 * height) * (teeth < 0.5), (206, 96, 104))
    return patch, rows, columns


def eyes(picture: Picture, plan: Plan, count: int) -> tuple[Picture, slice, slice]:
    """Return the eyes in every frame, and their rows and columns: they may blink once, for three frames."""
    rows, columns = slice(21, 28), slice(8, 27)
    patch = np.repeat(picture[None, rows, columns], count, axis=0)
    begin = round(plan.blink / FRAME)
    skin = np.asarray(SKINS[plan.person % len(SKINS)], np.float32)
    patch[begin : begin + 3, 0:6, 1:18] = skin
    patch[begin : begin + 3, 3, [2, 3, 4, 5, 6, 12, 13, 14, 15, 16]] = 0.5 * skin
    return patch, rows, columns


def draw_object(picture: Picture, plan: Plan) -> None:
    """Draw the ball, box or cone on the table, with its shadow."""
    x, y = grid()
    x = x - np.float32(37 + 21 * plan.seen)
    y = y - 34
    paint(picture, 0.35 * ellipse(x, y - 5, 6.0, 1.6), (40, 26, 18))
    if plan.shape == "ball":
        cover = ellipse(x, y, 5, 5)
    elif plan.shape == "box":
        cover = soft(4.5 - np.maximum(abs(x), abs(y - 0.5)))
    else:
        cover = soft(np.minimum((y + 6) * 0.45 - abs(x), 5 - y))
    paint(picture, cover, COLOURS[plan.colour])
    paint(picture, 0.5 * cover * ellipse(x + 1.5, y + 1.5, 1.4, 1.4), (255, 255, 255))


@lru_cache(maxsize=32)
def portrait(person: int) -> Picture:
    """Return the room and a person in it, float32 `(height, width, 3)`, without mouth and object."""
    x, y = grid()
    skin, hair = SKINS[person % len(SKINS)], HAIRS[(person * 7 + person // 5) % len(HAIRS)]
    picture = np.empty((HEIGHT, WIDTH, 3), np.float32)
    picture[:] = np.multiply(WALLS[person % len(WALLS)], 1 - 0.003 * y[..., None])
    paint(picture, soft(y - 37) * soft(x - 30), TABLE)
    paint(picture, ellipse(x - 17, y - 52, 17, 9), SHIRTS[person % len(SHIRTS)])
    paint(picture, ellipse(x - 17, y - 20, 15.0, 18.0), hair)
    paint(picture, ellipse(x - 17, y - 28, 13, 17), skin)
    paint(picture, ellipse(x - 17, y - 30, 1.3, 2.2), np.multiply(skin, 0.85))
    for column in (12, 22):
        paint(picture, ellipse(x - column, y - 24, 3.0, 2.4), (250, 250, 250))
        paint(picture, ellipse(x - column - 0.3, y - 24, 1.4, 1.7), (40, 44, 60))
        paint(picture, soft(0.6 - abs(y - 19.5)) * soft(3.4 - abs(x - column)), hair)
    return picture


def grid() -> tuple[Picture, Picture]:
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    return x, y


def ellipse(x: Picture, y: Picture, half_width: float | Picture, half_height: float | Picture) -> Picture:
    """Return how much of each pixel an ellipse about the origin covers, 0 to 1."""
    radius = np.minimum(half_width, half_height)
    distance = np.hypot(x / np.maximum(half_width, 0.1), y / np.maximum(half_height, 0.1))
    return soft((1 - distance) * np.maximum(radius, 0.5))


def soft(depth: Picture) -> Picture:
    """Return coverage from the depth inside an edge in pixels: half at the edge, so that it looks smooth."""
    cover: Picture = np.clip(depth + np.float32(0.5), 0, 1)
    return cover


def paint(picture: Picture, cover: Picture, colour: tuple[int, ...] | NDArray[np.float64]) -> None:
    """Lay a colour over a picture, or over many, where `cover` says."""
    picture += cover[..., None] * (np.asarray(colour, np.float32) - picture)
