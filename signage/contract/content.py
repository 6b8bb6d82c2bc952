"""Makes scenes of a content: one in each of the languages that its screen is to be read in."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence

from ground.programme.records import Content, Language
from signage.contract import Item, Scene

MOST_LETTERS = 400
"""What a text of the contract takes."""
_LONGEST_ID = 64
_MOST_ITEMS = 12


def said_in(texts: Mapping[Language, str], language: Language) -> Language:
    """The language that a text comes in where `language` is wanted: all but Japanese fall back to English first."""
    order: tuple[Language, ...] = ("ja", "en") if language == "ja" else (language, "en", "ja")
    return next((choice for choice in (*order, *texts) if texts.get(choice)), language)


def text(texts: Mapping[Language, str], language: Language) -> str:
    """A text in the wanted language, or in the one that stands for it; nothing where there is none at all."""
    return texts.get(said_in(texts, language), "")[:MOST_LETTERS]


def scene_id(content: str, language: Language) -> str:
    """Name the scene of a content in a language; two long names that begin alike stay two."""
    name = f"{content}-{language}"
    if len(name) <= _LONGEST_ID:
        return name
    mark = hashlib.sha256(content.encode()).hexdigest()[:8]
    return f"{content[: _LONGEST_ID - len(language) - len(mark) - 2]}-{mark}-{language}"


def scenes_of(
    content: Content,
    languages: Sequence[Language],
    items: Callable[[Content, Language], tuple[Item, ...]],
    link: str = "",
) -> list[Scene]:
    """The scenes of a content in the order of `languages`, each language once, and never none.

    One that its title lacks is stood for as `text` says. `items` gives its products; `link` is its own link with store
    and zone.
    """
    spoken = dict.fromkeys(said_in(content.title, language) for language in languages or ("ja",))
    return [
        Scene(
            scene=scene_id(content.content, language),
            layout=content.layout,
            language=language,
            title=text(content.title, language),
            text=text(content.text, language),
            items=items(content, language)[:_MOST_ITEMS],
            picture=content.picture,
            film=content.film,
            link=link or content.link,
            content=content.content,
            hold_ms=content.seconds * 1000,
        )
        for language in spoken
    ]
