"""Puts a wish into words: the scene that a screen is sent, in the language of who reads it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from central.contract.feeds import Content, Language, Product, Profile, Texts
from edge.director import GREETING, THANKS, Wish
from edge.recommender import Pick
from signage.contract import Figure, Item, Playlist, Scene

TURN = 10.0
"""Seconds after which who still stands there is shown the next products."""
LEFT_STANDING = 2.0
"""Seconds that a scene outlives its turn on the player: what a dead agent leaves is gone by then."""
MOST_LETTERS = 400
MOST_ITEMS = 500
"""What the player's contract takes: one text too long must not cost a screen its whole loop."""
A_SCENE = 3
"""Products on one scene: what can be read in passing."""

_SAY: dict[str, Texts] = {
    "near": {"ja": "こちらはいかがですか", "en": "You might like these"},
    "popular": {"ja": "当店で人気", "en": "Popular here"},
    "chosen": {"ja": "おすすめ", "en": "Recommended"},
    "viewed": {"ja": "最近ご覧になった商品", "en": "You looked at this"},
    "bought": {"ja": "以前お求めの商品", "en": "You bought this before"},
    "hello": {"ja": "{}さま、いらっしゃいませ", "en": "Welcome, {}"},
    "hello_nameless": {"ja": "いらっしゃいませ", "en": "Welcome"},
    "thanks": {"ja": "ご来店ありがとうございます", "en": "Thank you for coming"},
    "points": {"ja": "ポイント", "en": "Points"},
    "coupons": {"ja": "クーポンをご利用いただけます", "en": "These coupons are yours"},
    "coupon": {"ja": "クーポン", "en": "Coupon"},
    "member_thanks": {"ja": "会員証を確認しました", "en": "Your member code was read"},
    "staff": {"ja": "会員証についてはスタッフにおたずねください", "en": "Please ask our staff about your member code"},
}


def text(texts: Texts, language: Language) -> str:
    """A text in the wanted language; Japanese where there is no other."""
    return (texts.get(language) or texts.get("ja") or next(iter(texts.values()), ""))[:MOST_LETTERS]


def language_for(people: Sequence[Profile], languages: Sequence[Language]) -> Language:
    """The one language of everybody near; the store's own where they differ or nobody is known."""
    wanted = {person.language for person in people} & set(languages)
    return wanted.pop() if len(wanted) == 1 and len({p.language for p in people}) == 1 else languages[0]


def compose(
    wish: Wish,
    scene: str,
    people: Sequence[Profile],
    picks: Sequence[Pick],
    products: Mapping[str, Product],
    languages: Sequence[Language],
) -> Scene | None:
    """The scene for a wish; None where there is nothing worth interrupting the loop for."""
    language = language_for(people, languages)
    items = tuple(_item(pick, products[pick.sku], wish.level, language) for pick in picks)
    if wish.cause == "beacon":
        if not items:
            return None
        return Scene(
            scene=scene,
            layout="recommendation",
            language=language,
            title=text(_SAY["near"], language),
            items=items,
            hold_ms=int((TURN + LEFT_STANDING) * 1000),
        )
    if wish.level == 0 or not people:
        return Scene(
            scene=scene,
            layout="notice",
            language=language,
            title=text(_SAY["thanks"], language),
            text=text(_SAY["staff"], language),
            hold_ms=int(THANKS * 1000),
        )
    return _greeting(wish, scene, people[0], items, language)


def _greeting(wish: Wish, scene: str, person: Profile, items: tuple[Item, ...], language: Language) -> Scene:
    hold = int(GREETING * 1000)
    if not wish.named:
        return Scene(
            scene=scene,
            layout="greeting",
            language=language,
            title=text(_SAY["hello_nameless"], language),
            text=text(_SAY["member_thanks"], language),
            hold_ms=hold,
        )
    coupons = tuple(
        Item(
            id=coupon.coupon,
            title=text(coupon.title, language),
            price=text(coupon.worth or _SAY["coupon"], language),
        )
        for coupon in person.coupons[:A_SCENE]
    )
    hello = text(_SAY["hello"], language).format(person.nickname)
    return Scene(
        scene=scene,
        layout="greeting",
        language=language,
        title=hello if person.nickname else text(_SAY["hello_nameless"], language),
        text=text(_SAY["coupons"], language) if coupons else "",
        figures=(Figure(label=text(_SAY["points"], language), value=f"{person.points:,}"),),
        items=coupons or items,
        hold_ms=hold,
    )


def _item(pick: Pick, product: Product, level: int, language: Language) -> Item:
    # Below level 2 a reason must say nothing of what someone did.
    reason = pick.why if level == 2 and pick.why in ("viewed", "bought") else "chosen"
    return Item(
        id=product.sku,
        title=text(product.name, language),
        price=f"¥{product.yen:,}",
        note=text(_SAY["popular" if pick.why == "popular" else reason], language),
        picture=product.picture,
    )


def playlist(
    contents: Sequence[Content],
    products: Mapping[str, Product],
    languages: Sequence[Language],
    assets: str,
    trust: str = "",
) -> Playlist:
    """The anonymous loop for a player: every content in each of the store's languages, and all pictures it may need.

    They are fetched from `assets`, for which the certificates of `trust` (PEM) may vouch.
    """
    items = tuple(
        Scene(
            scene=f"{content.content[:60]}-{language}",
            layout=content.layout,
            language=language,
            title=text(content.title, language),
            text=text(content.text, language),
            picture=content.picture,
            hold_ms=content.seconds * 1000,
        )
        for content in contents
        for language in languages
        if language in content.title
    )
    items = items[:MOST_ITEMS]
    pictures = dict.fromkeys(product.picture for product in products.values() if product.picture)
    wanted = tuple(pictures)[:5000]
    version = hashlib.sha256(repr((items, assets, trust, wanted)).encode()).hexdigest()[:16]
    return Playlist(version=version, items=items, assets=assets, wanted=wanted, trust=trust)
