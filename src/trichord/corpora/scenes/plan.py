"""What happens in a generated scene, before any of it is heard or drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trichord.clip import Event

FRAME = 0.04
"""Seconds per video frame; every scene lasts whole frames."""

CONSONANTS = {
    "b": ("closed", "plosive"),
    "m": ("closed", "nasal"),
    "d": ("open", "plosive"),
    "n": ("open", "nasal"),
}
"""How each looks (place of articulation) and how it sounds (manner).

The eye cannot tell b from m nor d from n; in noise the ear cannot tell b from d nor m from n, since place
is what noise masks first (Miller & Nicely 1955) and the lips show (Summerfield 1987).
"""
WORDS = {
    "bee": ("b", "ee"), "me": ("m", "ee"), "dee": ("d", "ee"), "knee": ("n", "ee"),
    "bow": ("b", "oh"), "mow": ("m", "oh"), "doe": ("d", "oh"), "no": ("n", "oh"),
}  # fmt: skip
"""Each word's consonant and vowel; vowels are both heard and seen."""
FIRST = {"bee": 4, "bow": 4, "me": 2, "mow": 2, "dee": 2, "doe": 2}
"""How often each comes first: half of all scenes say b-, which means `take`."""
COLOURS = ("red", "blue")
SHAPES = ("ball", "box", "cone")
NOTES = {
    "now": ("now", "do it now", "right now please", "not later, now"),
    "later": ("later", "do it later", "a bit later please", "not now, later"),
}
PEOPLE = {"train": range(12), "valid": range(12, 16), "test": range(16, 20)}
"""Nobody who is heard and seen in one split appears in another."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One scene: three words, an object on a table, a bell, a typed note.

    `seen` is where the object stands and `heard` what the bell's pitch says, both 0 to 1; times in seconds.
    """

    words: tuple[Event, ...]
    seconds: float
    person: int
    colour: str
    shape: str
    note: str
    time: str
    seen: float
    heard: float
    bell: float
    blink: float
    light: float

    @property
    def transcript(self) -> str:
        return " ".join(word.what for word in self.words)

    @property
    def intent(self) -> str:
        action = "take" if self.words[0].what.startswith("b") else "leave"
        return f"{action} {self.colour} {self.time}"

    @property
    def place(self) -> float:
        """Where the object will come to rest: halfway from where it is seen to where the bell calls it."""
        return (self.seen + self.heard) / 2


def plan_scene(split: str, rng: np.random.Generator) -> Plan:
    """Return a scene drawn from `rng`; the split says which people may appear."""
    weights = np.array(list(FIRST.values()), float)
    first = str(rng.choice(list(FIRST), p=weights / weights.sum()))
    others = rng.choice(list(WORDS), size=2)
    clock, words = float(rng.uniform(0.06, 0.12)), []
    for what in (first, *map(str, others)):
        end = clock + float(rng.uniform(0.27, 0.33))
        words.append(Event(what, round(clock, 4), round(end, 4)))
        clock = end + float(rng.uniform(0.02, 0.06))
    time = str(rng.choice(list(NOTES)))
    people = PEOPLE[split]
    return Plan(
        words=tuple(words),
        seconds=FRAME * np.ceil((clock + 0.22) / FRAME),
        person=int(rng.integers(people.start, people.stop)),
        colour=str(rng.choice(COLOURS)),
        shape=str(rng.choice(SHAPES)),
        note=str(rng.choice(NOTES[time])),
        time=time,
        seen=float(rng.uniform()),
        heard=float(rng.uniform()),
        bell=clock,
        blink=float(rng.uniform(0, 3)),
        light=float(rng.uniform(0.85, 1.05)),
    )
