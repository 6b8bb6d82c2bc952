"""Product codes at a reader: our posters and a product's own, and nobody else's."""

from __future__ import annotations

import pytest

from central.contract.feeds import Product
from edge.posters import Poster, of

SHOP = "https://shop.example/item"
PRODUCTS = {
    sku: Product(sku=sku, name={"ja": "煎茶"}, yen=800, category="tea") for sku in ("4901234567894", "tea-1", "抹茶 1")
}


@pytest.mark.parametrize(
    ("content", "poster"),
    [
        (b"4901234567894", Poster(sku="4901234567894")),
        (b"tea-1", Poster(sku="tea-1")),
        (b"https://shop.example/item?store=ginza&zone=tea&sku=tea-1", Poster(sku="tea-1", store="ginza", zone="tea")),
        (b"https://shop.example/item?store=kobe&zone=&sku=tea-1", Poster(sku="tea-1", store="kobe")),
        (
            b"https://shop.example/item?store=ginza&zone=tea&sku=%E6%8A%B9%E8%8C%B6+1",
            Poster(sku="抹茶 1", store="ginza", zone="tea"),
        ),
        (b"4901234567887", None),
        (b"https://shop.example/item?store=ginza&zone=tea&sku=tea-9", None),
        (b"https://shop.example/item?store=ginza&zone=tea", None),
        (b"https://shop.example/item", None),
        (b"https://shop.example@evil.example/item?store=ginza&zone=tea&sku=tea-1", None),
        (b"https://evil.example/item?store=ginza&zone=tea&sku=tea-1", None),
        ("https://shop.example/item?store=ginza&zone=tea&sku=抹茶+1".encode(), None),
        ("抹茶 1".encode("shift_jis"), None),
        (b"tea-1\n", None),
        (b"", None),
        (b"\xff\x00" * 40, None),
        (b"1" * 3000, None),
    ],
)
def test_what_a_code_says(content: bytes, poster: Poster | None) -> None:
    assert of(content, PRODUCTS, SHOP) == poster


def test_in_a_store_without_a_link_only_products_own_codes_are_known() -> None:
    assert of(b"tea-1", PRODUCTS, "") == Poster(sku="tea-1")
    assert of(b"?store=ginza&zone=tea&sku=tea-1", PRODUCTS, "") is None
