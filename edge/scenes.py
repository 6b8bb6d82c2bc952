"""Puts a wish into words: the scene that a screen is sent, in the language of who reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from central.contract.feeds import Product, Profile
from edge.audience import Offer
from edge.director import ADVICE, GREETING, PRODUCT, SAYS, THANKS, Answer, Wish
from edge.recommender import Pick
from ground.links import placed
from ground.programme.records import Language, Texts
from signage.contract import Chime, Figure, Item, Scene
from signage.contract.content import scenes_of, text

TURN = 10.0
"""Seconds after which who still stands there is shown the next products."""
LEFT_STANDING = 2.0
"""Seconds that a scene outlives its turn on the player: what a dead agent leaves is gone by then."""
A_SCENE = 3
"""Products on one scene: what can be read in passing."""
LONGEST = 60.0
"""Seconds that a campaign's scene stays for who is near, however long it would in the loop."""

_SAY: dict[str, Texts] = {
    "near": {
        "ja": "こちらはいかがですか",
        "en": "You might like these",
        "zh-hans": "您可能会喜欢",
        "zh-hant": "您可能會喜歡",
        "ko": "이런 상품은 어떠세요?",
    },
    "popular": {
        "ja": "当店で人気",
        "en": "Popular here",
        "zh-hans": "本店热销",
        "zh-hant": "本店熱銷",
        "ko": "매장 인기 상품",
    },
    "chosen": {"ja": "おすすめ", "en": "Recommended", "zh-hans": "推荐", "zh-hant": "推薦", "ko": "추천"},
    "viewed": {
        "ja": "最近ご覧になった商品",
        "en": "You looked at this",
        "zh-hans": "您最近浏览过",
        "zh-hant": "您最近瀏覽過",
        "ko": "최근 보신 상품",
    },
    "bought": {
        "ja": "以前お求めの商品",
        "en": "You bought this before",
        "zh-hans": "您曾购买过",
        "zh-hant": "您曾購買過",
        "ko": "이전에 구매하신 상품",
    },
    "hello": {
        "ja": "{}さま、いらっしゃいませ",
        "en": "Welcome, {}",
        "zh-hans": "{}，欢迎光临",
        "zh-hant": "{}，歡迎光臨",
        "ko": "{}님, 어서 오세요",
    },
    "hello_nameless": {
        "ja": "いらっしゃいませ",
        "en": "Welcome",
        "zh-hans": "欢迎光临",
        "zh-hant": "歡迎光臨",
        "ko": "어서 오세요",
    },
    "thanks": {
        "ja": "ご来店ありがとうございます",
        "en": "Thank you for coming",
        "zh-hans": "感谢您的光临",
        "zh-hant": "感謝您的光臨",
        "ko": "찾아 주셔서 감사합니다",
    },
    "points": {"ja": "ポイント", "en": "Points", "zh-hans": "积分", "zh-hant": "點數", "ko": "포인트"},
    "coupons": {
        "ja": "クーポンをご利用いただけます",
        "en": "These coupons are yours",
        "zh-hans": "您可以使用以下优惠券",
        "zh-hant": "您可以使用以下優惠券",
        "ko": "쿠폰을 사용하실 수 있습니다",
    },
    "coupon": {"ja": "クーポン", "en": "Coupon", "zh-hans": "优惠券", "zh-hant": "優惠券", "ko": "쿠폰"},
    "member_thanks": {
        "ja": "会員証を確認しました",
        "en": "Your member code was read",
        "zh-hans": "已确认您的会员码",
        "zh-hant": "已確認您的會員碼",
        "ko": "회원증을 확인했습니다",
    },
    "staff": {
        "ja": "会員証についてはスタッフにおたずねください",
        "en": "Please ask our staff about your member code",
        "zh-hans": "有关会员码，请咨询店员",
        "zh-hant": "會員碼相關問題，請洽詢店員",
        "ko": "회원증에 대해서는 직원에게 문의해 주세요",
    },
    "reading": {
        "ja": "会員証を確認しています",
        "en": "Checking your member code",
        "zh-hans": "正在确认您的会员码",
        "zh-hant": "正在確認您的會員碼",
        "ko": "회원증을 확인하고 있습니다",
    },
    "wait": {
        "ja": "少々お待ちください",
        "en": "Just a moment, please",
        "zh-hans": "请稍候",
        "zh-hant": "請稍候",
        "ko": "잠시만 기다려 주세요",
    },
    "expired": {
        "ja": "会員証の表示が古くなっています",
        "en": "Your member code is out of date",
        "zh-hans": "您的会员码已过期",
        "zh-hant": "您的會員碼已過期",
        "ko": "회원증 표시가 만료되었습니다",
    },
    "renew": {
        "ja": "更新してから、もう一度かざしてください",
        "en": "Please refresh it and show it again",
        "zh-hans": "请刷新后重新出示",
        "zh-hant": "請更新後再次出示",
        "ko": "새로 고친 후 다시 보여 주세요",
    },
    "used": {
        "ja": "この会員証の表示は、すでに使われています",
        "en": "This member code has already been used",
        "zh-hans": "此会员码已被使用",
        "zh-hant": "此會員碼已被使用",
        "ko": "이미 사용된 회원증입니다",
    },
    "wrong": {
        "ja": "この会員証はご利用いただけません",
        "en": "This member code cannot be used",
        "zh-hans": "此会员码无法使用",
        "zh-hant": "此會員碼無法使用",
        "ko": "이 회원증은 사용하실 수 없습니다",
    },
    "ask": {
        "ja": "スタッフにおたずねください",
        "en": "Please ask our staff",
        "zh-hans": "请咨询店员",
        "zh-hant": "請洽詢店員",
        "ko": "직원에게 문의해 주세요",
    },
    "trouble": {
        "ja": "ただいま会員証を読み取れません",
        "en": "Member codes cannot be read right now",
        "zh-hans": "目前无法读取会员码",
        "zh-hant": "目前無法讀取會員碼",
        "ko": "지금은 회원증을 읽을 수 없습니다",
    },
    "call": {
        "ja": "スタッフにお声がけください",
        "en": "Please speak to our staff",
        "zh-hans": "请联系店员",
        "zh-hant": "請洽店員協助",
        "ko": "직원에게 말씀해 주세요",
    },
    "product": {
        "ja": "こちらの商品のご案内",
        "en": "About this product",
        "zh-hans": "商品介绍",
        "zh-hant": "商品介紹",
        "ko": "상품 안내",
    },
}
_ANSWERS: dict[Answer, tuple[str, str, float]] = {
    "read": ("thanks", "member_thanks", THANKS),
    "reading": ("reading", "wait", THANKS),
    "expired": ("expired", "renew", ADVICE),
    "used": ("used", "renew", ADVICE),
    "wrong": ("wrong", "ask", ADVICE),
    "trouble": ("trouble", "call", SAYS),
}
"""What is said to a code where nobody is greeted, in a title and a sentence, and for how many seconds."""

_CHIMES: dict[Answer, Chime] = {
    "member": "read",
    "read": "read",
    "reading": "read",
    "product": "read",
    "unknown": "unknown",
    "expired": "expired",
    "used": "wrong",
    "wrong": "wrong",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Where codes on a screen lead: they say in which store and zone they were read."""

    store: str = ""
    zone: str = ""
    shop: str = ""
    """The web shop's address for a product; nothing: products have no code."""

    def to(self, link: str, **more: str) -> str:
        """A link of a content's own; nothing where it is none, or would be too long for a scene."""
        return placed(link, store=self.store, zone=self.zone, **more)

    def product(self, sku: str) -> str:
        return self.to(self.shop, sku=sku)


NOWHERE = Links()


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
    links: Links = NOWHERE,
    offer: Offer | None = None,
) -> Scene | None:
    """The scene for a wish; None where there is nothing worth interrupting the loop for.

    `offer` is what a campaign has for these people: its own scene where they just stand there; in a greeting it takes
    the place of recommendations where there are no coupons.
    """
    language = language_for(people, languages)
    if offer is not None and wish.cause == "beacon":
        return _offered(offer, scene, products, language, links)
    items = tuple(_pick(pick, products[pick.sku], wish.level, language, links) for pick in picks)
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
    if wish.answer == "product":
        return _product(scene, products.get(wish.sku), language, links)
    if wish.level == 0 or not people:
        title, sentence, seconds = _ANSWERS.get(wish.answer, ("thanks", "staff", THANKS))
        return Scene(
            scene=scene,
            layout="notice",
            language=language,
            title=text(_SAY[title], language),
            text=text(_SAY[sentence], language),
            hold_ms=int(seconds * 1000),
        )
    greeting = _greeting(wish, scene, people[0], items, language)
    if offer is None or not wish.named or people[0].coupons:
        return greeting
    campaign, content = offer.name
    return replace(
        greeting,
        text=text(offer.content.title, language),
        items=_products(offer, products, language, links) or items,
        campaign=campaign,
        content=content,
    )


def chime(wish: Wish) -> Chime:
    """How an answer to a code sounds; a copy of a code sounds like one that is none of ours."""
    return _CHIMES.get(wish.answer, "none") if wish.cause == "scan" else "none"


def stays(offer: Offer | None) -> float:
    """Seconds of a scene for who just stands there."""
    return min(LONGEST, float(offer.content.seconds)) if offer else TURN


def _offered(offer: Offer, scene: str, products: Mapping[str, Product], language: Language, links: Links) -> Scene:
    items = _products(offer, products, language, links)
    [made] = scenes_of(offer.content, (language,), lambda *_: items, links.to(offer.content.link))
    hold = int((stays(offer) + LEFT_STANDING) * 1000)
    return replace(made, scene=scene, campaign=offer.campaign.campaign, hold_ms=hold)


def _products(offer: Offer, products: Mapping[str, Product], language: Language, links: Links) -> tuple[Item, ...]:
    note = popular(language) if offer.content.popular else ""
    there = [products[sku] for sku in offer.skus]
    return tuple(item(product, note or text(product.note, language), language, links) for product in there)


def _product(scene: str, product: Product | None, language: Language, links: Links) -> Scene | None:
    """What somebody held up; nothing where it is gone, or must be on no screen, since."""
    if product is None or product.sensitive:
        return None
    return Scene(
        scene=scene,
        layout="recommendation",
        language=language,
        title=text(_SAY["product"], language),
        items=(item(product, text(product.note, language), language, links),),
        hold_ms=int(PRODUCT * 1000),
    )


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


def _pick(pick: Pick, product: Product, level: int, language: Language, links: Links) -> Item:
    # Below level 2 a reason must say nothing of what someone did.
    reason = pick.why if level == 2 and pick.why in ("viewed", "bought") else "chosen"
    return item(product, popular(language) if pick.why == "popular" else text(_SAY[reason], language), language, links)


def popular(language: Language) -> str:
    """What is said of a product that sells well here."""
    return text(_SAY["popular"], language)


def item(product: Product, note: str, language: Language, links: Links) -> Item:
    """One product as it is to be read."""
    return Item(
        id=product.sku,
        title=text(product.name, language),
        price=f"¥{product.yen:,}",
        note=note,
        picture=product.picture,
        link=links.product(product.sku),
    )
