"""Draws docs/pictures anew: each main view in both languages, from the sample chain."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from central import sample
from central.contract.feeds import Language, Profile
from edge.director import Wish
from edge.model import CustomerId
from edge.recommender import recommend
from edge.scenes import A_SCENE, compose, playlist
from signage.contract import Scene

HERE = Path(__file__).parent / "pictures"
NOW = datetime(2026, 11, 24, 3, tzinfo=UTC)
LANGUAGES: tuple[Language, ...] = ("ja", "en")


def scenes(chain: sample.Chain) -> dict[str, Scene]:
    """The loop, the shelf and the till, in each language, for somebody of the sample chain."""
    products = {product.sku: product for product in chain.products}
    stock = {row.sku: row for row in chain.stock[chain.stores[0].store]}
    member = next(one for one in chain.members if len(one.coupons) > 1 and "signage" in one.purposes)
    drawn: dict[str, Scene] = {}
    for language in LANGUAGES:
        person = Profile(
            customer=member.customer,
            purposes=member.purposes,
            language=language,
            nickname="はなこ" if language == "ja" else "Hana",
            points=member.points,
            bought=member.bought,
            viewed=member.viewed,
            coupons=member.coupons,
        )
        who = (CustomerId(member.customer),)
        picks = recommend([person], products, stock, NOW, level=1, count=A_SCENE)
        for name, wish in {
            "shelf": Wish(level=1, cause="beacon", people=who),
            "till": Wish(level=2, cause="scan", people=who, named=True),
        }.items():
            scene = compose(wish, name, [person], picks, products, LANGUAGES)
            assert scene is not None
            drawn[f"{name}-{language}"] = scene
        loop = playlist(chain.content[:1], products, (language,), "")
        drawn[f"loop-{language}"] = loop.items[0]
    return drawn


def main() -> int:
    chain = sample.chain(now=NOW)
    HERE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for name, data in chain.pictures.items():
            Path(folder, name).write_bytes(data)
        for name, scene in scenes(chain).items():
            file = Path(folder, f"{name}.json")
            file.write_bytes(msgspec.json.encode(scene))
            command = [sys.executable, "-m", "signage", "snapshot", str(file), str(HERE / f"{name}.png")]
            subprocess.run([*command, "--size", "1280x720", "--assets", folder], check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
