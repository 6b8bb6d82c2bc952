"""The way of one sighting to its frame: who it is, where they stand, what screens show, what is reported."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from central.contract import events
from central.contract.feeds import Profile
from edge import beacons
from edge.clock import Clock
from edge.config import READERS, EdgeConfig
from edge.crowd import Crowd
from edge.director import Wish
from edge.frequency import Frequency
from edge.loop import zone_of
from edge.model import Advert, Change, CustomerId, Scan, ScreenId, Sighting, ZoneId
from edge.ports import Screen
from edge.presence import Presence
from edge.reading import Reading
from edge.recommender import Pick, recommend
from edge.replica import Replica
from edge.report import Report
from edge.scenes import A_SCENE, Links, chime, compose, stays
from edge.turns import TURNS, Shown, Turns
from signage.contract import Chime, Clear, Noted, Played, Show

log = logging.getLogger(__name__)

TICK = 0.25
"""Seconds between looks at who has fallen silent and what is over."""
MOST_ADVERTS = 4096
MOST_SCANS = 64
"""What may wait; past that the oldest goes, counted."""
TOGETHER = 256
"""Adverts in one turn of the loop: a register waits some milliseconds for a word on its scan."""
STOOD = TICK
"""Seconds since a beacon decided, at the last look, past which a scene for its bearer answers no sighting."""
MOST_AGO = 10**11
"""Milliseconds: three years, as a player's wrong clock may have it."""
CHOICE = frozenset({"content", "campaigns", "playlists", "profiles", "products"})
"""Feeds by which something for who stands there may be withdrawn."""


class Floor:
    """Joins senses, decisions and screens; nothing here waits for a disk or a network."""

    def __init__(
        self,
        config: EdgeConfig,
        *,
        reading: Reading,
        replica: Replica,
        report: Report,
        clock: Clock,
        screens: Mapping[ScreenId, Screen],
        frequency: Frequency,
        confirmed: Callable[[], bool],
    ) -> None:
        self._config = config
        self._replica = replica
        self._report = report
        self._clock = clock
        self._screens = screens
        self._zones = {ScreenId(screen.screen): screen.zones for screen in config.screens}
        self._frequency = frequency
        self._turns = Turns(replica, frequency, clock, self._zones)
        self._confirmed = confirmed
        self._reading = reading
        reading.look = self.direct
        self._identity = reading.identity
        self._presence = Presence(config.zones)
        self._director = reading.director
        self.troubled: Callable[[], Mapping[str, str]] = dict
        """What is wrong with each sensor, by its name; may be set."""
        self._readers: defaultdict[ZoneId, set[str]] = defaultdict(set)
        for sensor in config.sensors:
            if isinstance(sensor, READERS):
                self._readers[ZoneId(sensor.zone)].add(sensor.name)
        self._chimed: dict[ScreenId, tuple[str, str]] = {}
        """The act that each screen has chimed for last, and how."""
        self._crowd = Crowd()
        self._adverts: deque[Advert] = deque(maxlen=MOST_ADVERTS)
        self._scans: deque[Scan] = deque(maxlen=MOST_SCANS)
        self._sensed = asyncio.Event()
        self._shown: dict[ScreenId, Shown] = {}
        self.counts: Counter[str] = Counter()
        self._dark = False
        self._looked = self._looked_before = 0.0
        """When `direct` ran last, and the time before that."""

    def anybody(self) -> bool:
        """Whether somebody known is in the store, or something is on a screen for somebody."""
        return self._presence.anybody() or bool(self._shown)

    def deliver(self, sensed: Advert | Scan) -> None:
        """Take a sighting or scan from a sensor, at once."""
        waiting: deque[Any] = self._scans if isinstance(sensed, Scan) else self._adverts
        if len(waiting) == waiting.maxlen:
            self.counts["sensed_dropped"] += 1
        waiting.append(sensed)
        self._sensed.set()

    async def run(self) -> None:
        """Follow everything that is sensed until cancelled."""
        due = 0.0
        while True:
            try:
                async with asyncio.timeout(max(0.0, min(due - self._clock.monotonic(), TICK))):
                    await self._sensed.wait()
            except TimeoutError:
                pass
            self._sensed.clear()
            now = self._clock.monotonic()
            moved = self._take(now)
            if now >= due:
                due = now + TICK
                moved = self._tick(now) or moved
                self.direct(now)
            elif moved:
                self.direct(now)
            if self._adverts:
                await asyncio.sleep(0)  # An event that is set gives nobody else a turn.

    def feed_changed(self, feed: str, keys: frozenset[str]) -> None:
        """See at once who may no longer be known, and what else to show.

        A page may hold thousands of keys: only of who is here is anything looked up. What changes of products and
        stock comes with the next turn.
        """
        gone: set[CustomerId] = set()
        if feed == "tokens":
            gone = self._identity.renew(keys, self._clock.wall())
        elif feed == "profiles":
            here = [who for who in map(CustomerId, keys) if self._presence.follows(who)]
            gone = {who for who in here if self._profile(who) and not self._may(who, "presence")}
        for customer in gone:
            # No event: of who withdrew, nothing more is stored.
            for change in self._presence.forget(customer):
                self._director.moved(change)
        now = self._clock.monotonic()
        if feed in ("profiles", "tokens"):
            self._reading.changed()
        self.direct(now)
        if feed == "profiles":
            self._freshen(keys, now)
        if feed in CHOICE:
            self._withdraw(now)

    def screen_back(self, screen: ScreenId) -> None:
        """A player has connected and shows its loop: tell it again what it should show."""
        self._shown.pop(screen, None)
        self.direct(self._clock.monotonic())

    def played(self, screen: ScreenId, played: Played) -> None:
        """Report a play; the player forgets it once it is committed."""

        def since(begin: int) -> int | None:
            return max(0, played.first_frame_ns - begin) // 1_000_000 if begin else None

        named = played.carry.get("customers", [])
        customers = tuple(named) if isinstance(named, list) else ()
        level = played.carry.get("level", 0)
        shown_ms = max(0, played.ended_ns - played.first_frame_ns) // 1_000_000
        ago_ms = self._ago_ms(played, shown_ms)
        if played.campaign is not None and customers and shown_ms:
            began = self._clock.wall() - timedelta(milliseconds=ago_ms + shown_ms)
            day = began.astimezone(self._time_zone()).date()
            # Before the play is noted: what was told is not told again.
            self._frequency.played(played.campaign, played.scene, played.play, customers, day)
        names = played.names
        if played.cause in ("beacon", "scan"):
            # A title may greet somebody by name: of a scene for a person only its items are told, whoever tells.
            names = names[max(0, len(names) - len(played.items)) :]
        coupons = bool(played.carry.get("coupons"))
        self._report.happened(
            events.Played(
                play=played.play,
                screen=str(screen),
                scene=played.scene,
                layout=played.layout,
                cause=played.cause,
                level=level if level in (1, 2) else 0,
                customers=customers,
                shown=() if coupons else played.items,
                shown_ms=shown_ms,
                ended=played.ended,
                content=played.content,
                campaign=played.campaign,
                names=() if coupons else names,
                zones=self._zones[screen],
                late=played.late,
                region=played.region,
                ago_ms=ago_ms,
                trigger_ms=since(played.trigger_ns),
                decision_ms=since(played.decided_ns),
            ),
            key=f"play-{played.play}",
            then=lambda: self._screens[screen].send(Noted(play=played.play)),
        )

    def _ago_ms(self, played: Played, shown_ms: int) -> int:
        """Since its last frame: by the machine's own clock, or by the wall's where that frame was in another boot."""
        ago = self._clock.monotonic() - played.ended_ns / 1e9
        # A player that does not say yet: only what is still to come is surely of another one.
        same = played.boot == self._clock.boot if played.boot else ago >= 0
        if not same:
            ago = 0.0
        if not same and played.wall:
            ago = self._clock.wall().timestamp() - played.wall - shown_ms / 1000
        return min(MOST_AGO, max(0, int(ago * 1000)))

    def dark(self) -> None:
        """Leave nothing of anybody on any screen: the agent ends."""
        self._reading.close()
        for screen in list(self._shown):
            self._clear(screen)
        self._dark = True

    def direct(self, now: float) -> None:
        """Bring every screen to what it should show now."""
        if self._dark:
            return
        self._looked_before, self._looked = self._looked, now
        wishes = self._director.wishes(
            now,
            may=self._may,
            anonymous=not self._confirmed(),
            clock_safe=self._clock.safe(),
            silent=self._silent(),
        )
        for screen, wish in wishes.items():
            shown = self._shown.get(screen)
            if wish is None:
                self._clear(screen)
            elif shown is None or not wish.same(shown.wish):
                self._show(screen, wish, now)
            elif wish.cause == "beacon" and now - shown.at >= stays(shown.offer):
                self._show(screen, wish, now, after=shown)

    def _silent(self) -> list[ZoneId]:
        """Zones of which no reader works."""
        troubled = self.troubled()
        return [zone for zone, readers in self._readers.items() if readers <= troubled.keys()] if troubled else []

    def _take(self, now: float) -> bool:
        moved = False
        while self._scans:
            self._reading.read(self._scans.popleft(), now)
            moved = True
        for _ in range(min(TOGETHER, len(self._adverts))):
            moved = self._hear(self._adverts.popleft(), now) or moved
        if self._adverts:
            self._sensed.set()
        return moved

    def _hear(self, advert: Advert, now: float) -> bool:
        beacon = beacons.parse(advert.data)
        customer = self._identity.beacon(beacon, self._clock.wall()) if beacon else None
        profile = self._profile(customer) if customer else None
        allowed = self._confirmed() and (profile is None or "presence" in profile.purposes)
        if customer is None or not allowed:
            self.counts["adverts_unknown"] += 1
            self._crowd.heard(advert.zone, advert.address, now)
            return False
        self.counts["sightings"] += 1
        changes = self._presence.hear(
            Sighting(at=advert.at, customer=customer, receiver=advert.receiver, zone=advert.zone, rssi=advert.rssi)
        )
        return self._follow(changes)

    def _tick(self, now: float) -> bool:
        self._frequency.begin(self._clock.wall().astimezone(self._time_zone()).date())
        self._withdraw(now)
        for count in self._crowd.tick(now):
            self._report.happened(
                events.CrowdCounted(zone=count.zone, radios=count.radios, over_ms=int(count.over * 1000))
            )
        if self._report.made_room():
            for screen in self._screens.values():
                screen.again()
        return self._follow(self._presence.tick(now))

    def _follow(self, changes: list[Change]) -> bool:
        for change in changes:
            self._director.moved(change)
            if change.what == "arrived":
                self.counts["visits"] += 1
                self._report.happened(
                    events.VisitStarted(visit=change.visit, customer=change.customer, zone=change.zone, means="beacon")
                )
            else:
                dwell = int(max(0.0, change.heard_at - change.since) * 1000)
                self._report.happened(
                    events.VisitEnded(visit=change.visit, customer=change.customer, zone=change.zone, dwell_ms=dwell)
                )
        return bool(changes)

    def _freshen(self, keys: frozenset[str], now: float) -> None:
        """Begin anew where what people like has changed so much that other products come first."""
        for screen, shown in list(self._shown.items()):
            wish = shown.wish
            # A greeting stays as it is: its reader is in the middle of it.
            if wish.cause == "beacon" and not keys.isdisjoint(wish.people) and shown.first != _first(self._picks(wish)):
                self._show(screen, wish, now, after=replace(shown, turn=-1), offering=False)

    def _withdraw(self, now: float) -> None:
        """Show something else where what a campaign has on a screen is not what it has now, or its time is over."""
        for screen, shown in list(self._shown.items()):
            if shown.offer is not None and not any(map(shown.offer.same, self._turns.offers(screen, shown.wish))):
                self._show(screen, shown.wish, now)

    def _time_zone(self) -> ZoneInfo:
        return zone_of(self._replica.store(self._clock.wall()))

    def _picks(self, wish: Wish) -> tuple[Pick, ...]:
        wall = self._clock.wall()
        return recommend(
            self._people(wish),
            self._replica.products(wall),
            self._replica.stock(wall),
            wall,
            level=wish.level,
            count=A_SCENE * TURNS if wish.cause == "beacon" else A_SCENE,
        )

    def _show(
        self, screen: ScreenId, wish: Wish, now: float, *, after: Shown | None = None, offering: bool = True
    ) -> None:
        said = wish.level == 0  # To nobody in particular: nothing is chosen for them.
        picks = () if said else self._picks(wish)
        first = _first(picks)
        if offering and not said:
            offer, turn, seen = self._turns.next(screen, wish, now, after, only=not picks)
        else:
            offer, turn, seen = None, 0, after.seen if after else frozenset()
        page = max(0, turn) * A_SCENE
        picks = picks[page : page + A_SCENE] or picks[:A_SCENE]
        wall, languages = self._clock.wall(), self._config.languages
        products, store = self._replica.products(wall), self._replica.store(wall)
        links = Links(store=store.store, zone=self._zones[screen][0], shop=store.link)
        name, people = secrets.token_hex(8), self._people(wish)
        scene = compose(wish, name, people, picks, products, languages, links=links, offer=offer)
        if scene is None:
            return self._clear(screen)
        before = self._shown.get(screen)
        # Consent has come, a greeting is over, a player is back: who is near was heard long before the last look.
        stood = wish.cause == "beacon" and wish.decided < self._looked_before - STOOD
        again = after is not None or stood or (before is not None and wish.follows(before.wish))
        message = Show(
            scene=scene,
            cause=wish.cause,
            # Who stays is shown the next scene by the clock, and an answer that changes answers no new code.
            trigger_ns=0 if again else int(wish.trigger * 1e9),
            decided_ns=int((now if again else wish.decided) * 1e9),
            carry=_carry(wish, people),
            chime=self._chime(screen, wish),
        )
        if self._screens[screen].send(message):
            offer = offer if scene.campaign else None
            if offer is not None:
                self._frequency.shown(offer, scene.scene, wish.people, screen, now)
            self._shown[screen] = Shown(
                wish=wish, scene=scene.scene, at=now, first=first, turn=turn, offer=offer, seen=seen
            )
            self.counts["scenes"] += 1
        else:
            self._shown.pop(screen, None)
        return None

    def _chime(self, screen: ScreenId, wish: Wish) -> Chime:
        """Each act sounds once for each thing that is said to it, also where a player comes back meanwhile."""
        sound = chime(wish)
        if sound == "none" or self._chimed.get(screen) == (wish.act, sound):
            return "none"
        self._chimed[screen] = wish.act, sound
        return sound

    def _clear(self, screen: ScreenId) -> None:
        shown = self._shown.pop(screen, None)
        if shown is not None:
            self._screens[screen].send(Clear(scene=shown.scene))

    def _people(self, wish: Wish) -> list[Profile]:
        return [profile for who in wish.people if (profile := self._profile(who))]

    def _profile(self, customer: CustomerId) -> Profile | None:
        return self._replica.profile(customer, self._clock.wall())

    def _may(self, customer: CustomerId, purpose: str) -> bool:
        profile = self._profile(customer)
        return profile is not None and purpose in profile.purposes


def _carry(wish: Wish, people: list[Profile]) -> dict[str, str | int | list[str]]:
    """What a play brings back; where its items are somebody's coupons, they are told to nobody."""
    mine: dict[str, str | int | list[str]] = {"customers": list(wish.people), "level": wish.level}
    return mine | {"coupons": 1} if wish.named and any(person.coupons for person in people) else mine


def _first(picks: tuple[Pick, ...]) -> tuple[str, ...]:
    return tuple(pick.sku for pick in picks[:A_SCENE])
