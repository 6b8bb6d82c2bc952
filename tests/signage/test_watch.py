"""A screen that hangs is noticed, and one on which nothing should move is left in peace."""

from __future__ import annotations

from signage.watch import Watch


def test_the_same_picture_through_all_that_should_have_changed_it_hangs() -> None:
    watch = Watch(looks=3)
    assert [watch.hangs(7, drawn) for drawn in "abab"] == [False, False, False, True]


def test_a_picture_that_stands_is_no_hang_however_long() -> None:
    watch = Watch(looks=3)
    assert not any(watch.hangs(7, "a") for _ in range(1000))


def test_a_loop_that_is_always_seen_at_the_same_scene_is_no_hang() -> None:
    watch = Watch(looks=3)
    for _ in range(100):
        assert not watch.hangs(7, "a")
        assert not watch.hangs(8, "b")


def test_one_change_and_it_lives() -> None:
    watch = Watch(looks=3)
    for checksum in (7, 7, 7, 8, 8, 8, 9):
        assert not watch.hangs(checksum, object())


def test_a_screen_that_was_off_is_looked_at_anew() -> None:
    watch = Watch(looks=2)
    for _ in range(10):
        assert not watch.hangs(0, object())
        assert not watch.hangs(0, object())
        watch.forget()
