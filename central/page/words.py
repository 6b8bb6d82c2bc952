"""Every word of the store page, in Japanese and English."""

from __future__ import annotations

from typing import Literal

from ground.programme.records import LAYOUTS, Texts

Language = Literal["ja", "en"]
"""What the page itself speaks."""

_SAY: dict[str, Texts] = {
    "title": {"ja": "暖簾 Noren：お店のいま", "en": "暖簾 Noren: the store, live"},
    "promise": {
        "ja": "朝はネットで、午後は棚の前で。同じおひとりのお客さまとして。",
        "en": "Online this morning, at the shelf this afternoon: the same person.",
    },
    "stores": {"ja": "店舗", "en": "Stores"},
    "language": {"ja": "表示言語", "en": "Language"},
    # The proof.
    "proof": {"ja": "全店の記録", "en": "The whole chain's records"},
    "made": {"ja": "店で生まれた記録", "en": "made in the stores"},
    "stored": {"ja": "本部に保存済み", "en": "stored at central"},
    "waiting": {"ja": "店で送信待ち", "en": "waiting in a store"},
    "lost": {"ja": "失われた記録", "en": "lost"},
    "lost_is": {
        "ja": "お店で起きたのに、本部にも店の送信待ちにもない記録と、店で残せなかった記録の合計。",
        "en": "What happened in a store and is neither stored at central nor waiting, or could not be kept at all.",
    },
    "quarantined": {"ja": "隔離", "en": "quarantined"},
    "faults_made": {"ja": "起こした障害", "en": "faults so far"},
    "worst_black": {"ja": "最長の画面停止", "en": "worst black screen"},
    "seconds": {"ja": "{}秒", "en": "{} s"},
    # The floor.
    "floor": {"ja": "フロア", "en": "Shop floor"},
    "in_store": {"ja": "いま店内に{}人", "en": "{} in the store now"},
    "in_store_1": {"ja": "いま店内に1人", "en": "1 in the store now"},
    "hint": {
        "ja": "下のボタンでお客さまを動かすと、棚とレジの画面が変わります。何かを落としても、記録は失われません。",
        "en": "Move a shopper with the buttons below and watch the screens. Then break something: no record is lost.",
    },
    "outside": {"ja": "店の外", "en": "Outside"},
    "entrance": {"ja": "入口", "en": "Entrance"},
    "shelf": {"ja": "棚", "en": "Shelf"},
    "till": {"ja": "レジ", "en": "Till"},
    "reader": {"ja": "会員証の読み取り", "en": "Member code reader"},
    "both": {"ja": "来店と画面の両方に同意", "en": "agreed to presence and signage"},
    "presence_only": {"ja": "来店の把握にだけ同意", "en": "agreed to presence only"},
    "signage_only": {"ja": "画面での案内にだけ同意", "en": "agreed to signage only"},
    "none": {"ja": "同意なし・会員以外", "en": "no consent, or a stranger"},
    "beacon": {"ja": "ビーコンを携帯", "en": "carries a beacon"},
    "guest": {"ja": "あなたが動かすお客さま", "en": "the shopper you move"},
    "code": {"ja": "会員証を提示中", "en": "showing a member code"},
    "stranger": {"ja": "会員以外のお客さま", "en": "a stranger"},
    "member": {"ja": "会員", "en": "member"},
    # The screens.
    "screen_of": {"ja": "{}の画面", "en": "{} screen"},
    "why_nothing": {"ja": "まだ何も映していません", "en": "Nothing has been shown yet"},
    "dark": {"ja": "画面は消えています", "en": "The screen is dark"},
    "loop": {"ja": "いつもの番組：{}", "en": "Loop: {}"},
    "campaign": {"ja": "季節のご案内", "en": "campaign"},
    "noren": {"ja": "のれん", "en": "the curtain"},
    "recommendation": {"ja": "おすすめ", "en": "recommendation"},
    "greeting": {"ja": "ごあいさつ", "en": "greeting"},
    "notice": {"ja": "お知らせ", "en": "notice"},
    "numbers": {"ja": "お呼び出し番号", "en": "pick-up numbers"},
    "emergency": {"ja": "緊急のご案内", "en": "emergency"},
    "beacon_near": {"ja": "ビーコン：会員{}人が近くに", "en": "Beacon: {} members near"},
    "beacon_near_1": {"ja": "ビーコン：会員1人が近くに", "en": "Beacon: a member near"},
    "scan_read": {"ja": "会員証の提示：{}", "en": "Code shown: {}"},
    "override": {"ja": "本部からの差し込み：{}", "en": "Override: {}"},
    "level_0": {"ja": "段階0・個人には触れない", "en": "Level 0, nothing personal"},
    "level_1": {"ja": "段階1・名前は出さない", "en": "Level 1, no names"},
    "level_2": {"ja": "段階2・本人の意思で名前も", "en": "Level 2: own act, with name"},
    "level_loop": {"ja": "どなたにも同じ内容", "en": "The same for everybody"},
    "scan_took": {"ja": "読み取りから{} ms", "en": "{} ms after scan"},
    "beacon_took": {"ja": "判断から{} ms", "en": "{} ms after decision"},
    "viewed_here": {"ja": "さきほどネットで見た「{}」", "en": "Just seen online: {}"},
    "player_dead": {"ja": "表示プロセスが止まっています", "en": "The player is dead"},
    "player_back": {"ja": "自動で再起動します", "en": "It is being started again"},
    "no_picture": {"ja": "まだ映像がありません", "en": "No picture yet"},
    # What arrives.
    "stream": {"ja": "本部に届いた記録", "en": "Arriving at central"},
    "nothing_arrived": {"ja": "まだ何も届いていません。", "en": "Nothing has arrived yet."},
    "agent-started": {"ja": "店内機が起動", "en": "Agent started"},
    "clock-offset": {"ja": "時計合わせ {} ms", "en": "Clock corrected by {} ms"},
    "visit-started": {"ja": "来店：{}（{}）", "en": "Arrived: {} ({})"},
    "visit-ended": {"ja": "離れた：{}（{}秒）", "en": "Left: {}, after {} s"},
    "scanned": {"ja": "会員証：{}", "en": "Code read: {}"},
    "played": {"ja": "放映：{}（{}秒）", "en": "Played: {}, {} s"},
    "crowd-counted": {"ja": "電波の数：{}（数だけ）", "en": "Radios: {}, only counted"},
    "unknown_kind": {"ja": "新しい種類の記録", "en": "A newer kind of record"},
    "by_beacon": {"ja": "ビーコン", "en": "beacon"},
    "by_code": {"ja": "会員証", "en": "code"},
    "outcome_member": {"ja": "会員", "en": "a member"},
    "outcome_unknown": {"ja": "該当なし", "en": "nobody's"},
    "outcome_other": {"ja": "会員証ではない", "en": "no member code"},
    # The chart.
    "times": {"ja": "表示までの時間", "en": "Time to the screen"},
    "scan_times": {"ja": "会員証 → 画面", "en": "Scan → frame"},
    "beacon_times": {"ja": "ビーコン判断 → 画面", "en": "Decision → frame"},
    "half_and_99": {"ja": "中央値 {} ms・99％ {} ms", "en": "p50 {} ms · p99 {} ms"},
    "no_times": {"ja": "計測待ち", "en": "none yet"},
    # Buttons.
    "shopper": {"ja": "お客さまを動かす", "en": "Move a shopper"},
    "which_guest": {"ja": "どのお客さまを", "en": "Which shopper"},
    "no_guest": {"ja": "動かせるお客さまがいません", "en": "There is nobody to move"},
    "walk-in": {"ja": "来店する", "en": "Walk in"},
    "meet": {"ja": "ふたりで棚へ", "en": "Two at one screen"},
    "code_show": {"ja": "会員証を見せる", "en": "Show member code"},
    "leave": {"ja": "退店する", "en": "Leave"},
    "all_inside": {"ja": "全員が店内にいます", "en": "All of them are inside already"},
    "web_shop": {"ja": "ネットショップで見る商品", "en": "Product in the web shop"},
    "view": {"ja": "ネットで見る", "en": "View it online"},
    "no_goods": {"ja": "該当する商品がありません", "en": "No such product"},
    "agrees": {"ja": "同意", "en": "Consent"},
    "presence": {"ja": "来店の把握", "en": "presence"},
    "signage": {"ja": "画面での案内", "en": "signage"},
    "faults": {"ja": "障害を起こす", "en": "Break something"},
    "network": {"ja": "店の通信", "en": "Store network"},
    "agent": {"ja": "店内機", "en": "Agent"},
    "player": {"ja": "{}の画面", "en": "{} player"},
    "broker": {"ja": "ブローカー", "en": "Broker"},
    "central": {"ja": "本部", "en": "Central"},
    "disk": {"ja": "ディスク", "en": "Disk"},
    "cut": {"ja": "切る", "en": "cut"},
    "join": {"ja": "戻す", "en": "restore"},
    "kill": {"ja": "落とす", "en": "kill"},
    "fill": {"ja": "満杯にする", "en": "fill"},
    "free": {"ja": "空ける", "en": "free"},
    "is_up": {"ja": "稼働中", "en": "up"},
    "is_down": {"ja": "復旧中", "en": "recovering"},
    "is_cut": {"ja": "切断中", "en": "cut"},
    "is_full": {"ja": "満杯", "en": "full"},
    "last_faults": {"ja": "最近の障害", "en": "Last faults"},
    "no_faults": {
        "ja": "まだ障害はありません。左のボタンで何かを落としてみてください。",
        "en": "None yet. Press a button on the left and break something.",
    },
    "recovered": {"ja": "{}秒で復旧", "en": "recovered in {} s"},
    "recovering": {"ja": "復旧を待っています…", "en": "not yet recovered"},
    # When it does not work.
    "elsewhere": {"ja": "{} {}", "en": "{}: {}"},
    "refused": {"ja": "できませんでした：{}", "en": "Not done: {}"},
    "not_open": {
        "ja": "お店の準備をしています。整いしだい、自動で表示します。",
        "en": "The shop is being made ready. It appears here by itself.",
    },
    "no_demo": {
        "ja": "デモから何も届いていません。表示は最後に届いたものです。",
        "en": "Nothing is heard from the demo. What you see is the last that it said.",
    },
    "page_gone": {
        "ja": "このページのサーバーに届きません。戻りしだい自動でつながります。",
        "en": "This page's server cannot be reached. It connects again by itself.",
    },
    "no_answer": {"ja": "デモから返事がありません。", "en": "The demo does not answer."},
}


def say(language: Language, key: str, *values: object) -> str:
    """A sentence with its values put in."""
    return pick(_SAY[key], language).format(*values)


def known(key: str) -> bool:
    return key in _SAY


def pick(texts: Texts, language: Language) -> str:
    """A text in the wanted language; Japanese where there is no other."""
    return texts.get(language) or texts.get("ja") or next(iter(texts.values()), "")


def zone_name(language: Language, zone: str) -> str:
    return say(language, zone) if zone in ("entrance", "shelf", "till") else zone


def zone_in_words(language: Language, zone: str) -> str:
    """The same inside a sentence."""
    return zone_name(language, zone).lower()


def layout_name(language: Language, layout: str) -> str:
    return say(language, layout) if layout in LAYOUTS else layout
