"""Unknown radios are counted and forgotten."""

from __future__ import annotations

from edge.crowd import MOST, WINDOW, Crowd
from edge.model import ZoneId

SHELF, TILL = ZoneId("shelf"), ZoneId("till")


def test_each_radio_counts_once_a_zone_and_window() -> None:
    crowd = Crowd()
    for second in range(50):
        crowd.heard(SHELF, "AA:00", second)
        crowd.heard(SHELF, f"BB:{second % 3}", second)
    crowd.heard(TILL, "AA:00", 50)
    assert crowd.tick(WINDOW - 1) == []
    assert [(count.zone, count.radios) for count in crowd.tick(WINDOW)] == [("shelf", 4), ("till", 1)]
    assert crowd.tick(WINDOW * 3) == []


def test_addresses_are_not_kept_in_the_clear_and_memory_is_bounded() -> None:
    crowd = Crowd()
    for number in range(MOST + 100):
        crowd.heard(SHELF, f"{number:012x}", 1.0)
    assert crowd.tick(100.0)[0].radios == MOST
