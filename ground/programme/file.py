"""The programme as one YAML file: what a chain shows, where and when, as people write it, keep it and import it."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import yaml
from msgspec import Meta

from ground import document as documents
from ground import settings
from ground.document import Document, Problem, Where
from ground.programme.records import Campaign, Content, Digest, Layout, Playlist, Store, Texts, Word
from ground.settings import SettingsError

NAME = "programme.yaml"
SECTIONS = {"contents": "content", "playlists": "playlist", "campaigns": "campaign", "layouts": "layout"} | {
    "stores": "store",
    "products": "sku",
}
"""Every section, and by which field its records are named."""
_DIGEST = re.compile(r"[0-9a-f]{64}\Z")
_FILES = {"contents": ("picture", "film"), "products": ("picture",)}
_WIDTH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """So much of a product as a preview shows."""

    sku: Word
    name: Texts
    yen: Annotated[int, Meta(ge=0, le=2**31)]
    picture: Digest | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """The sections of a file."""

    contents: tuple[Content, ...] = ()
    playlists: tuple[Playlist, ...] = ()
    campaigns: tuple[Campaign, ...] = ()
    layouts: tuple[Layout, ...] = ()
    stores: tuple[Store, ...] = ()
    products: tuple[Product, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Programme(Written):
    """What a file says, and where it says it."""

    files: Mapping[str, Path] = field(default_factory=dict)
    """By their SHA-256, the pictures and films that the file names by a path."""
    lines: Mapping[Where, int] = field(default_factory=dict, compare=False, repr=False)

    def line(self, where: Where) -> int:
        """The line of the value there, or of the nearest around it; 0 for what was not read from a file."""
        while where and where not in self.lines:
            where = where[:-1]
        return self.lines.get(where, 0)


def read(file: Path) -> Programme:
    """Read a file; pictures and films are digests, or paths from where the file is. Raises SettingsError."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        said = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        fix = "give its path, or have head office's by `central export`"
        raise SettingsError(file, [Problem(path="file", line=0, text=f"cannot be read: {said}; {fix}")]) from error
    return parse(text, file, file.parent)


def parse(text: str, name: Path = Path(NAME), folder: Path | None = None) -> Programme:
    """Read the text of a file, YAML or JSON; without a folder nothing is named by its path.

    Raises SettingsError with every problem.
    """
    document = documents.parse(text)
    value = document.value if document.value is not None else {}
    files: dict[str, Path] = {}
    if isinstance(value, dict):
        _take_files(document, value, folder, files)
    made = settings.make(document, value, Written, ())
    if document.problems:
        raise SettingsError(name, sorted(document.problems, key=lambda problem: problem.line))
    return Programme(**{section: getattr(made, section) for section in SECTIONS}, files=files, lines=document.lines)


def write(programme: Written) -> str:
    """The text of a file that reads as this programme; what is as it is anyway is left out."""
    files = programme.files if isinstance(programme, Programme) else {}
    said = {section: [_plain(record) for record in getattr(programme, section)] for section in SECTIONS}
    for section, names in _FILES.items():
        for record in said[section]:
            for name in names:
                if record.get(name) in files:
                    record[name] = str(files[record[name]].absolute())
    said = {section: records for section, records in said.items() if records}
    return yaml.dump(said, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=_WIDTH)


class _Dumper(yaml.SafeDumper):
    """Writes plain lists on one line, and everything in full."""

    def represent_sequence(self, tag: str, sequence: Any, flow_style: bool | None = None) -> yaml.SequenceNode:
        plain = bool(sequence) and not any(isinstance(item, dict | list) for item in sequence)
        return super().represent_sequence(tag, sequence, flow_style=plain or flow_style)

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  # Its name is PyYAML's.
        return True


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        given = {one.name: getattr(value, one.name) for one in dataclasses.fields(value)}
        return {
            one.name: _plain(given[one.name]) for one in dataclasses.fields(value) if given[one.name] != _usual(one)
        }
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    return value if isinstance(value, date | int | None) else str(value)


def _usual(of: dataclasses.Field[Any]) -> Any:
    return of.default_factory() if of.default_factory is not dataclasses.MISSING else of.default


def _take_files(document: Document, value: dict[Any, Any], folder: Path | None, files: dict[str, Path]) -> None:
    """Put digests in place of paths."""
    for section, names in _FILES.items():
        records = value.get(section)
        for index, record in enumerate(records if isinstance(records, list) else ()):
            for name in names if isinstance(record, dict) else ():
                given = record.get(name)
                if isinstance(given, str) and not _DIGEST.match(given):
                    record[name] = _digest(document, (section, index, name), given, folder, files)


def _digest(document: Document, where: Where, given: str, folder: Path | None, files: dict[str, Path]) -> str | None:
    if folder is None:
        document.wrong(where, f"must be the SHA-256 of a file that was given before (POST /v1/assets), not {given!r}")
        return None
    file = folder / given
    try:
        if not file.is_file():
            document.wrong(where, f"there is no file {file}: put it there, or correct the path")
            return None
        with file.open("rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
    except (OSError, ValueError) as error:
        document.wrong(where, f"the file {given!r} cannot be read: {error}")
        return None
    files.setdefault(digest, file)
    return digest
