"""Who may be shown what: levels, consent, groups, and the end of every greeting."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from edge.config import ScreenConfig
from edge.director import ADVICE, FINDS, GREETING, PRODUCT, SAYS, SAYS_AGAIN, THANKS, Director, Wish
from edge.model import Change, CustomerId, ScreenId, ZoneId

SHELF, TILL = ZoneId("shelf"), ZoneId("till")
SCREENS = (
    ScreenConfig(screen="s", socket=Path("/s"), zones=("shelf",), use="shelf"),
    ScreenConfig(screen="t", socket=Path("/t"), zones=("till",), use="till"),
)
A, B = CustomerId("a"), CustomerId("b")


def change(what: str, who: CustomerId, zone: ZoneId, at: float = 10.0) -> Change:
    assert what in ("arrived", "left")
    return Change(
        what="arrived" if what == "arrived" else "left",
        customer=who,
        zone=zone,
        at=at,
        heard_at=at,
        since=at - 2,
        visit="v",
    )


def wishes(
    director: Director, now: float = 10.0, *, deny: set[str] | None = None, **more: bool
) -> dict[str, Wish | None]:
    denied = deny or set()
    return {
        str(screen): wish
        for screen, wish in director.wishes(
            now,
            may=lambda who, purpose: who not in denied and f"{who}/{purpose}" not in denied,
            anonymous=more.get("anonymous", False),
            clock_safe=more.get("clock_safe", True),
        ).items()
    }


def test_nobody_is_the_loop() -> None:
    assert wishes(Director(SCREENS)) == {"s": None, "t": None}


def test_a_beacon_gives_level_one_without_a_name_and_two_are_blended() -> None:
    director = Director(SCREENS)
    director.moved(change("arrived", B, SHELF))
    director.moved(change("arrived", A, SHELF))
    wish = wishes(director)["s"]
    assert wish is not None
    assert (wish.level, wish.named, wish.people) == (1, False, (A, B))


def test_either_consent_missing_is_nothing() -> None:
    for purpose in ("presence", "signage"):
        director = Director(SCREENS)
        director.moved(change("arrived", A, SHELF))
        assert wishes(director, deny={f"a/{purpose}"})["s"] is None


def test_consent_withdrawn_is_seen_at_the_next_look() -> None:
    director = Director(SCREENS)
    director.moved(change("arrived", A, SHELF))
    director.moved(change("arrived", B, SHELF))
    wish = wishes(director, deny={"a"})["s"]
    assert wish is not None
    assert wish.people == (B,)


def test_who_leaves_is_no_longer_shown() -> None:
    director = Director(SCREENS)
    director.moved(change("arrived", A, SHELF))
    director.moved(change("left", A, SHELF))
    assert wishes(director)["s"] is None


def test_a_late_leaving_of_the_old_zone_does_not_undo_the_new_one() -> None:
    director = Director(SCREENS)
    director.moved(change("arrived", A, TILL))
    director.moved(change("arrived", A, SHELF))
    director.moved(change("left", A, TILL))
    assert wishes(director)["s"] is not None


def test_the_till_stays_anonymous_for_a_beacon_alone() -> None:
    director = Director(SCREENS)
    director.moved(change("arrived", A, TILL))
    assert wishes(director)["t"] is None


def test_a_scan_greets_by_name_until_it_is_over() -> None:
    director = Director(SCREENS)
    director.scanned(TILL, A, "act", 9.9, 10.0)
    wish = wishes(director, 10.0 + GREETING - 0.1)["t"]
    assert wish is not None
    assert (wish.level, wish.named, wish.people) == (2, True, (A,))
    assert wishes(director, 10.0 + GREETING)["t"] is None


def test_no_group_no_name() -> None:
    director = Director(SCREENS)
    director.moved(change("arrived", B, TILL))
    director.scanned(TILL, A, "act", 9.9, 10.0)
    wish = wishes(director)["t"]
    assert wish is not None
    assert (wish.level, wish.named) == (1, False)


def test_ones_own_beacon_is_no_group() -> None:
    director = Director(SCREENS)
    director.moved(change("arrived", A, TILL))
    director.scanned(TILL, A, "act", 9.9, 10.0)
    wish = wishes(director)["t"]
    assert wish is not None
    assert wish.named
    director.moved(change("arrived", A, TILL))
    assert wishes(director)["t"] is not None


def test_a_greeting_ends_when_the_greeted_leaves() -> None:
    director = Director(SCREENS)
    director.moved(change("arrived", A, TILL))
    director.scanned(TILL, A, "act", 9.9, 10.0)
    director.moved(change("left", A, TILL))
    assert wishes(director)["t"] is None


def test_a_greeting_loses_its_name_when_someone_steps_in_and_does_not_get_it_back() -> None:
    director = Director(SCREENS)
    director.moved(change("arrived", A, TILL))
    director.scanned(TILL, A, "act", 9.9, 10.0)
    director.moved(change("arrived", B, TILL))
    director.moved(change("left", B, TILL))
    wish = wishes(director)["t"]
    assert wish is not None
    assert (wish.level, wish.named) == (1, False)


def test_an_unsafe_clock_or_unconfirmed_consent_takes_the_name_away() -> None:
    director = Director(SCREENS)
    director.scanned(TILL, A, "act", 9.9, 10.0)
    unsafe = wishes(director, clock_safe=False)["t"]
    assert unsafe is not None
    assert (unsafe.level, unsafe.named) == (1, False)
    unconfirmed = wishes(director, anonymous=True)["t"]
    assert unconfirmed is not None
    assert (unconfirmed.level, unconfirmed.people) == (0, ())


def test_a_code_of_nobody_is_answered_without_anybody() -> None:
    director = Director(SCREENS)
    director.scanned(TILL, None, "act", 9.9, 10.0, "unknown")
    wish = wishes(director)["t"]
    assert wish is not None
    assert (wish.level, wish.people) == (0, ())


def test_the_next_scan_replaces_the_last() -> None:
    director = Director(SCREENS)
    director.scanned(TILL, A, "one", 9.9, 10.0)
    first = wishes(director)["t"]
    director.scanned(TILL, B, "two", 11.0, 11.1)
    second = wishes(director, 11.2)["t"]
    assert first is not None
    assert second is not None
    assert second.people == (B,)
    assert not second.same(first)


def greeted(director: Director, now: float) -> tuple[int, bool]:
    wish = wishes(director, now)["t"]
    assert wish is not None
    assert wish.people == (A,)
    return wish.level, wish.named


def nobodys(director: Director, now: float) -> bool:
    wish = wishes(director, now)["t"]
    assert wish is not None
    return (wish.level, wish.people, wish.named) == (0, (), False)


def test_a_greeting_does_not_come_back_after_its_person_left_while_nobody_was_known() -> None:
    director = Director(SCREENS, {TILL})
    wishes(director, 0.0)
    director.moved(change("arrived", A, TILL))
    director.scanned(TILL, A, "act", 9.9, 10.0)
    assert greeted(director, 10.0) == (2, True)
    wishes(director, 11.0, anonymous=True)
    director.moved(change("left", A, TILL, 12.0))
    assert nobodys(director, 12.1)
    assert wishes(director, 10.0 + GREETING)["t"] is None


def test_no_name_before_whoever_is_near_has_been_found() -> None:
    for since, named in ((10.0 - FINDS + 0.1, False), (10.0 - FINDS, True)):
        director = Director(SCREENS, {TILL})
        wishes(director, since)
        director.scanned(TILL, A, "act", 9.9, 10.0)
        assert greeted(director, 10.0) == ((2, True) if named else (1, False))
        assert greeted(director, 17.9) == ((2, True) if named else (1, False)), "it does not come by and by"
    director = Director(SCREENS, {TILL})
    director.scanned(TILL, A, "act", 9.9, 10.0)
    assert greeted(director, 10.0) == (1, False), "a code that comes with the start"


def test_after_a_time_in_which_nobody_was_known_the_store_listens_anew() -> None:
    director = Director(SCREENS, {TILL})
    wishes(director, 0.0)
    director.scanned(TILL, A, "one", 9.9, 10.0)
    assert greeted(director, 10.0) == (2, True)
    wishes(director, 11.0, anonymous=True)
    assert nobodys(director, 11.1), "who left or stepped in meanwhile was not noticed"
    director.scanned(TILL, A, "two", 11.2, 11.2)
    assert greeted(director, 11.3) == (1, False)
    director.scanned(TILL, A, "three", 11.1 + FINDS, 11.1 + FINDS)
    assert greeted(director, 17.0) == (2, True)


def test_a_store_that_never_hears_who_else_is_there_greets_as_ever() -> None:
    for radios in ((), (SHELF,)):
        director = Director(SCREENS, radios)
        director.scanned(TILL, A, "act", 9.9, 10.0)
        assert greeted(director, 10.0) == (2, True)
        wishes(director, 11.0, anonymous=True)
        assert nobodys(director, 11.1)
        director.scanned(TILL, A, "again", 11.2, 11.2)
        assert greeted(director, 11.2) == (2, True)


def test_a_radio_of_any_zone_from_which_the_screen_is_seen_counts() -> None:
    director = Director(WIDE, {QUEUE})
    director.scanned(TILL, A, "act", 9.9, 10.0)
    assert greeted(director, 10.0) == (1, False)


moves = st.lists(
    st.tuples(st.sampled_from(["arrived", "left", "scan"]), st.sampled_from("abc"), st.sampled_from(["shelf", "till"])),
    max_size=40,
)


@given(moves, st.sets(st.sampled_from("abc")))
def test_never_anyone_without_consent_and_never_a_name_in_a_group(
    steps: list[tuple[str, str, str]], deny: set[str]
) -> None:
    director = Director(SCREENS)
    where: dict[str, str] = {}
    for number, (what, who, zone) in enumerate(steps):
        now = float(number)
        if what == "scan":
            director.scanned(ZoneId(zone), CustomerId(who), str(number), now, now)
        else:
            director.moved(change(what, CustomerId(who), ZoneId(zone), now))
            if what == "arrived":
                where[who] = zone
            elif where.get(who) == zone:
                del where[who]
        for screen, wish in wishes(director, now, deny=deny).items():
            if wish is None:
                continue
            assert not set(wish.people) & deny
            zone_of_screen = "shelf" if screen == "s" else "till"
            if wish.named:
                assert wish.level == 2
                assert {other for other, there in where.items() if there == zone_of_screen} <= set(wish.people)
            if wish.cause == "beacon":
                assert all(where.get(person) == zone_of_screen for person in wish.people)


def test_screens_are_named_by_their_ids() -> None:
    assert set(Director(SCREENS).wishes(0, may=lambda *_: True, anonymous=False, clock_safe=True)) == {
        ScreenId("s"),
        ScreenId("t"),
    }


def test_a_newcomer_is_a_new_cause_and_a_leaver_is_not() -> None:
    director = Director(SCREENS)
    director.moved(change("arrived", A, SHELF, 10.0))
    one = wishes(director)["s"]
    director.moved(change("arrived", B, SHELF, 11.0))
    both = wishes(director)["s"]
    assert one is not None
    assert both is not None
    assert not both.follows(one)
    assert one.follows(both)
    assert both.decided == 11.0


def test_a_greeting_that_comes_back_answers_no_new_code() -> None:
    director = Director(SCREENS)
    director.scanned(TILL, A, "act", 9.9, 10.0)
    first, nobody, back = wishes(director)["t"], wishes(director, anonymous=True)["t"], wishes(director)["t"]
    assert first is not None
    assert nobody is not None
    assert back is not None
    assert nobody.people == ()
    assert back.follows(nobody)
    assert nobody.follows(first)
    director.scanned(TILL, A, "other", 11.0, 11.0)
    again = wishes(director, 11.0)["t"]
    assert again is not None
    assert not again.follows(back)


QUEUE = ZoneId("queue")
WIDE = (ScreenConfig(screen="t", socket=Path("/t"), zones=("till", "queue"), use="till"),)


def test_a_group_is_whoever_can_read_the_screen() -> None:
    director = Director(WIDE)
    director.moved(change("arrived", B, QUEUE))
    director.scanned(TILL, A, "act", 9.9, 10.0)
    wish = wishes(director)["t"]
    assert wish is not None
    assert not wish.named
    director = Director(WIDE)
    director.scanned(TILL, A, "act", 9.9, 10.0)
    director.moved(change("arrived", B, QUEUE))
    wish = wishes(director)["t"]
    assert wish is not None
    assert not wish.named


def test_a_greeting_that_was_replaced_does_not_come_back() -> None:
    director = Director(WIDE)
    director.scanned(TILL, A, "one", 10.0, 10.0)
    director.scanned(QUEUE, None, "two", 11.0, 11.0, "unknown")
    assert wishes(director, 15.5)["t"] is None


def answer(director: Director, now: float) -> tuple[str, int, tuple[CustomerId, ...], bool] | None:
    wish = wishes(director, now)["t"]
    return (wish.answer, wish.level, wish.people, wish.named) if wish else None


def test_what_was_being_read_becomes_a_greeting_as_long_as_it_stands() -> None:
    director = Director(SCREENS)
    director.scanned(TILL, None, "act", 9.9, 10.0, "reading")
    assert answer(director, 10.0) == ("reading", 0, (), False)
    director.answered("act", A, "member", 10.2)
    assert answer(director, 10.2 + GREETING - 0.1) == ("member", 2, (A,), True)
    director.answered("another", B, "member", 10.3)
    assert answer(director, 10.4) == ("member", 2, (A,), True)
    director.answered("act", None, "used", 11.0)
    assert answer(director, 11.0) == ("used", 0, (), False)
    assert answer(director, 11.0 + ADVICE) is None
    director.scanned(TILL, None, "late", 20.0, 20.0, "reading")
    director.answered("late", A, "member", 20.0 + THANKS)
    assert answer(director, 20.0 + THANKS) is None


def test_who_becomes_known_late_is_named_only_if_nobody_else_was_or_came_near() -> None:
    for before in (True, False):
        director = Director(SCREENS)
        if before:
            director.moved(change("arrived", B, TILL))
        director.scanned(TILL, None, "act", 9.9, 10.0, "reading")
        if not before:
            director.moved(change("arrived", B, TILL))
            director.moved(change("left", B, TILL))
        director.answered("act", A, "member", 10.2)
        assert answer(director, 10.2) == ("member", 1, (A,), False)


def test_who_becomes_known_after_a_time_in_which_nobody_was_is_not_named() -> None:
    director = Director(SCREENS)
    director.scanned(TILL, None, "act", 9.9, 10.0, "reading")
    wishes(director, 10.1, anonymous=True)
    director.answered("act", A, "member", 10.2)
    assert answer(director, 10.2) == ("member", 1, (A,), False)


def test_a_wish_with_another_answer_is_another_one_and_follows_the_first() -> None:
    director = Director(SCREENS)
    director.scanned(TILL, None, "act", 9.9, 10.0, "reading")
    first = wishes(director)["t"]
    director.answered("act", None, "unknown", 10.3)
    second = wishes(director, 10.3)["t"]
    assert first is not None
    assert second is not None
    assert not second.same(first)
    assert second.follows(first)


def test_a_product_is_shown_to_nobody_in_particular() -> None:
    director = Director(SCREENS)
    director.scanned(SHELF, None, "act", 9.9, 10.0, "product", "tea")
    wish = wishes(director, 10.0 + PRODUCT - 0.1)["s"]
    assert wish is not None
    assert (wish.answer, wish.sku, wish.level, wish.people) == ("product", "tea", 0, ())
    assert wishes(director, 10.0 + PRODUCT)["s"] is None
    assert director.is_till(TILL)
    assert not director.is_till(SHELF)


def test_a_till_without_a_reader_that_works_says_so_now_and_then_and_a_shelf_never() -> None:
    director = Director(WIDE + SCREENS[:1])

    def said(now: float, *silent: ZoneId) -> list[str]:
        made = director.wishes(now, may=lambda *_: True, anonymous=False, clock_safe=True, silent=silent)
        return [f"{screen} {wish.act}" for screen, wish in made.items() if wish and wish.answer == "trouble"]

    assert said(99.0) == []
    assert said(100.0, QUEUE, SHELF) == ["t trouble-0"]
    assert said(100.0 + SAYS - 0.1, QUEUE) == ["t trouble-0"]
    assert said(100.0 + SAYS, QUEUE) == []
    assert said(100.0 + SAYS_AGAIN, QUEUE) == ["t trouble-1"]
    assert said(131.0) == []
    assert said(150.0, QUEUE) == ["t trouble-0"], "another one begins anew"
    director.scanned(TILL, A, "act", 150.0, 150.0)
    assert said(150.5, QUEUE) == []
