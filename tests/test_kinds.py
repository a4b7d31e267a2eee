from __future__ import annotations

from typing import Annotated, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from trichord.kinds import Kinds, json_schema, nearest


class Shape:
    """What the parts of these tests have in common."""


class Dot(Shape):
    """Nothing to set."""


class Circle(Shape):
    """A round one."""

    def __init__(
        self, radius: Annotated[float, Field(gt=0)] = 1.0, colour: Literal["red", "blue"] = "red"
    ) -> None:
        self.radius = radius
        self.colour = colour


SHAPES: dict[str, type[Shape]] = {"dot": Dot, "circle": Circle}


class Frame(Shape):
    """A part that holds another, and a size."""

    def __init__(self, inside: Annotated[Shape, Kinds(SHAPES)], size: tuple[int, int] = (1, 2)) -> None:
        if size[0] > size[1]:
            raise ValueError(f"upright frames only; got {size}")
        self.inside = inside
        self.size = size


SHAPES["frame"] = Frame
KINDS = Kinds(SHAPES)


class Drawing(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)
    shapes: list[Annotated[Shape, Kinds(SHAPES)]]


def test_a_name_or_a_mapping_makes_a_part() -> None:
    assert isinstance(KINDS.make("dot"), Dot)
    circle = KINDS.make({"kind": "circle", "radius": 2})
    assert (circle.radius, circle.colour) == (2.0, "red")
    assert KINDS.make(circle) is circle


def test_a_given_mapping_is_left_as_it_is() -> None:
    given_mapping = {"kind": "circle", "radius": 2}
    KINDS.make(given_mapping)
    assert given_mapping == {"kind": "circle", "radius": 2}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("circel", "unknown kind 'circel'; did you mean 'circle'?"),
        ("zzz", "unknown kind 'zzz'; expected one of: circle, dot, frame"),
        ({"radius": 1}, "expected a 'kind', one of: dot, circle, frame"),
        (7, "expected a 'kind'"),
        ({"kind": "circle", "raduis": 1}, "circle: raduis: unknown key; did you mean 'radius'?"),
        ({"kind": "dot", "radius": 1}, "dot: radius: unknown key; it takes no arguments"),
        ({"kind": "circle", "radius": "big"}, "circle: radius: .*got 'big'"),
        ({"kind": "circle", "radius": -1}, "circle: radius: .*greater than 0.*got -1"),
        ({"kind": "circle", "colour": "green"}, "circle: colour: .*'red' or 'blue'"),
        ({"kind": "frame"}, "frame: inside: Field required"),
        ({"kind": "frame", "inside": "circel"}, "frame: inside: unknown kind 'circel'; did you mean"),
        (
            {"kind": "frame", "inside": {"kind": "circle", "radiu": 1}},
            "frame: inside: circle: radiu: unknown",
        ),
        ({"kind": "frame", "inside": "dot", "size": [2, 1]}, "upright frames only"),
    ],
)
def test_mistakes_name_what_is_wrong(value: object, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        KINDS.make(value)
    assert "\n" not in str(caught.value)


@settings(max_examples=30, deadline=None)
@given(radius=st.floats(0.1, 1e6), colour=st.sampled_from(["red", "blue"]), size=st.just([3, 4]))
def test_what_is_described_is_made_again(radius: float, colour: str, size: list[int]) -> None:
    value = {"kind": "frame", "inside": {"kind": "circle", "radius": radius, "colour": colour}, "size": size}
    made = KINDS.make(value)
    assert isinstance(made.inside, Circle)
    assert KINDS.describe(made) == value
    assert KINDS.describe(KINDS.make(KINDS.describe(made))) == value


def test_descriptions_hold_the_defaults() -> None:
    assert KINDS.describe(KINDS.make("circle")) == {"kind": "circle", "radius": 1.0, "colour": "red"}
    assert KINDS.describe(Dot()) == {"kind": "dot"}


def test_a_family_is_a_field_of_a_recipe() -> None:
    drawing = Drawing.model_validate({"shapes": ["dot", {"kind": "circle"}]})
    assert [type(shape) for shape in drawing.shapes] == [Dot, Circle]
    assert drawing.model_dump(mode="json")["shapes"][0] == {"kind": "dot"}
    with pytest.raises(ValidationError, match="did you mean 'dot'"):
        Drawing.model_validate({"shapes": ["dott"]})


def test_editors_get_a_schema() -> None:
    schema = json_schema("circle", Circle)
    assert schema["description"] == "A round one."
    assert schema["properties"]["kind"] == {"const": "circle"}
    assert schema["properties"]["radius"]["exclusiveMinimum"] == 0
    assert schema["required"] == ["kind"]
    assert schema["additionalProperties"] is False


def test_nearest_suggests_or_lists() -> None:
    assert nearest("dots", ["dot", "line"]) == "; did you mean 'dot'?"
    assert nearest("x", ["dot", "line"]) == "; expected one of: dot, line"
    assert nearest("x", []) == "; it takes no arguments"
