"""Reads one section of a YAML file into frozen dataclasses and lists every problem with its path and line."""

from __future__ import annotations

import dataclasses
import types
import typing
from dataclasses import MISSING, dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import yaml

from ground.errors import NorenError

T = TypeVar("T")
Where = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing wrong: where (`edge.sensors[0].zone`), on which line, and what to do."""

    path: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.path}: {self.text}"


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
    lines: dict[Where, int] = {}
    try:
        text = file.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        value = yaml.safe_load(text)
    except OSError as error:
        raise SettingsError(file, [Problem(path="file", line=0, text=f"cannot be read: {error.strerror}")]) from error
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        said = getattr(error, "problem", None) or str(error)
        at = mark.line + 1 if mark else 0
        raise SettingsError(file, [Problem(path="file", line=at, text=f"is not YAML: {said}")]) from error
    problems: list[Problem] = []
    if node is not None:
        _note_lines(node, (), lines, problems)
    if not isinstance(value, dict) or section not in value:
        problems.append(Problem(path=section, line=1, text=f"is missing: add a section '{section}:'"))
        raise SettingsError(file, problems)
    reader = _Reader(lines, problems)
    made = reader.make(value[section], shape, (section,))
    if problems:
        raise SettingsError(file, sorted(problems, key=lambda problem: problem.line))
    return typing.cast("T", made)


def _note_lines(node: yaml.Node, where: Where, lines: dict[Where, int], problems: list[Problem]) -> None:
    lines[where] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            if name in seen:
                line = key.start_mark.line + 1
                problems.append(Problem(path=_path((*where, name)), line=line, text="is given twice: keep one"))
            seen.add(name)
            _note_lines(value, (*where, name), lines, problems)
            lines[(*where, name)] = key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _note_lines(value, (*where, index), lines, problems)


def _path(where: Where) -> str:
    path = ""
    for step in where:
        path += f"[{step}]" if isinstance(step, int) else f".{step}" if path else step
    return path


class _Reader:
    """Makes values of the wanted shape and notes what is in the way."""

    def __init__(self, lines: dict[Where, int], problems: list[Problem]) -> None:
        self.lines = lines
        self.problems = problems

    def wrong(self, where: Where, text: str) -> None:
        place = where
        while place and place not in self.lines:
            place = place[:-1]
        self.problems.append(Problem(path=_path(where), line=self.lines.get(place, 1), text=text))

    def make(self, value: Any, shape: Any, where: Where) -> Any:
        origin = get_origin(shape)
        if dataclasses.is_dataclass(shape):
            return self._record(value, typing.cast("type[Any]", shape), where)
        if origin is Literal:
            return self._choice(value, get_args(shape), where)
        if origin in (Union, types.UnionType):
            return self._union(value, get_args(shape), where)
        if origin is tuple:
            return self._list(value, get_args(shape)[0], where)
        if origin is dict:
            return self._table(value, get_args(shape)[1], where)
        return self._plain(value, getattr(shape, "__supertype__", shape), where)

    def _record(self, value: Any, shape: type[Any], where: Where) -> Any:
        if not isinstance(value, dict):
            return self.wrong(where, f"must be a table of settings, not {_said(value)}")
        hints = typing.get_type_hints(shape)
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
        kinds = {get_args(typing.get_type_hints(shape)["kind"])[0]: shape for shape in shapes}
        kind = value.get("kind") if isinstance(value, dict) else None
        if not isinstance(kind, str) or kind not in kinds:
            return self.wrong((*where, "kind"), f"must be one of {', '.join(sorted(kinds))}, not {_said(kind)}")
        return self.make(value, kinds[kind], where)

    def _list(self, value: Any, shape: Any, where: Where) -> Any:
        if not isinstance(value, list):
            return self.wrong(where, f"must be a list, not {_said(value)}")
        return tuple(self.make(item, shape, (*where, index)) for index, item in enumerate(value))

    def _table(self, value: Any, shape: Any, where: Where) -> Any:
        if not isinstance(value, dict):
            return self.wrong(where, f"must be a table, not {_said(value)}")
        return {str(key): self.make(item, shape, (*where, str(key))) for key, item in value.items()}

    def _plain(self, value: Any, shape: Any, where: Where) -> Any:
        if shape is float and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        if shape is Path and isinstance(value, str):
            return Path(value).expanduser()
        if not isinstance(value, shape) or (isinstance(value, bool) and shape is not bool):
            names = {
                str: "text",
                int: "a whole number",
                float: "a number",
                bool: "true or false",
                Path: "a path",
            }
            return self.wrong(where, f"must be {names.get(shape, shape)}, not {_said(value)}")
        return value


def _said(value: Any) -> str:
    return "nothing" if value is None else repr(value) if len(repr(value)) < 60 else f"{type(value).__name__}"
