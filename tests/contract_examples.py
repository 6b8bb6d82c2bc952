"""One record of every kind that crosses a wire, with every field set: what its golden message must mean for ever."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

from msgspec import Raw

from central.contract import asks, batches, commands, enrolment, events, feeds, member_code
from central.contract.codec import encode
from ground.programme import records as programme
from signage import contract as signage

NOON = datetime(2026, 11, 24, 12, 0, 0, 250_000, tzinfo=timezone(timedelta(hours=9)))
LATER = datetime(2027, 1, 1, tzinfo=UTC)
CHAIN = "0123456789abcdef" * 4
PICTURE = "fedcba9876543210" * 4

BORN = events.Born(wall=NOON, boot="3d5c6a0e-8f4b-4a55-9d57-0c7a3f1f2b6a", up_ms=123_456_789, synced=False)
BODIES: dict[str, Any] = {
    "agent-started": events.AgentStarted(version="0.1.0", epoch="5f1d0a2b3c4d5e6f"),
    "clock-offset": events.ClockOffset(boot=BORN.boot, offset_ms=-1_798_761_600_000, within_ms=250),
    "storage-lost": events.StorageLost(epoch="0011223344556677", acked=40, last=52, saved=11, reason="malformed"),
    "visit-started": events.VisitStarted(visit="v-1", customer="c-0001", zone="shelf-tea", means="beacon"),
    "visit-ended": events.VisitEnded(visit="v-1", customer="c-0001", zone="shelf-tea", dwell_ms=95_000),
    "scanned": events.Scanned(scan="s-1", reader="till-1", zone="till", outcome="member", customer="c-0001"),
    "played": events.Played(
        play="p-1",
        screen="shelf-1",
        scene="9f8e7d6c5b4a3210",
        layout="recommendation",
        cause="beacon",
        level=1,
        customers=("c-0001", "c-0002"),
        shown=("4901234567894", "秋の新茶"),
        shown_ms=8_000,
        ended="cleared",
        trigger_ms=42,
        decision_ms=17,
    ),
    "crowd-counted": events.CrowdCounted(zone="door", radios=23, over_ms=60_000),
}
GAP = batches.Gap(first=11, last=14, drop="counts", count=4, cause="outbox_full", chain=CHAIN)
ORIGIN = batches.Origin(seq=10, epoch="0011223344556677", was=4_711)
LEVELS = feeds.Levels(enter_dbm=-65.0, exit_dbm=-75.0)
WHERE = enrolment.Where(host="central.example", port=8883)
ROW = feeds.Row(key="c-0001", version=812, body=Raw(b'{"customer":"c-0001","purposes":["signage"]}'), until=LATER)
INTEREST = feeds.Interest(sku="4901234567894", at=NOON)
COUPON = feeds.Coupon(coupon="k-10", title={"ja": "お茶 10% 引き", "en": "10% off tea"})
TITLE: programme.Texts = {"ja": "秋の新茶", "en": "New tea of autumn"}

CENTRAL: dict[str, Any] = {
    "gap": GAP,
    "origin": ORIGIN,
    "batch": batches.Batch(
        epoch="5f1d0a2b3c4d5e6f",
        first=10,
        last=15,
        oldest=3,
        prev=CHAIN,
        events=tuple(Raw(events.make(body, BORN)) for body in (BODIES["agent-started"], BODIES["crowd-counted"])),
        gaps=(GAP,),
        origins=(ORIGIN,),
    ),
    "ack": batches.Ack(epoch="5f1d0a2b3c4d5e6f", seq=15, chain=CHAIN, time=NOON),
    "nack": batches.Nack(reason="Expected `int`, got `str` - at `$.first`", digest=CHAIN),
    "command": commands.Command(command="k-1", name="resync", expires=LATER, body=Raw(b'{"feed":"profiles"}')),
    "reply": commands.Reply(command="k-1", ok=True, said="profiles is pulled anew"),
    "status": commands.Status(
        online=True,
        version="0.1.0",
        epoch="5f1d0a2b3c4d5e6f",
        boot=BORN.boot,
        counts={"outbox-waiting": 3},
        troubles=("No broker answers at 127.0.0.1:1883: Connection refused.",),
    ),
    "status-settings": commands.Status(
        online=True, version="0.2.0", epoch="e", boot="b", settings="s-2", settings_failed="s-1", sealing="otp"
    ),
    "screen-picture": commands.ScreenPicture(screen="shelf-1", at=NOON, png=b"\x89PNG\r\n\x1a\n"),
    "born": BORN,
    "clock-offset-boot": events.ClockOffset(boot=BORN.boot, offset_ms=-5, within_ms=250, boot_at=NOON, at_ms=61_000),
    "enrol": enrolment.Enrol(code="K7QF-2MXA-9TBD", request="-----BEGIN CERTIFICATE REQUEST-----"),
    "enrolled": enrolment.Enrolled(
        store="ginza",
        agent="ginza-1",
        certificate="-----BEGIN CERTIFICATE-----",
        trust="-----BEGIN CERTIFICATE-----",
        brokers=(WHERE,),
        assets="https://central.example:8710/assets",
        token_key=CHAIN,
    ),
    "renew": enrolment.Renew(request="-----BEGIN CERTIFICATE REQUEST-----"),
    "renewed": enrolment.Renewed(
        certificate="-----BEGIN CERTIFICATE-----",
        trust="-----BEGIN CERTIFICATE-----",
        brokers=(WHERE,),
        assets="https://central.example:8710/assets",
    ),
    "unlock": enrolment.Unlock(boot=BORN.boot),
    "unlocked": enrolment.Unlocked(sealing_key=CHAIN),
    "unlocked-token": enrolment.Unlocked(sealing_key=CHAIN, token_key=CHAIN),
    "settings": feeds.Settings(
        settings="s-2",
        languages=("en", "ja"),
        confirm_hours=12,
        outbox_mb=64,
        log="debug",
        zones={"shelf": LEVELS},
    ),
    **{f"event-{kind}": events.Event(kind=kind, born=BORN, body=Raw(encode(body))) for kind, body in BODIES.items()},
    # As it was sent before it could say when its boot was.
    "event-clock-offset": events.Event(
        kind="clock-offset",
        born=BORN,
        body=Raw(encode({"boot": BORN.boot, "offset_ms": -1_798_761_600_000, "within_ms": 250})),
    ),
    # As it was sent before there were signed codes.
    "event-scanned": events.Event(
        kind="scanned",
        born=BORN,
        body=Raw(
            encode(
                {"scan": "s-1", "reader": "till-1", "zone": "till", "outcome": "member", "customer": "c-0001"},
            )
        ),
    ),
    "event-scanned-signed": events.Event(
        kind="scanned",
        born=BORN,
        body=Raw(
            encode(
                events.Scanned(
                    scan="s-2",
                    reader="till-1",
                    zone="till",
                    outcome="used",
                    how="signed",
                    code="0123456789abcdef" * 2,
                    timed=False,
                )
            )
        ),
    ),
    "event-scanned-poster": events.Event(
        kind="scanned",
        born=BORN,
        body=Raw(
            encode(
                events.Scanned(
                    scan="s-3",
                    reader="till-1",
                    zone="till",
                    outcome="product",
                    sku="4901234567894",
                    poster_store="ginza",
                    poster_zone="shelf",
                )
            )
        ),
    ),
    # As it was sent before screens had schedules.
    "event-played": events.Event(
        kind="played",
        born=BORN,
        body=Raw(
            encode(
                {
                    "play": "p-1",
                    "screen": "shelf-1",
                    "scene": "9f8e7d6c5b4a3210",
                    "layout": "recommendation",
                    "cause": "beacon",
                    "level": 1,
                    "customers": ["c-0001", "c-0002"],
                    "shown": ["4901234567894", "秋の新茶"],
                    "shown_ms": 8_000,
                    "ended": "cleared",
                    "trigger_ms": 42,
                    "decision_ms": 17,
                }
            )
        ),
    ),
    "event-played-campaign": events.Event(
        kind="played",
        born=BORN,
        body=Raw(
            encode(
                events.Played(
                    play="p-2",
                    screen="shelf-1",
                    scene="autumn-ja",
                    layout="campaign",
                    cause="schedule",
                    level=0,
                    shown_ms=12_000,
                    ended="over",
                    content="autumn",
                    campaign="dusk",
                    names=("秋の新茶",),
                    zones=("shelf", "door"),
                    late=2,
                    region="side",
                    ago_ms=3_600_000,
                )
            )
        ),
    ),
    "row": ROW,
    "row-tombstone": feeds.Row(key="c-0002", version=813),
    "pull": feeds.Pull(scope="ginza", feed="profiles", after=811, generation="a1b2c3-40", limit=100),
    "page": feeds.Page(
        scope="ginza",
        feed="profiles",
        after=811,
        upto=813,
        head=813,
        generation="a1b2c3-40",
        horizon=40,
        rows=(ROW, feeds.Row(key="c-0002", version=813)),
    ),
    "heads": feeds.Heads(scope="ginza", generation="a1b2c3", heads={"profiles": 813, "tokens": 90}),
    "interest": INTEREST,
    "coupon": COUPON,
    "profile": feeds.Profile(
        customer="c-0001",
        purposes=("presence", "signage"),
        language="en",
        nickname="はな",
        points=1_250,
        bought=(INTEREST,),
        viewed=(INTEREST,),
        coupons=(COUPON,),
    ),
    "token": feeds.Token(customer="c-0001", means="beacon"),
    "token-signed": feeds.Token(customer="c-0001", means="code", number="2900000000124"),
    "codes": feeds.Codes(
        cards=(member_code.Card(prefix="29", length=13),),
        keys=("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",),
    ),
    "ask": asks.Ask(ask="s-1", reader="till-1", at=NOON, value="0123456789ab", code="0123456789abcdef" * 2),
    "told": asks.Told(ask="s-1", who="coming", used=True, number="2900000000124"),
    "product": feeds.Product(
        sku="4901234567894",
        name=TITLE,
        yen=1_080,
        category="tea",
        picture=PICTURE,
        note={"ja": "静岡産"},
        sensitive=True,
    ),
    "stock": feeds.Stock(sku="4901234567894", on_hand=12, sold=88),
    "content": programme.Content(
        content="autumn", layout="campaign", title=TITLE, text=TITLE, picture=PICTURE, seconds=12, order=3
    ),
    # As it is since screens have schedules.
    "content-film": programme.Content(
        content="film",
        layout="recommendation",
        title={"ja": "新茶", "en": "New tea", "zh-hans": "新茶", "zh-hant": "新茶", "ko": "햇차"},
        picture=PICTURE,
        film=CHAIN,
        products=("4901234567894",),
        link="https://shop.example/tea",
        sensitive=True,
        seconds=30,
    ),
    "content-popular": programme.Content(content="popular", layout="recommendation", title=TITLE, popular=3, order=4),
    "playlist": programme.Playlist(playlist="evening", contents=("autumn", "film")),
    "campaign": programme.Campaign(
        campaign="dusk",
        name="夕方からのくつろぎ",
        playlist="evening",
        when=(
            programme.When(
                first=date(2026, 12, 1),
                last=date(2026, 12, 25),
                weekdays=("fri", "sat"),
                parts=(programme.DayPart(begins="17:00", ends="02:00"),),
            ),
        ),
        stores=("ginza",),
        zones=("shelf",),
        priority=6,
        share=30,
        per_hour=12,
    ),
    "campaign-members": programme.Campaign(
        campaign="thanks",
        name="会員さまへ",
        contents=("autumn",),
        audience=programme.Audience(members=True, segments=("gold",)),
        per_member=2,
    ),
    "campaign-emergency": programme.Campaign(
        campaign="emergency", name="避難してください", contents=("emergency",), priority=9, emergency=True
    ),
    "layout": programme.Layout(
        layout="wide",
        regions=(
            programme.Region(region="main", at=(0, 0, 1000, 880), shows="main"),
            programme.Region(region="news", at=(0, 880, 800, 120), shows="ticker", playlist="evening"),
            programme.Region(region="time", at=(800, 880, 200, 120), shows="clock"),
        ),
        stores=("ginza",),
        zones=("shelf",),
        portrait=False,
    ),
    "store": programme.Store(
        store="ginza", name={"ja": "銀座本店", "en": "Ginza"}, timezone="Asia/Tokyo", link="https://shop.example/item"
    ),
    "asset": feeds.Asset(digest=PICTURE, size=204_800, kind="png"),
    "manifest": feeds.Manifest(
        assets=f'[{{"digest":"{PICTURE}","size":204800,"kind":"png"}}]',
        signature="MEUCIQDc2ln",
        certificate="-----BEGIN CERTIFICATE-----",
    ),
    "profile-segments": feeds.Profile(customer="c-0001", purposes=("signage",), language="zh-hant", segments=("gold",)),
}

ITEM = signage.Item(id="4901234567894", title="秋の新茶", price="¥1,080", note="よく選ばれています", picture=PICTURE)
FIGURE = signage.Figure(label="ポイント", value="1,250")
SCENE = signage.Scene(
    scene="9f8e7d6c5b4a3210",
    layout="greeting",
    language="ja",
    title="はな様、いらっしゃいませ",
    text="今月のクーポンをお使いいただけます",
    items=(ITEM,),
    figures=(FIGURE,),
    picture=PICTURE,
    hold_ms=12_000,
)
CARRY: dict[str, str | int | list[str]] = {"customers": ["c-0001"], "level": 2, "why": "scan"}
FILM = signage.Scene(
    scene="autumn-zh-hant",
    layout="campaign",
    language="zh-hant",
    title="秋季新茶",
    items=(signage.Item(id="4901234567894", title="秋季新茶", link="https://shop.example/item?sku=4901234567894"),),
    picture=PICTURE,
    film=CHAIN,
    link="https://shop.example/autumn",
    content="autumn",
    campaign="evening",
    hold_ms=15_000,
)
REGION = signage.Region(region="news", at=(0, 880, 800, 120), shows="ticker", scenes=("autumn-zh-hant",), language="ko")
PARTS = (ITEM, FIGURE, SCENE, LEVELS, WHERE, REGION)
"""What is only sent inside of another."""
PLAYER: dict[str, signage.ToPlayer] = {
    "show": signage.Show(scene=SCENE, cause="scan", trigger_ns=10**15, decided_ns=10**15 + 9, carry=CARRY),
    "clear": signage.Clear(scene="9f8e7d6c5b4a3210"),
    "playlist": signage.Playlist(
        version="a1b2", items=(SCENE,), assets="http://127.0.0.1:8710/assets", wanted=(PICTURE,)
    ),
    "noted": signage.Noted(play="p-1"),
    "playlist-slots": signage.Playlist(
        version="c3d4",
        items=(FILM,),
        assets="https://central:8710/assets",
        wanted=(PICTURE,),
        trust="-----BEGIN CERTIFICATE-----",
        timezone="Asia/Tokyo",
        slots=(
            programme.Slot(
                campaign="evening",
                turns=(programme.Turn(scene="autumn-zh-hant", seconds=15),),
                when=(programme.When(parts=(programme.DayPart(begins="17:00", ends="02:00"),)),),
                priority=6,
                share=30,
                per_hour=12,
                emergency=False,
            ),
        ),
        regions=(REGION,),
        sizes={PICTURE: 204_800, CHAIN: 5_000_000},
    ),
    "now": signage.Now(wall=1_795_489_200.25, at_ns=10**15),
    "snapshot": signage.Snapshot(snapshot="s-1"),
    "order": signage.Order(order="verify"),
}
AGENT: dict[str, signage.ToAgent] = {
    "hello": signage.Hello(
        screen="shelf-1", width=1920, height=1080, playlist="a1b2", layouts=("campaign", "greeting")
    ),
    "played": signage.Played(
        play="p-1",
        scene="9f8e7d6c5b4a3210",
        layout="greeting",
        cause="scan",
        items=("4901234567894",),
        trigger_ns=10**15,
        decided_ns=10**15 + 9,
        first_frame_ns=10**15 + 40_000_000,
        ended_ns=10**15 + 8_040_000_000,
        wall=1_795_489_200.25,
        ended="cleared",
        carry=CARRY,
    ),
    "played-campaign": signage.Played(
        play="p-2",
        scene="autumn-zh-hant",
        layout="campaign",
        cause="schedule",
        first_frame_ns=10**15,
        ended_ns=10**15 + 9_000_000_000,
        wall=1_795_489_200.25,
        ended="withdrawn",
        content="autumn",
        campaign="evening",
        names=("秋季新茶",),
        late=3,
        region="main",
    ),
    "vitals": signage.Vitals(
        driver="kmsdrm, opengles2",
        connected=True,
        powered=True,
        fps=59.9,
        counts={"frames": 1200, "frames_late": 2},
        troubles=("The display was pulled.",),
    ),
    "picture": signage.Picture(snapshot="s-1", png=b"\x89PNG\r\n"),
}
