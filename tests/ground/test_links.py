"""Addresses with store and zone: what we make is known again, and nothing else is, however near it comes."""

from __future__ import annotations

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ground import links
from ground.links import Place, placed, poster, read

SHOP = "https://shop.example/item"
IDS = st.text("abcxyz019-", min_size=1, max_size=12)
SKUS = st.text(string.ascii_letters + string.digits + " -_/&=%?#+茶碗", min_size=1, max_size=12)
LINKS = st.sampled_from(
    [SHOP, "https://shop.example", "https://Shop.Example/", "http://localhost:8080/p?lang=ja", f"{SHOP}?a=1&b=%41#top"]
)


@given(LINKS, IDS, st.none() | IDS, st.none() | SKUS)
@settings(max_examples=200)
def test_what_is_made_is_read_again(link: str, store: str, zone: str | None, sku: str | None) -> None:
    place = Place(store=store, zone=zone, sku=sku)
    made = poster(link, place)
    assert read(made, link) == place
    assert links.claimed(made) == store


@given(st.text(string.printable + "茶。", max_size=80))
@settings(max_examples=300)
def test_whatever_else_stands_there_is_not_ours(text: str) -> None:
    made = poster(SHOP, Place(store="ginza", zone="tea", sku="t-1"))
    for near in (text, SHOP + text, made + text, text + made, made[:40] + text + made[40:]):
        found = read(near, SHOP)
        assert found is None or poster(SHOP, found) == near


def test_as_a_browser_writes_it_it_is_the_same() -> None:
    made = poster("https://Shop.Example", Place(store="ginza", zone="tea", sku="t-1"))
    assert made == "https://Shop.Example?store=ginza&zone=tea&sku=t-1"
    assert read("https://shop.example/?store=ginza&zone=tea&sku=t-1", "https://Shop.Example") is not None


@pytest.mark.parametrize(
    "hostile",
    [
        "",
        "https://",
        "https://[::1",
        "http://shop.example/item?store=ginza&zone=tea&sku=t-1",
        "HTTPS://shop.example/item?store=ginza&zone=tea&sku=t-1",
        "javascript:alert(1)//shop.example/item?store=ginza&zone=tea&sku=t-1",
        "https://shop.example@evil.example/item?store=ginza&zone=tea&sku=t-1",
        "https://me@shop.example/item?store=ginza&zone=tea&sku=t-1",
        "https://evil.example/https://shop.example/item?store=ginza&zone=tea&sku=t-1",
        "https://shop.example.evil.example/item?store=ginza&zone=tea&sku=t-1",
        "https://shop.example\\@evil.example/item?store=ginza&zone=tea&sku=t-1",
        "https://shop.example:444/item?store=ginza&zone=tea&sku=t-1",
        "https://shop.example./item?store=ginza&zone=tea&sku=t-1",
        "https://ѕhop.example/item?store=ginza&zone=tea&sku=t-1",
        "https://xn--hop-qbd.example/item?store=ginza&zone=tea&sku=t-1",
        "https://shop。example/item?store=ginza&zone=tea&sku=t-1",
        "https://shop.example/ite%6d?store=ginza&zone=tea&sku=t-1",
        "https://shop.example/x/../item?store=ginza&zone=tea&sku=t-1",
        "https://shop.example/item/?store=ginza&zone=tea&sku=t-1",
        "https://shop.example/item;a?store=ginza&zone=tea&sku=t-1",
        "https://shop.example/item?store=ginza&zone=tea&sku=t-1#top",
        "https://shop.example/item?store=ginza&zone=tea&sku=t-1#",
        "https://shop.example/item?store=ginza&zone=tea&sku=%74-1",
        "https://shop.example/item?store=ginza&zone=tea&sku=t%2D1",
        "https://shop.example/item?store=ginza&zone=tea&sku=%FF",
        "https://shop.example/item?store=ginza&zone=tea&sku=t%0A1",
        "https://shop.example/item?store=ginza&zone=tea&sku=",
        "https://shop.example/item?store=ginza&zone=tea&sku=t-1&sku=t-2",
        "https://shop.example/item?store=ginza&store=kobe&zone=tea&sku=t-1",
        "https://shop.example/item?store=ginza&zone=tea&sku=t-1&utm=x",
        "https://shop.example/item?zone=tea&store=ginza&sku=t-1",
        "https://shop.example/item?a=1&store=ginza&zone=tea&sku=t-1",
        "https://shop.example/item?store=ginza&zone=tea&sku",
        "https://shop.example/item?store=ginza&zone=tea;sku=t-1",
        "https://shop.example/item?store=Ginza&zone=tea&sku=t-1",
        "https://shop.example/item?store=&zone=tea&sku=t-1",
        "https://shop.example/item?store=ginza&zone=t+a&sku=t-1",
        "https://shop.example/item?store=ginza&sku=t-1",
        " https://shop.example/item?store=ginza&zone=tea&sku=t-1",
        "https://shop.example/it\nem?store=ginza&zone=tea&sku=t-1",
        "https://shop.example/item?store=ginza&zone=tea&sku=t-1\n",
        "https://shop.example/item?store=ginza&zone=tea&sku=t\u20281",
        f"https://shop.example/item?store={'a' * 65}&zone=tea&sku=t-1",
        f"https://shop.example/item?store=ginza&zone=tea&sku={'1' * 260}",
        f"https://shop.example/item?store=ginza&zone=tea&sku={'1' * 100_000}",
    ],
)
def test_addresses_of_others_are_none(hostile: str) -> None:
    assert read(hostile, SHOP) is None
    links.claimed(hostile)


def test_of_no_link_nothing_is_made_and_nothing_is_known() -> None:
    assert read("https://shop.example/item?store=ginza&zone=tea&sku=t-1", "") is None
    assert read("", "") is None
    assert [placed(link, store="ginza") for link in ("", "http://[x", f"https://x.example/{'a' * 300}")] == [""] * 3
    assert placed("https://x.example/a?b=1#c", store="ginza", zone="") == "https://x.example/a?b=1&store=ginza&zone=#c"
