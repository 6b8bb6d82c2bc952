"""Parses YAML (and with it JSON) into plain values and remembers on which line each of them stands."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, cast

import yaml
from yaml.composer import Composer

Where = tuple[str | int, ...]

_MOST = 500_000
"""Values of one file; aliases count as often as they are used."""
_LONGEST = 100
"""Digits of a number."""
_HALF = re.compile(r"\\u[dD][89a-fA-F]")
_NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing wrong: where (`edge.sensors[0].zone`), on which line, and what to do."""

    path: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.path}: {self.text}"


@dataclass(slots=True, kw_only=True)
class Document:
    """What a file says; `problems` collects what is wrong with it."""

    value: Any = None
    lines: dict[Where, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def wrong(self, where: Where, text: str) -> None:
        """Note a problem of the value there, or of the nearest around it that is written down."""
        place = where
        while place and place not in self.lines:
            place = place[:-1]
        self.problems.append(Problem(path=path(where), line=self.lines.get(place, 1), text=text))


class _Plain(yaml.SafeLoader):
    """YAML 1.1 without its numbers to the base of sixty: `18:30` is a time of day, not 1110."""


_Plain.yaml_implicit_resolvers = {
    first: [(tag, shape) for tag, shape in rules if tag not in ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Plain.add_implicit_resolver(
    "tag:yaml.org,2002:int",
    re.compile(r"^[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|0[0-7_]*|[1-9][0-9_]*)$"),
    list("-+0123456789"),
)
_Plain.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(
        r"^[-+]?(?:[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|\.(?:inf|Inf|INF))$"
        r"|^\.(?:nan|NaN|NAN)$"
    ),
    list("-+0123456789."),
)


def _fast() -> type[_Plain] | None:
    if not yaml.__with_libyaml__:
        return None

    class Fast(Composer, yaml.CSafeLoader):
        # Nodes are put together in Python: libyaml's binding does that in C, and dies of what is nested too deep.
        yaml_implicit_resolvers = _Plain.yaml_implicit_resolvers

        def __init__(self, text: str) -> None:
            yaml.CSafeLoader.__init__(self, text)
            Composer.__init__(self)

    return cast(type[_Plain], Fast)


_Fast = _fast()


def _loader(text: str) -> _Plain:
    """Read with libyaml's parser where it is there: three times as fast."""
    # It refuses what JSON writes for a letter of two halves.
    return _Plain(text) if _Fast is None or _HALF.search(text) else _Fast(text)


def parse(text: str) -> Document:
    """Read a file's text; what is no YAML is a problem of the path `file`, and the value then is None."""
    document = Document()
    try:
        loader = _loader(text)
        try:
            node = loader.get_single_node()
            if node is not None:
                _note(node, (), document)
                document.value = loader.construct_document(node)
        finally:
            loader.dispose()
    except (yaml.YAMLError, ValueError, OverflowError, LookupError, AttributeError) as error:
        # The last two are PyYAML's own for what a tag says a text is, and it is not.
        mark = getattr(error, "problem_mark", None)
        said = getattr(error, "problem", None) or str(error) or type(error).__name__
        at = mark.line + 1 if mark else 0
        return Document(problems=[Problem(path="file", line=at, text=f"is not YAML: {said}")])
    except RecursionError:
        return Document(problems=[Problem(path="file", line=0, text="is nested too deep: write it flatter")])
    return document


def path(where: Where) -> str:
    """Write a place as people do: `edge.sensors[0].zone`."""
    said = ""
    for step in where:
        said += f"[{step}]" if isinstance(step, int) else f".{step}" if said else step
    return said


def _note(node: yaml.Node, where: Where, document: Document) -> None:
    if len(document.lines) > _MOST:
        raise ValueError(f"it has more than {_MOST:,} values")
    document.lines[where] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):  # Its aliases are nobody's to count.
                raise ValueError("a name is a list or a table: write a word")
            name = str(key.value)
            line = key.start_mark.line + 1
            if name in seen:
                document.problems.append(Problem(path=path((*where, name)), line=line, text="is given twice: keep one"))
            seen.add(name)
            _note(value, (*where, name), document)
            document.lines[(*where, name)] = line
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _note(value, (*where, index), document)
    elif node.tag in _NUMBERS and len(node.value) > _LONGEST:
        raise ValueError(f"a number has more than {_LONGEST} digits")
