"""A screen that hangs is noticed, and one on which nothing should move is left in peace."""

from __future__ import annotations

from signage.watch import Watch


def test_the_same_picture_through_all_that_should_have_changed_it_hangs() -> None:
    watch = Watch(looks=3)
    assert [watch.hangs(7, shown, moving=False) for shown in "abab"] == [False, False, False, True]


def test_a_scene_that_stands_is_no_hang_however_long() -> None:
    watch = Watch(looks=3)
    assert not any(watch.hangs(7, "a", moving=False) for _ in range(1000))


def test_a_loop_that_is_always_seen_at_the_same_scene_is_no_hang() -> None:
    watch = Watch(looks=3)
    for _ in range(100):
        assert not watch.hangs(7, "a", moving=False)
        assert not watch.hangs(8, "b", moving=False)


def test_what_moves_by_itself_must_change() -> None:
    watch = Watch(looks=3)
    assert not any(watch.hangs(number, "film", moving=True) for number in range(50))
    assert [watch.hangs(49, "film", moving=True) for _ in range(3)] == [False, False, True]


def test_one_change_and_it_lives() -> None:
    watch = Watch(looks=3)
    for checksum in (7, 7, 7, 8, 8, 8, 9):
        assert not watch.hangs(checksum, object(), moving=True)


def test_a_screen_that_was_off_is_looked_at_anew() -> None:
    watch = Watch(looks=2)
    for _ in range(10):
        assert not watch.hangs(0, object(), moving=True)
        assert not watch.hangs(0, object(), moving=True)
        watch.forget()
