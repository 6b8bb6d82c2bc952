"""Which frames are looked at, by which look and where; which codes are news."""

from __future__ import annotations

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.codes import Code, Format, Gray, Look, Reader
from edge.sensors import looking
from edge.sensors.looking import GONE, SAVED, SHARE, Budget, Motion, Search, View, around


def counter(*, phone: int | None = None, width: int = 900) -> Gray:
    """An empty counter, or one with something white on it."""
    gray = numpy.full((480, width), 90, numpy.uint8)
    if phone is not None:
        gray[200:300, phone : phone + 100] = 230
    return gray


def code(content: bytes = b"a", kind: Format = "QRCode", reader: Reader = "zxing") -> Code:
    return Code(format=kind, content=content, reader=reader)


class Looks:
    """Looks that cost what they are told and read what they are told, and the shapes that they were shown."""

    def __init__(self, *costs: float) -> None:
        self.now = 0.0
        self.read: dict[int, list[Code]] = {}
        self.seen: list[tuple[int, tuple[int, ...]]] = []
        self.costs = costs
        """Seconds for a whole frame."""

    def spent(self) -> float:
        return self.now

    def look(self, number: int) -> Look:
        def look(gray: Gray) -> list[Code]:
            self.now += self.costs[number] * gray.size / (480 * 900)
            self.seen.append((number, gray.shape))
            return self.read.get(number, [])

        return look

    def search(self) -> Search:
        first, *second = (self.look(number) for number in range(len(self.costs)))
        return Search(first, second, spent=self.spent)

    @property
    def order(self) -> list[int]:
        return [number for number, _ in self.seen]


def moving(search: Search, count: int, *, begin: float = 100.0, every: float = 0.1) -> list[list[Code]]:
    """Show frames with a phone that is waved."""
    found = []
    for number in range(count):
        gray, at = counter(phone=300 + number % 2 * 60), begin + number * every
        assert search.wants(gray, at)
        found.append(search.look(gray, at))
    return found


def test_second_looks_take_turns_one_a_frame_while_nothing_is_read() -> None:
    looks = Looks(0, 0.001, 0.001, 0.001)
    moving(looks.search(), 6)
    assert looks.order == [0, 1, 0, 2, 0, 3] * 2


def test_no_second_look_where_the_first_reads_and_where_nothing_moves() -> None:
    looks = Looks(0, 0.001)
    looks.read[0] = [code()]
    assert moving(looks.search(), 3) == [[code()], [], []]
    assert looks.order == [0, 0, 0]
    looks = Looks(0, 0.001)
    search = looks.search()
    moving(search, 1)
    looks.seen.clear()
    for number in range(100):
        at = 100.1 + number * 0.1
        if search.wants(counter(phone=300), at):
            search.look(counter(phone=300), at)
    forced = looks.order[looks.order.index(1) :] if 1 in looks.order else []
    assert looks.order.count(1) == 19, "for two seconds: who is not read holds still"
    assert forced[-5:] == [0] * 5


def test_a_look_that_reads_something_has_the_next_turn_too() -> None:
    looks = Looks(0, 0.001, 0.001, 0.001)
    looks.read[2] = [code(kind="EAN13", reader="zbar")]
    found = moving(looks.search(), 4)
    assert looks.order == [0, 1, 0, 2, 0, 2, 0, 2]
    assert found == [[], [], looks.read[2], []], "a bar code counts from the second frame that agrees"


def test_a_code_that_rests_on_the_counter_keeps_no_phone_beside_it_from_second_looks() -> None:
    looks = Looks(0, 0.001)
    looks.read = {0: [code(b"pay")], 1: [code(b"phone", reader="zxing2x")]}
    search, reported = looks.search(), []
    for number in range(80):
        at = 100 + number / 10
        gray = counter(phone=300 if number > 60 else None)
        if search.wants(gray, at):
            reported += [(number, each.content) for each in search.look(gray, at)]
    assert reported == [(0, b"pay"), (61, b"phone")]


def test_beside_a_resting_code_a_phone_that_holds_still_is_looked_at_for_a_while() -> None:
    looks = Looks(0, 0.001)
    looks.read = {0: [code(b"pay")]}
    search = looks.search()
    for number in range(120):
        at = 100 + number / 10
        gray = counter(phone=300 if number > 60 else None)
        if search.wants(gray, at):
            search.look(gray, at)
    assert 15 <= looks.order.count(1) <= 25


def test_a_code_that_is_gone_though_nothing_moved_is_looked_for_again() -> None:
    looks = Looks(0, 0.001)
    looks.read[0] = [code()]
    search = looks.search()
    still = counter(phone=300)
    assert search.wants(still, 100.0)
    assert search.look(still, 100.0) == [code()]
    for number in range(1, 26):
        assert not search.wants(still, 100 + number / 10) or search.look(still, 100 + number / 10) == []
    assert looks.order == [0, 0, 0], "it is still there"
    looks.read, looks.seen = {1: [code(b"b")]}, []
    assert search.wants(still, 103.2)
    assert search.look(still, 103.2) == []
    assert search.wants(still, 103.3)
    assert search.look(still, 103.3) == [code(b"b")]
    assert looks.order == [0, 0, 1]


def test_second_looks_take_no_more_than_their_share() -> None:
    looks = Looks(0.003, 0.300)
    search = looks.search()
    moving(search, 5)
    looks.seen, looks.now = [], 0.0
    moving(search, 600, begin=101.0, every=1 / 15)
    second = looks.now - 0.003 * 600
    assert 0.5 * 40 * SHARE < second <= 40 * SHARE + SAVED + 0.3
    assert looks.order.count(0) == 600, "and no frame goes without its first look"


def test_a_debt_is_paid_off_before_the_next_look_and_savings_have_an_end() -> None:
    budget = Budget()
    assert budget.allows(100.0)
    budget.pay(SAVED + 0.2)
    assert not budget.allows(100.0 + 0.2 / SHARE - 0.01)
    assert budget.allows(100.0 + 0.2 / SHARE + 0.01)
    budget = Budget()
    assert budget.allows(100.0)
    assert budget.allows(10_000.0)
    budget.pay(SAVED + 0.001)
    assert not budget.allows(10_000.0)


def test_a_clock_that_goes_back_gives_nothing_away() -> None:
    budget = Budget()
    budget.pay(SAVED * 2)
    assert not budget.allows(100.0)
    assert not budget.allows(50.0)
    assert budget.allows(50.0 + SAVED / SHARE * 1.5)


def test_second_looks_are_at_what_moved() -> None:
    looks = Looks(0, 0.001)
    search = looks.search()
    moving(search, 8)
    assert looks.seen[1] == (1, (480, 900)), "at first anything may have come"
    number, (height, width) = looks.seen[-1]
    assert number == 1
    assert 100 <= height < 220
    assert 100 <= width < 280


def test_a_look_that_is_too_dear_for_a_whole_frame_gets_a_corner_at_a_time_and_all_of_it_in_the_end() -> None:
    looks = Looks(0)
    seen: list[Gray] = []
    quarters = numpy.zeros((480, 900), numpy.uint8)
    quarters[100:] += 100
    quarters[:, 100:] += 50

    def dear(gray: Gray) -> list[Code]:
        looks.now += 0.040 * gray.size / quarters.size
        seen.append(gray)
        return []

    search = Search(looks.look(0), [dear], spent=looks.spent)
    for number in range(200):
        gray = quarters + numpy.uint8(number % 2 * 40)  # All of it moves.
        assert search.wants(gray, 100 + number * 0.1)
        search.look(gray, 100 + number * 0.1)
    assert seen[0].shape == (480, 900)
    assert {gray.shape for gray in seen[1:]} == {(288, 540)}
    assert {int(part[0, 0]) // 50 for part in seen[1:]} == {0, 1, 2, 3}


def test_around_is_all_boxes_and_a_margin_inside_the_frame() -> None:
    gray = counter()
    assert around([], gray) == (0, 480, 0, 900)
    assert around([(200, 300, 300, 400), None], gray) == (0, 480, 0, 900)
    assert around([(200, 300, 300, 400), (240, 320, 280, 360)], gray) == (152, 368, 232, 448)
    assert around([(0, 480, 10, 895)], gray) == (0, 480, 0, 900)


def test_the_view_forgets_what_is_gone() -> None:
    view = View()
    assert view.empty()
    assert view.see([code(), code(b"b", "EAN13", "zbar")], 1.0) == [code()]
    assert not view.empty()
    assert view.see([code()], 1.0 + GONE / 2) == []
    assert view.see([], 1.0 + GONE) == []
    assert view.empty()
    assert view.see([code()], 1.0 + GONE * 1.6) == [code()]


def test_what_is_still_in_view_is_not_gone() -> None:
    view = View()
    assert view.see([code()], 1.0) == [code()]
    for step in range(100):
        view.still(1.1 + step / 10)
    assert not view.unsure(11.1)
    assert view.see([code()], 11.1) == []
    assert view.see([], 11.2) == []
    assert view.unsure(11.2)
    view.still(11.3)  # It was no longer there: it does not stay.
    assert not view.unsure(11.1 + GONE)
    assert view.see([code()], 11.1 + GONE) == [code()]


def test_the_same_bar_code_twice_in_one_frame_is_not_agreement() -> None:
    view = View()
    assert view.see([code(kind="EAN13"), code(kind="EAN13")], 1.0) == []
    assert view.unsure(1.0)
    assert view.see([code(kind="EAN13")], 1.1) == [code(kind="EAN13")]


@pytest.mark.parametrize("other", [code(b"b", "Code128"), code(b"a", "EAN13")])
def test_another_bar_code_is_no_agreement(other: Code) -> None:
    view = View()
    assert view.see([code(b"a", "Code128")], 1.0) == []
    assert view.see([other], 1.1) == []


def test_a_wall_of_codes_does_not_fill_the_memory() -> None:
    view = View()
    many = [code(str(number).encode()) for number in range(500)]
    assert view.see(many, 1.0) == many
    assert len(view.see(many, 1.1)) >= 500 - looking.MOST_IN_VIEW


def test_motion_is_more_than_noise_and_less_than_a_phone() -> None:
    dice = numpy.random.default_rng(1)

    def noisy(picture: Gray) -> Gray:
        return (picture + dice.normal(0, 5, picture.shape)).clip(0, 255).astype(numpy.uint8)

    motion = Motion()
    assert motion.in_frame(noisy(counter()))
    motion.keep(noisy(counter()))
    assert not any(motion.in_frame(noisy(counter())) for _ in range(20))
    assert motion.in_frame(noisy(counter(phone=300)))
    assert motion.box == (200, 304, 304, 400)
    assert motion.in_frame(counter()[:200])
    assert motion.box is None


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 3), st.booleans(), st.floats(0.0, 2.0)), min_size=1, max_size=40
    )
)
def test_whatever_comes_a_look_gets_a_part_of_the_frame(shown: list[tuple[int, int, bool, float]]) -> None:
    looks = Looks(0.001, 0.5, 0.001)
    search, at = looks.search(), 100.0
    for width, phone, reads, wait in shown:
        at += wait
        gray = counter(phone=phone * 250, width=[900, 640, 1280, 90][width])
        looks.read = {2: [code()]} if reads else {}
        if search.wants(gray, at):
            search.look(gray, at)
    assert looks.order[0] == 0
    assert all(0 < height <= 480 and 0 < width <= 1280 for _, (height, width) in looks.seen)
