"""What is recommended, to whom, and what must never be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from central.contract.feeds import Interest, Product, Profile, Stock
from edge.recommender import recommend

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def product(sku: str, category: str, *, sensitive: bool = False) -> Product:
    return Product(sku=sku, name={"ja": sku}, yen=100, category=category, sensitive=sensitive)


def person(
    *, bought: dict[str, float] | None = None, viewed: dict[str, float] | None = None, who: str = "a"
) -> Profile:
    def ago(skus: dict[str, float] | None) -> tuple[Interest, ...]:
        return tuple(Interest(sku=sku, at=NOW - timedelta(days=days)) for sku, days in (skus or {}).items())

    return Profile(customer=who, purposes=("presence", "signage"), bought=ago(bought), viewed=ago(viewed))


PRODUCTS = {
    **{f"tea-{n}": product(f"tea-{n}", "tea") for n in range(6)},
    **{f"cup-{n}": product(f"cup-{n}", "cups") for n in range(6)},
    "pill": product("pill", "medicine", sensitive=True),
}
STOCK = {sku: Stock(sku=sku, on_hand=5, sold=10) for sku in PRODUCTS}


def skus(people: list[Profile], *, level: int = 1, count: int = 3, stock: dict[str, Stock] | None = None) -> list[str]:
    return [pick.sku for pick in recommend(people, PRODUCTS, stock or STOCK, NOW, level=level, count=count)]


def test_what_was_looked_at_this_morning_comes_first() -> None:
    assert skus([person(viewed={"cup-3": 0.2})])[0] == "cup-3"


def test_a_look_of_last_month_weighs_less_than_one_of_today() -> None:
    assert skus([person(viewed={"cup-3": 30, "tea-2": 0.1})])[0] == "tea-2"


def test_past_purchases_are_never_shown_below_level_two_but_lead_to_their_category() -> None:
    one = person(bought={"tea-0": 3, "tea-1": 3})
    shown = skus([one], count=12)
    assert "tea-0" not in shown
    assert "tea-1" not in shown
    assert shown[0].startswith("tea")
    assert skus([one], level=2)[0] in {"tea-0", "tea-1"}


def test_what_one_bought_is_kept_from_a_blend_too() -> None:
    shown = skus([person(bought={"tea-0": 1}), person(viewed={"tea-0": 0.1}, who="b")], count=12)
    assert "tea-0" not in shown


def test_a_blend_serves_both() -> None:
    shown = skus([person(viewed={"tea-4": 0.1}), person(viewed={"cup-4": 0.1}, who="b")])
    assert {"tea-4", "cup-4"} <= set(shown)


def test_nothing_sensitive_nothing_out_of_stock_nothing_unknown() -> None:
    stock = STOCK | {"cup-3": Stock(sku="cup-3", on_hand=0, sold=99), "ghost": Stock(sku="ghost", on_hand=9, sold=99)}
    shown = skus([person(viewed={"cup-3": 0.1, "pill": 0.1})], count=20, stock=stock)
    assert not {"cup-3", "pill", "ghost"} & set(shown)
    assert len(shown) == 11


def test_a_stranger_to_us_gets_what_sells_here() -> None:
    stock = STOCK | {"cup-5": Stock(sku="cup-5", on_hand=5, sold=500)}
    assert skus([person()], stock=stock)[0] == "cup-5"


def test_one_category_does_not_fill_the_screen_while_there_is_another() -> None:
    shown = skus([person(viewed={f"tea-{n}": 0.1 for n in range(6)})], count=4)
    assert sum(sku.startswith("tea") for sku in shown) == 2


interests = st.dictionaries(st.sampled_from(sorted(PRODUCTS)), st.floats(-1, 4000), max_size=8)


@given(st.lists(st.tuples(interests, interests), max_size=4), st.integers(1, 12), st.integers(1, 2))
def test_always_in_stock_distinct_and_as_many_as_there_are(
    people: list[tuple[dict[str, float], dict[str, float]]], count: int, level: int
) -> None:
    made = [person(bought=bought, viewed=viewed, who=f"p{n}") for n, (bought, viewed) in enumerate(people)]
    shown = skus(made, level=level, count=count)
    barred = {"pill"} | ({sku for bought, _ in people for sku in bought} if level < 2 else set())
    assert len(shown) == len(set(shown)) == min(count, len(set(PRODUCTS) - barred))
    assert not set(shown) & barred


def test_something_sensitive_leads_to_nothing() -> None:
    products = PRODUCTS | {"vitamin": product("vitamin", "medicine")}
    stock = STOCK | {"vitamin": Stock(sku="vitamin", on_hand=5, sold=1)}
    [*_, last] = recommend([person(bought={"pill": 1}, viewed={"pill": 0.1})], products, stock, NOW, level=1, count=20)
    assert last.sku == "vitamin"


SHELF = {
    **{f"tea-{n}": Stock(sku=f"tea-{n}", on_hand=5, sold=900) for n in range(6)},
    **{f"cup-{n}": Stock(sku=f"cup-{n}", on_hand=5, sold=1) for n in range(6)},
    "pill": Stock(sku="pill", on_hand=5, sold=900),
}


def test_the_last_look_leads_whatever_else_was_looked_at_and_sells() -> None:
    looks = {"tea-1": 0.002, "tea-2": 0.002, "tea-3": 0.002, "tea-4": 0.002, "cup-5": 0.001}
    assert skus([person(viewed=looks, bought={"tea-0": 1})], stock=SHELF)[0] == "cup-5"
    assert skus([person(viewed=looks)], stock=SHELF, level=2)[0] == "cup-5"


def test_a_look_of_the_day_before_yesterday_leads_no_more() -> None:
    old = person(viewed={"tea-1": 2, "tea-2": 2, "cup-5": 1.01})
    assert skus([old], stock=SHELF)[0] != "cup-5"
    assert skus([person(viewed={"tea-1": 2, "tea-2": 2, "cup-5": 0.99})], stock=SHELF)[0] == "cup-5"


def test_what_must_not_be_shown_leads_nothing_and_the_look_before_it_does() -> None:
    stock = SHELF | {"cup-1": Stock(sku="cup-1", on_hand=0, sold=1)}
    looks = {"pill": 0.001, "cup-1": 0.002, "cup-2": 0.003, "cup-3": 0.004} | {f"tea-{n}": 0.005 for n in range(4)}
    one = person(viewed=looks, bought={"cup-2": 40})
    assert skus([one], stock=stock)[0] == "cup-3"
    assert skus([one], stock=stock, level=2)[0] == "cup-2"
    assert "cup-2" not in skus([one], stock=stock, count=12)


def test_of_several_each_ones_last_look_leads_the_latest_first() -> None:
    people = [person(viewed={f"cup-{n}": 0.01 * (n + 1), "tea-5": 0.3}, who=f"p{n}") for n in (2, 0, 1, 3)]
    assert skus(people, stock=SHELF) == ["cup-0", "cup-1", "cup-2"]
    assert skus(people, stock=SHELF, count=4)[3] == "cup-3"  # One category or not: each of them sees it.
    looks = (("cup-0", 0.1), ("cup-0", 0.2), ("cup-1", 0.15))
    both = [person(viewed={sku: days}, who=f"p{n}") for n, (sku, days) in enumerate(looks)]
    assert skus(both, stock=SHELF)[:2] == ["cup-0", "cup-1"]
    assert len(set(skus(both, stock=SHELF))) == 3
