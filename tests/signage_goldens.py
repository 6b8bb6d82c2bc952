"""The twenty-four golden pictures: what is on them, and the command that draws them anew.

python tests/signage_goldens.py [FOLDER [HEIGHT]]
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")

import pygame
from pygame import Rect, Surface

from ground.programme.records import Language
from signage import layouts
from signage.assets import Assets
from signage.config import Theme
from signage.contract import Figure, Item, Scene
from signage.pictures import Pictures
from signage.text import Typesetter

FOLDER = Path(__file__).parent / "signage" / "golden"
SHORT, LONG = 540, 960
_PICTURES = {file.stem: hashlib.sha256(file.read_bytes()).hexdigest() for file in (FOLDER / "pictures").glob("*.jpg")}
_AT = datetime(2026, 11, 24, 9, 5, tzinfo=ZoneInfo("Asia/Tokyo"))
_NIGHT = Theme(
    brand="NIGHT & DAY",
    logo=FOLDER / "pictures" / "mark.png",
    paper="#16181d",
    ink="#f4f1ea",
    soft="#b9b4a8",
    accent="#e3b04b",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Golden:
    """One picture; `divided`: beside a list, a clock and a ticker."""

    scene: Scene
    portrait: bool
    theme: Theme = field(default_factory=Theme)
    divided: bool = False

    @property
    def name(self) -> str:
        shape = "portrait" if self.portrait else "landscape"
        return f"{self.scene.scene}-{self.scene.language}-{shape}"


def _item(title: str, price: str, picture: str = "", note: str = "", link: str = "") -> Item:
    return Item(id=title, title=title, price=price, note=note, picture=_PICTURES.get(picture), link=link)


def _scene(name: str, layout: str, language: Language, title: str, text: str = "", **given: object) -> Scene:
    # The record is given what it takes.
    return Scene(scene=name, layout=layout, language=language, title=title, text=text, **given)  # type: ignore[arg-type]


def _link(path: str) -> str:
    return f"https://noren.jp/{path}?s=1"


_TEA_JA = _item(
    "宇治煎茶「初摘み」缶入り 100g", "¥1,620", "tea-1", "若葉の甘みを、七十度の湯でゆっくりと。", _link("t1")
)
_THREE_JA = (
    _TEA_JA,
    _item("栗蒸し羊羹 1棹", "¥2,480", "sweets-2", "熊本県産の和栗を刻まずに。", _link("s2")),
    _item("有田焼 飯碗 青海波", "¥13,850", "tableware-1", "新しい器で、いつものお茶を。", _link("w1")),
)
_SIX_JA = (
    *_THREE_JA,
    _item("狭山やぶきた深蒸し茶 200g", "¥1,290", "tea-3"),
    _item("有田焼 飯碗 梅の花", "¥3,850", "tableware-2"),
    _item("抹茶羊羹 小形 5本入り", "¥980", "sweets-3"),
)
_SIX_EN = (
    _item("Uji Sencha, First Picking, 100 g tin", "¥1,620", "tea-1"),
    _item("Steamed Chestnut Yokan, 1 bar", "¥2,480", "sweets-2"),
    _item("Arita Rice Bowl, Blue Waves", "¥13,850", "tableware-1"),
    _item("Sayama Deep-Steamed Yabukita Green Tea, 200 g", "¥1,290", "tea-3"),
    _item("Mino Donburi Bowl, Oribe Green with Stripes", "¥2,640", "tableware-3"),
    _item("Matcha Yokan, small, box of 5", "¥980", "sweets-3"),
)
_READY = ("128", "131", "7")
_COMING = ("132", "133", "134", "8", "135")


def _numbers(language: Language, title: str, text: str, label: str) -> Scene:
    return _scene(
        "numbers",
        "numbers",
        language,
        title,
        text,
        figures=tuple(Figure(label=label, value=value) for value in _READY),
        items=tuple(_item(number, "") for number in _COMING),
    )


def _greeting(language: Language, title: str, text: str, points: str, coupons: tuple[Item, ...]) -> Scene:
    figures = (Figure(label=points, value="12,480"),)
    return _scene("greeting", "greeting", language, title, text, figures=figures, items=coupons)


GOLDENS = (
    Golden(
        scene=_scene(
            "campaign",
            "campaign",
            "ja",
            "月を待つ、一服。",
            "宇治・八女・狭山。産地をたずねて選んだ新しいお茶がそろいました。",
            picture=_PICTURES["moonlit-tea"],
            link=_link("tea"),
        ),
        portrait=False,
    ),
    Golden(
        scene=_scene(
            "campaign",
            "campaign",
            "zh-hans",
            "新茶上市，静候月升。",
            "宇治、八女、狭山：我们走访产地，精选今年的新茶。",
            picture=_PICTURES["moonlit-tea"],
            link=_link("tea"),
        ),
        portrait=True,
    ),
    Golden(
        scene=_scene(
            "prices",
            "campaign",
            "en",
            "Tied with care, given with joy.",
            "We wrap in furoshiki at the counter. Choose your knot.",
            picture=_PICTURES["gifts"],
            items=_SIX_EN[:3],
        ),
        portrait=False,
    ),
    Golden(
        scene=_scene(
            "prices",
            "campaign",
            "ja",
            "結ぶ、贈る。",
            "風呂敷包みをカウンターで承ります。結びかたもお選びいただけます。",
            picture=_PICTURES["gifts"],
            items=_THREE_JA,
            link=_link("gift"),
        ),
        portrait=True,
    ),
    Golden(
        scene=_scene("one", "recommendation", "ja", "お客様へのおすすめ", "店長が選びました", items=(_TEA_JA,)),
        portrait=False,
    ),
    Golden(
        scene=_scene(
            "one",
            "recommendation",
            "ko",
            "오늘의 추천 상품",
            items=(
                _item("우지 센차 첫물차 100g 캔", "¥1,620", "tea-1", "70도의 물로 천천히 우려 드세요.", _link("t1")),
            ),
        ),
        portrait=True,
    ),
    Golden(
        scene=_scene(
            "three",
            "recommendation",
            "zh-hant",
            "為您推薦",
            "與您常喝的茶很相配",
            items=(
                _item("宇治煎茶「初摘」罐裝100公克", "¥1,620", "tea-1", "以七十度的熱水慢慢沖泡。", _link("t1")),
                _item("栗子蒸羊羹一條", "¥2,480", "sweets-2", "使用熊本縣產的整顆栗子。", _link("s2")),
                _item("有田燒飯碗・青海波", "¥13,850", "tableware-1", "新的器皿，熟悉的茶香。", _link("w1")),
            ),
        ),
        portrait=False,
    ),
    Golden(
        scene=_scene(
            "three", "recommendation", "ja", "お客様へのおすすめ", "いつものお茶に合うものを", items=_THREE_JA
        ),
        portrait=True,
    ),
    Golden(
        scene=_scene("six", "recommendation", "ja", "いま人気の品", "昨日までの七日間", items=_SIX_JA),
        portrait=False,
    ),
    Golden(
        scene=_scene("six", "recommendation", "en", "What our customers love", items=_SIX_EN, link=_link("best")),
        portrait=True,
    ),
    Golden(
        scene=_greeting(
            "ja",
            "さくらさん、いつもありがとうございます",
            "本日のお買い物で58ポイントたまります。",
            "現在のポイント",
            (
                _item("お茶・和菓子に使える", "10%OFF", note="11月30日（月）まで"),
                _item("3,000円以上のお買い物で", "300円引き", note="12月24日（木）まで。他の割引と併用できます。"),
            ),
        ),
        portrait=False,
    ),
    Golden(
        scene=_greeting(
            "zh-hans",
            "小樱，感谢您的光临",
            "今天的消费可累积58积分。",
            "当前积分",
            (
                _item("茶叶、和果子可用", "9折", note="有效期至11月30日"),
                _item("满3,000日元可用", "减300日元", note="有效期至12月24日"),
            ),
        ),
        portrait=True,
    ),
    Golden(
        scene=_numbers("ja", "お受け取り番号", "番号が出ましたら、カウンターへお越しください。", "お渡しできます"),
        portrait=False,
    ),
    Golden(
        scene=_numbers("en", "Pick-up", "When your number is ready, please come to the counter.", "Ready"),
        portrait=True,
    ),
    Golden(
        scene=_scene(
            "notice",
            "notice",
            "ko",
            "연말연시 영업시간 안내",
            "12월 31일은 오후 5시까지, 1월 1일은 휴무입니다. 새해 영업은 1월 2일 오전 10시부터 시작합니다.",
            link=_link("ny"),
        ),
        portrait=False,
    ),
    Golden(
        scene=_scene(
            "notice",
            "notice",
            "ja",
            "年末年始の営業時間について",
            "12月31日（木）は17時まで、1月1日（金）はお休みをいただきます。新年は1月2日（土）10時より営業いたします。",
            link=_link("ny"),
        ),
        portrait=True,
    ),
    Golden(
        scene=_scene(
            "emergency",
            "emergency",
            "ja",
            "地震です。頭を守ってください",
            "係員の案内があるまで、その場を動かないでください。エレベーターは使わないでください。",
        ),
        portrait=False,
    ),
    Golden(
        scene=_scene(
            "emergency",
            "emergency",
            "zh-hant",
            "火災警報，請立即疏散",
            "請依照工作人員的引導，由最近的安全門離開。請勿使用電梯。",
        ),
        portrait=True,
    ),
    Golden(
        scene=_scene("noren", "noren", "en", "Welcome", "Please come in"),
        portrait=False,
        theme=Theme(brand="Noren Tea House"),
    ),
    Golden(scene=_scene("noren", "noren", "ja", "いらっしゃいませ", "Welcome"), portrait=True),
    Golden(
        scene=_scene(
            "divided",
            "campaign",
            "ja",
            "月を待つ、一服。",
            "産地をたずねて選んだ新しいお茶がそろいました。",
            picture=_PICTURES["moonlit-tea"],
        ),
        portrait=False,
        divided=True,
    ),
    Golden(
        scene=_scene(
            "divided",
            "recommendation",
            "ko",
            "추천 상품",
            "늘 드시는 차와 잘 어울립니다",
            items=(
                _item("우지 센차 첫물차 100g 캔", "¥1,620", "tea-1"),
                _item("통밤 찜 양갱 1개", "¥2,480", "sweets-2"),
                _item("아리타 도자기 밥공기", "¥13,850", "tableware-1"),
            ),
        ),
        portrait=True,
        divided=True,
    ),
    Golden(
        scene=_scene(
            "themed",
            "campaign",
            "en",
            "A cup while the moon rises",
            "New teas from Uji, Yame and Sayama, chosen where they grow.",
            picture=_PICTURES["moonlit-tea"],
            items=_SIX_EN[:2],
        ),
        portrait=False,
        theme=_NIGHT,
    ),
    Golden(
        scene=replace(
            _greeting(
                "zh-hant",
                "小櫻，感謝您的光臨",
                "今天的消費可累積58點。",
                "目前點數",
                (_item("茶葉、和菓子適用", "9折", note="有效期限至11月30日"),),
            ),
            scene="themed",
        ),
        portrait=True,
        theme=_NIGHT,
    ),
)

_SIDE = {
    "ja": ("本日の和菓子", "栗蒸し羊羹が焼き上がりました。"),
    "ko": ("오늘의 과자", "통밤 찜 양갱이 나왔습니다."),
}
_RUNNING = {
    "ja": ("毎月一日は、ポイント5倍の日", "風呂敷包みを承ります", "本日21時まで営業しています"),
    "ko": ("매월 1일은 포인트 5배의 날", "보자기 포장을 해 드립니다", "오늘은 밤 9시까지 영업합니다"),
}


def draw(golden: Golden, pictures: Pictures, typesetter: Typesetter, short: int = SHORT) -> Surface:
    """Draw one, its shorter side `short` pixels; the pictures it asks for are waited for."""
    long = short * LONG // SHORT
    surface = Surface((short, long) if golden.portrait else (long, short))
    if golden.divided:
        _divided(surface, golden, pictures, typesetter)
    else:
        _twice(surface, golden.scene, pictures, typesetter, golden.theme, None)
    return surface


def _twice(
    surface: Surface,
    scene: Scene,
    pictures: Pictures,
    typesetter: Typesetter,
    theme: Theme,
    screen: tuple[int, int] | None,
) -> None:
    layouts.draw(surface, scene, pictures, typesetter, theme, screen)
    pictures.finish()
    layouts.draw(surface, scene, pictures, typesetter, theme, screen)


def _divided(surface: Surface, golden: Golden, pictures: Pictures, typesetter: Typesetter) -> None:
    width, height = surface.get_size()
    language, theme = golden.scene.language, golden.theme
    band = min(width, height) // 11
    if golden.portrait:
        aside = height // 7
        clock = Rect(0, 0, width // 2, aside)
        main = Rect(0, aside, width, height - aside - band)
        side = Rect(clock.right, 0, width - clock.right, aside)
    else:
        aside = width // 4
        main = Rect(0, 0, width - aside, height - band)
        clock = Rect(main.right, 0, aside, height // 3)
        side = Rect(main.right, clock.bottom, aside, main.bottom - clock.bottom)
    title, text = _SIDE[language]
    listed = _scene("side", "campaign", language, title, text, picture=_PICTURES["sweets-2"])
    for place, scene in ((main, golden.scene), (side, listed)):
        _twice(surface.subsurface(place), scene, pictures, typesetter, theme, surface.get_size())
    layouts.clock(surface.subsurface(clock), _AT, language, typesetter, theme)
    words = layouts.ticker(_RUNNING[language], band, language, typesetter, theme)
    for x in range(0, width, words.get_width()):
        surface.blit(words, (x, height - band))


def opened(fonts: Callable[[], Typesetter] = lambda: Typesetter(Counter())) -> Iterator[tuple[Pictures, Typesetter]]:
    """Give what draws, with the pictures that are in the tree."""
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for stem, digest in _PICTURES.items():
            (Path(folder) / digest).write_bytes((FOLDER / "pictures" / f"{stem}.jpg").read_bytes())
        with (
            Assets(Path(folder), counts) as assets,
            Pictures(assets, lambda: None, counts) as pictures,
            fonts() as typesetter,
        ):
            yield pictures, typesetter


def main() -> None:
    """Draw all of them into a folder, or into the tree."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    short = int(sys.argv[2]) if len(sys.argv) > 2 else SHORT
    folder.mkdir(parents=True, exist_ok=True)
    for pictures, typesetter in opened():
        for golden in GOLDENS:
            pygame.image.save(draw(golden, pictures, typesetter, short), folder / f"{golden.name}.png")


if __name__ == "__main__":
    main()
