"""The head of the page: whose it is, which store, which language, and the proof that nothing was lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast, get_args

from central.page.contract import Shop, State
from central.page.tags import Tag, put
from central.page.watch import Figures
from central.page.words import Language, pick, say

LANGUAGES: dict[Language, str] = {"ja": "日本語", "en": "English"}
assert set(LANGUAGES) == set(get_args(Language))


class Curtain:
    """The curtain at the top: a panel for each store."""

    def __init__(self, language: Language, shops: Sequence[Shop], store: str, go: Callable[[Language, str], None]):
        with Tag("header", classes="curtain"):
            with Tag("div", classes="brand"):
                Tag("span", "暖簾", "brand-ja", lang="ja")
                Tag("h1", "Noren", "brand-en")
            Tag("p", say(language, "promise"), "promise")
            with Tag("nav", classes="panels", aria_label=say(language, "stores")):
                for shop in shops:
                    here = shop.store == store
                    link = Tag(
                        "a",
                        pick(shop.name, language),
                        "panel is-here" if here else "panel",
                        href=f"?lang={language}&store={shop.store}",
                        aria_current="page" if here else None,
                        data_store=shop.store,
                    )
                    link.on("click.prevent", lambda _, to=shop.store: go(language, to), args=[])
            with Tag("div", classes="languages", role="group", aria_label=say(language, "language")):
                for other, name in LANGUAGES.items():
                    button = Tag("button", name, "language", type="button", lang=other, data_lang=other)
                    put(button, aria_pressed="true" if other == language else "false")
                    button.on("click", lambda _, to=other: go(cast(Language, to), store), args=[])


class Proof:
    """made = stored + waiting + lost, and what was done to them."""

    def __init__(self, language: Language) -> None:
        self._language = language
        self._values: dict[str, Tag] = {}
        with Tag("section", classes="proof", aria_label=say(language, "proof")):
            with Tag("div", classes="sum"):
                for sign, name in (("", "made"), ("=", "stored"), ("+", "waiting"), ("+", "lost")):
                    if sign:
                        Tag("span", sign, "sign", aria_hidden="true")
                    self._figure(name)
            with Tag("div", classes="beside"):
                for name in ("quarantined", "faults_made", "worst_black"):
                    self._figure(name)

    def _figure(self, name: str) -> None:
        with Tag("div", classes="figure", title=say(self._language, "lost_is") if name == "lost" else None):
            self._values[name] = Tag("b", "–", "value", data_figure=name)
            Tag("span", say(self._language, name), "label")

    def show(self, figures: Figures, state: State) -> None:
        for name in ("made", "stored", "waiting", "lost", "quarantined"):
            self._values[name].set_text(f"{getattr(figures, name):,}")
        for name in ("lost", "quarantined"):
            bad = getattr(figures, name) != 0
            put(self._values[name], data_bad="true" if bad else None)
        self._values["faults_made"].set_text(f"{state.fault_count:,}")
        self._values["worst_black"].set_text(say(self._language, "seconds", f"{state.worst_black_s:.1f}"))
