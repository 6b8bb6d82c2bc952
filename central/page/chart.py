"""How long the screens took: scan to frame and beacon decision to frame, over the last minutes."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any

from nicegui import ui

from central.page.journal import Shown
from central.page.tags import Tag
from central.page.words import Language, say

MINUTES = 5
_INDIGO, _SHU, _SOFT, _LINE = "#223f6b", "#b5442c", "#625a4f", "#d8cfbf"
_EMPTY_MS = 60
"""How high the plane is as long as there is nothing on it."""
_KEY = (("beacon", "beacon_times", _INDIGO), ("scan", "scan_times", _SHU))


class Times:
    """Points in a plane of time and milliseconds, and what half and 99 of 100 of them do not exceed."""

    def __init__(self, language: Language) -> None:
        self._language = language
        self._points: dict[str, list[list[float]]] = {}
        with Tag("ul", classes="times-key"):
            self._words = {}
            for cause, word, _ in _KEY:
                with Tag("li", classes=f"by-{cause}"):
                    Tag("i", aria_hidden="true")
                    Tag("span", say(language, word))
                    self._words[cause] = Tag("b", say(language, "no_times"), data_times=cause)
        self._chart = ui.echart(_options()).classes("times-chart")

    def show(self, samples: Iterable[Sequence[Shown]]) -> None:
        """Give the samples of every screen of the store."""
        now = time.monotonic()
        points: dict[str, list[list[float]]] = {cause: [] for cause, _, _ in _KEY}
        # To the second: the two clocks drift, and a point that has not moved is not sent again.
        epoch = time.time() - now
        for screen in samples:
            for one in screen:
                took = one.trigger_ms if one.cause == "scan" else one.decision_ms
                if took is not None and one.cause in points and now - one.at_ns / 1e9 < MINUTES * 60:
                    points[one.cause].append([round(epoch + one.at_ns / 1e9) * 1000, round(took, 1)])
        if points == self._points:
            return
        self._points = points
        for cause, words in self._words.items():
            took_all = sorted(took for _, took in points[cause])
            half, most = quantile(took_all, 50), quantile(took_all, 99)
            words.set_text(
                say(self._language, "no_times")
                if half is None or most is None
                else say(self._language, "half_and_99", round(half), round(most))
            )
        options = self._chart.options
        options["xAxis"]["min"] = round(time.time() * 1000) - MINUTES * 60_000
        options["xAxis"]["max"] = round(time.time() * 1000)
        options["yAxis"]["max"] = None if any(points.values()) else _EMPTY_MS
        for series, (cause, _, _) in zip(options["series"], _KEY, strict=True):
            series["data"] = points[cause]
        self._chart.update()


def quantile(ordered: Sequence[float], percent: int) -> float | None:
    """The value that so many of 100 do not exceed (the nearest rank)."""
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)] if ordered else None


def _options() -> dict[str, Any]:
    font = {"color": _SOFT, "fontSize": 11, "fontFamily": "Noto Sans CJK JP, Noto Sans JP, sans-serif"}
    return {
        "animation": False,
        "aria": {"enabled": True},
        "grid": {"left": 38, "right": 12, "top": 20, "bottom": 22},
        "xAxis": {
            "type": "time",
            "axisLabel": font | {"formatter": "{HH}:{mm}", "hideOverlap": True},
            "axisLine": {"lineStyle": {"color": _LINE}},
            "axisTick": {"show": False},
            "splitNumber": 5,
        },
        "yAxis": {
            "type": "value",
            "min": 0,
            "max": _EMPTY_MS,
            "axisLabel": font | {"formatter": "{value}"},
            "splitLine": {"lineStyle": {"color": _LINE, "width": 0.7}},
            "splitNumber": 3,
            "name": "ms",
            "nameLocation": "end",
            "nameGap": 6,
            "nameTextStyle": font | {"align": "right", "padding": [0, 8, 0, 0]},
        },
        "series": [
            {
                "type": "scatter",
                "symbolSize": 6,
                "itemStyle": {"color": colour, "opacity": 0.8},
                "cursor": "default",
                "silent": True,
                "data": [],
            }
            for _, _, colour in _KEY
        ],
    }
