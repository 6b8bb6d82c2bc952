"""Reads one section of a YAML file into frozen dataclasses and lists every problem with its path and line."""

from __future__ import annotations

import dataclasses
import types
import typing
from dataclasses import MISSING
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import msgspec

from ground import document as documents
from ground.document import Document, Problem, Where
from ground.errors import NorenError

__all__ = ["Problem", "SettingsError", "make", "read"]

T = TypeVar("T")

_NAMES = {str: "text", int: "a whole number", float: "a number", bool: "true or false", Path: "a path"}


class SettingsError(NorenError):
    """A configuration file that cannot be used; `problems` has all of it at once."""

    def __init__(self, file: Path, problems: list[Problem]) -> None:
        super().__init__(f"{file}: {len(problems)} problem(s)\n" + "\n".join(f"  {problem}" for problem in problems))
        self.problems = problems


def read(file: Path, section: str, shape: type[T]) -> T:
    """Give the section as a `shape`, a dataclass whose fields may be dataclasses, tuples, dicts and tagged unions.

    A union of dataclasses is told apart by its members' `kind: Literal[...]` field. A shape's method
    `problems()`, which yields "field: what to do", is asked too, also where another field of it is wrong.
    Raises SettingsError with every problem found.
    """
    try:
        document = documents.parse(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(file, [Problem(path="file", line=0, text=f"cannot be read: {error.strerror}")]) from error
    except UnicodeDecodeError as error:
        raise SettingsError(file, [Problem(path="file", line=0, text=f"is not YAML: {error}")]) from error
    if document.value is None and document.problems:
        raise SettingsError(file, document.problems)
    if not isinstance(document.value, dict) or section not in document.value:
        document.problems.append(Problem(path=section, line=1, text=f"is missing: add a section '{section}:'"))
        raise SettingsError(file, document.problems)
    made = make(document, document.value[section], shape, (section,))
    if document.problems:
        raise SettingsError(file, sorted(document.problems, key=lambda problem: problem.line))
    return made


def make(document: Document, value: Any, shape: type[T], where: Where) -> T:
    """Make a `shape` of a document's value at that place; of use only if the document then has no problems."""
    return typing.cast("T", _Reader(document).make(value, shape, where))


class _Reader:
    """Makes values of the wanted shape and notes what is in the way."""

    def __init__(self, document: Document) -> None:
        self.problems = document.problems
        self.wrong = document.wrong

    def make(self, value: Any, shape: Any, where: Where) -> Any:
        origin = get_origin(shape)
        if origin is Annotated:
            return self._limited(value, shape, where)
        if dataclasses.is_dataclass(shape):
            return self._record(value, typing.cast("type[Any]", shape), where)
        if origin is Literal:
            return self._choice(value, get_args(shape), where)
        if origin in (Union, types.UnionType):
            return self._union(value, get_args(shape), where)
        if origin is tuple:
            return self._list(value, get_args(shape), where)
        if origin is dict:
            return self._table(value, get_args(shape), where)
        return self._plain(value, getattr(shape, "__supertype__", shape), where)

    def _limited(self, value: Any, shape: Any, where: Where) -> Any:
        """A value whose type has limits (msgspec.Meta); a limit may say itself in words, as its description."""
        before = len(self.problems)
        made = self.make(value, shape.__origin__, where)
        if len(self.problems) > before:
            return made
        for limit in shape.__metadata__:
            if isinstance(limit, msgspec.Meta):
                try:
                    msgspec.convert(made, Annotated[type(made), limit])
                except msgspec.ValidationError as error:
                    said = f"must be {limit.description}, not {_said(made)}" if limit.description else _plainly(error)
                    self.wrong(where, said)
        return made

    def _record(self, value: Any, shape: type[Any], where: Where) -> Any:
        if not isinstance(value, dict):
            return self.wrong(where, f"must be a table of settings, not {_said(value)}")
        hints = typing.get_type_hints(shape, include_extras=True)
        fields = {field.name: field for field in dataclasses.fields(shape)}
        for key in value:
            if key not in fields:
                self.wrong((*where, str(key)), f"is not a setting here: use one of {', '.join(sorted(fields))}")
        before = len(self.problems)
        made: dict[str, Any] = {}
        for name, field in fields.items():
            if name in value:
                made[name] = self.make(value[name], hints[name], (*where, name))
            elif field.default is MISSING and field.default_factory is MISSING:
                self.wrong((*where, name), "is missing: add it")
        record = self._with_defaults(shape, made, fields)
        try:
            for problem in record.problems() if hasattr(record, "problems") else ():
                name, _, said = problem.partition(": ")
                self.wrong((*where, name), said)
        except (AttributeError, TypeError):
            if len(self.problems) == before:
                raise  # Else it met a field that is wrong, and that is listed.
        return record

    def _with_defaults(self, shape: type[Any], made: dict[str, Any], fields: dict[str, Any]) -> Any:
        # Not by its constructor: some fields may be missing, and the checks on the others are still wanted.
        record = object.__new__(shape)
        for name, field in fields.items():
            if name in made:
                object.__setattr__(record, name, made[name])
            elif field.default is not MISSING:
                object.__setattr__(record, name, field.default)
            elif field.default_factory is not MISSING:
                object.__setattr__(record, name, field.default_factory())
        return record

    def _choice(self, value: Any, allowed: tuple[Any, ...], where: Where) -> Any:
        if value not in allowed or isinstance(value, bool) != isinstance(allowed[0], bool):
            return self.wrong(where, f"must be one of {', '.join(map(str, allowed))}, not {_said(value)}")
        return value

    def _union(self, value: Any, shapes: tuple[Any, ...], where: Where) -> Any:
        if types.NoneType in shapes:
            if value is None:
                return None
            rest = tuple(shape for shape in shapes if shape is not types.NoneType)
            if len(rest) == 1:
                return self.make(value, rest[0], where)
            shapes = rest
        if not any(dataclasses.is_dataclass(shape) for shape in shapes):
            return self._either(value, shapes, where)
        kinds = {get_args(typing.get_type_hints(shape)["kind"])[0]: shape for shape in shapes}
        kind = value.get("kind") if isinstance(value, dict) else None
        if not isinstance(kind, str) or kind not in kinds:
            return self.wrong((*where, "kind"), f"must be one of {', '.join(sorted(kinds))}, not {_said(kind)}")
        return self.make(value, kinds[kind], where)

    def _either(self, value: Any, shapes: tuple[Any, ...], where: Where) -> Any:
        """One of several plain shapes that nobody takes for one another, such as a number and a path."""
        for shape in shapes:
            if isinstance(value, str if shape is Path else shape) and not isinstance(value, bool):
                return self._plain(value, shape, where)
        return self.wrong(where, f"must be {' or '.join(_NAMES[shape] for shape in shapes)}, not {_said(value)}")

    def _list(self, value: Any, shapes: tuple[Any, ...], where: Where) -> Any:
        if not isinstance(value, list):
            return self.wrong(where, f"must be a list, not {_said(value)}")
        if shapes[-1] is Ellipsis:
            shapes = (shapes[0],) * len(value)
        if len(value) != len(shapes):
            return self.wrong(where, f"must be a list of {len(shapes)}, not of {len(value)}")
        return tuple(
            self.make(item, shape, (*where, index))
            for index, (item, shape) in enumerate(zip(value, shapes, strict=True))
        )

    def _table(self, value: Any, shapes: tuple[Any, ...], where: Where) -> Any:
        if not isinstance(value, dict):
            return self.wrong(where, f"must be a table, not {_said(value)}")
        places = [(str(key), item, (*where, str(key))) for key, item in value.items()]
        return {self.make(key, shapes[0], at): self.make(item, shapes[1], at) for key, item, at in places}

    def _plain(self, value: Any, shape: Any, where: Where) -> Any:
        if shape is float and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        if shape is Path and isinstance(value, str):
            return Path(value).expanduser()
        if shape is date:
            return self._date(value, where)
        if shape is str and isinstance(value, str):
            return self._text(value, where)
        if not isinstance(value, shape) or (isinstance(value, bool) and shape is not bool):
            return self.wrong(where, f"must be {_NAMES.get(shape, shape)}, not {_said(value)}")
        return value

    def _date(self, value: Any, where: Where) -> Any:
        if isinstance(value, date) and not isinstance(value, datetime):
            return value
        try:
            return date.fromisoformat(value)
        except (TypeError, ValueError):
            return self.wrong(where, f"must be a date such as 2026-11-24, not {_said(value)}")

    def _text(self, value: str, where: Where) -> Any:
        try:
            # JSON writes what is beyond 16 bits as two halves, which YAML takes for two letters.
            whole = value.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            return self.wrong(where, "has half a letter (a lone surrogate): write it anew")
        if "\0" in whole:
            return self.wrong(where, "has a NUL: take it out")
        return whole


def _plainly(error: msgspec.ValidationError) -> str:
    """What msgspec says of a limit, without the types of its language."""
    said = str(error)
    for theirs, ours in (("Expected `str`", "must be text"), ("Expected `int`", "must be a whole number")):
        said = said.replace(theirs, ours)
    return said.replace("Expected `array`", "must be a list").replace("Expected `object`", "must be a table")


def _said(value: Any) -> str:
    return "nothing" if value is None else repr(value) if len(repr(value)) < 60 else f"{type(value).__name__}"
