"""The constructor is the schema: `{kind: low_rank_tensor, rank: 8}` becomes `LowRankTensor(rank=8)`.

A family of parts (fusions, encoders, heads ...) is an explicit dict from kind to class. `Kinds(dict)`
annotates a recipe field or a constructor argument with that family; validation, defaults, help and
the JSON Schema all come from the typed signatures and docstrings of the classes in it. Constructors
store each argument under its own name, so a part can be written back as it was read.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Iterable, Mapping
from typing import Any, get_type_hints

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationError,
    create_model,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema


class Kinds:
    """A family of parts by kind, usable as `Annotated[Encoder, Kinds(ENCODERS)]`."""

    def __init__(self, kinds: Mapping[str, type[Any]]) -> None:
        self.kinds = kinds

    def make(self, value: Any) -> Any:
        """Build a part from `kind`, `{kind: ..., argument: ...}`, or return a part as it is.

        Raises ValueError naming the nearest valid kind or argument.
        """
        if isinstance(value, tuple(self.kinds.values())):
            return value
        arguments = {"kind": value} if isinstance(value, str) else value
        if not isinstance(arguments, Mapping) or "kind" not in arguments:
            raise ValueError(f"expected a 'kind', one of: {', '.join(self.kinds)}; got {value!r}")
        arguments = dict(arguments)
        kind = arguments.pop("kind")
        if not isinstance(kind, str) or kind not in self.kinds:
            raise ValueError(f"unknown kind {kind!r}{nearest(str(kind), self.kinds)}")
        schema = signature_schema(self.kinds[kind])
        try:
            checked = schema.model_validate(arguments)
        except ValidationError as error:
            raise ValueError(f"{kind}: {summary(error, schema.model_fields)}") from None
        return self.kinds[kind](**{name: getattr(checked, name) for name in schema.model_fields})

    def describe(self, part: Any) -> dict[str, Any]:
        """Write a part back as the plain mapping that `make` would read, defaults included."""
        cls = type(part)
        schema = signature_schema(cls)
        filled = schema.model_construct(**{name: getattr(part, name) for name in schema.model_fields})
        return {"kind": self.name_of(cls)} | filled.model_dump(mode="json")

    def name_of(self, cls: type[Any]) -> str:
        return next(kind for kind, candidate in self.kinds.items() if candidate is cls)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self.make, serialization=core_schema.plain_serializer_function_ser_schema(self.describe)
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        parts = [json_schema(kind, cls) for kind, cls in self.kinds.items()]
        return {"anyOf": [{"enum": list(self.kinds)}, *parts]}


def signature_schema(cls: type[Any]) -> type[BaseModel]:
    """Return a pydantic model of a constructor's arguments: types, defaults, unknown keys refused."""
    constructor: Any = getattr(cls, "__init__")  # noqa: B009
    hints = get_type_hints(constructor, include_extras=True)
    fields: dict[str, Any] = {}
    for name, parameter in list(inspect.signature(constructor).parameters.items())[1:]:
        if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            continue  # object.__init__ itself, of a class without arguments
        default = ... if parameter.default is parameter.empty else parameter.default
        fields[name] = (hints[name], Field(default, validate_default=True))
    config = ConfigDict(extra="forbid", arbitrary_types_allowed=True, protected_namespaces=())
    return create_model(cls.__name__, __config__=config, __doc__=inspect.getdoc(cls), **fields)


def json_schema(kind: str, cls: type[Any]) -> JsonSchemaValue:
    """Return the JSON Schema of one kind, for editors."""
    schema = signature_schema(cls).model_json_schema()
    schema["properties"] = {"kind": {"const": kind}} | schema.get("properties", {})
    schema["required"] = ["kind", *schema.get("required", [])]
    return schema


def nearest(name: str, valid: Iterable[str]) -> str:
    """Return "; did you mean 'x'?" for the closest valid name, else the list of valid names."""
    names = sorted(valid)
    if match := difflib.get_close_matches(name, names, n=1, cutoff=0.5):
        return f"; did you mean {match[0]!r}?"
    return f"; expected one of: {', '.join(names)}" if names else "; it takes no arguments"


def summary(error: ValidationError, valid: Iterable[str]) -> str:
    """Return the first problem of a validation error in one line."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return f"{where}: unknown key{nearest(str(first['loc'][-1]), valid)}"
    if first["type"] == "value_error":
        return f"{where}: {first['ctx']['error']!s}"
    more = "" if first["type"] == "missing" else f" (got {first['input']!r:.60})"
    return f"{where}: {first['msg']}{more}"
