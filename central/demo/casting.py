"""Makes a day in a minute: deals out parts to members and strangers, the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from central.contract.member_code import check_digit
from central.demo.guests import Guest
from central.demo.radios import advert, beacon, eddystone, ibeacon
from central.sample import Member
from central.scenario import READER, Beacon, Bearer, Change, Known, Scenario, Shopper, Show, Stay, Store, Truth

SHOPPERS_A_MINUTE = 8
"""In each store: some two at a shelf and one or two at a till at any time."""
LAST_VISIT_S = 14.0
"""Nobody comes in for the last seconds: who does could do nothing that is judged."""
STAYS_AWAY_S = 60.0
"""How long a member who left comes back no sooner: a shop away."""
CHANGES_BEFORE_S = 30.0
"""What is agreed or withdrawn later than this before the end has no time to show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Role:
    """A part to play: who may play it, and what they carry, show and change their mind about."""

    name: str
    times: int
    """How often in one deal of the cards."""
    member: Callable[[set[str]], bool] | None = None
    """Whether a member of these purposes fits; None: it is no member of this chain."""
    known_here: bool = True
    radio: str = "own"
    code: str = ""
    changes: str = ""


_BOTH = frozenset({"presence", "signage"})
GUESTS: tuple[tuple[frozenset[str], frozenset[str]], ...] = (
    (_BOTH, _BOTH),
    (_BOTH, _BOTH),
    (_BOTH, frozenset({"presence"})),
    (_BOTH, frozenset()),
)
"""Of these purposes a guest has agreed to these."""


def _both(purposes: set[str]) -> bool:
    return {"presence", "signage"} <= purposes


_ROLES = (
    _Role(name="regular", times=5, member=_both, code="own"),
    _Role(name="browser", times=4, member=_both),
    _Role(name="card-only", times=4, member=lambda purposes: "signage" in purposes, radio="", code="own"),
    _Role(
        name="no-presence",
        times=3,
        member=lambda purposes: "signage" in purposes and "presence" not in purposes,
        code="own",
    ),
    _Role(
        name="no-signage",
        times=2,
        member=lambda purposes: "presence" in purposes and "signage" not in purposes,
        code="own",
    ),
    _Role(name="elsewhere", times=1, member=_both, known_here=False, code="own"),
    _Role(name="buyer", times=2, radio="strange", code="product"),
    _Role(name="other-chain", times=1, radio="strange", code="strange"),
    _Role(name="passer-by", times=1, radio="strange"),
    _Role(name="nobody", times=1, radio=""),
    _Role(name="withdraws-at-shelf", times=1, member=_both, changes="shelf"),
    _Role(name="withdraws-at-till", times=1, member=_both, code="own", changes="till"),
    _Role(name="gives", times=1, member=lambda purposes: not _both(purposes), changes="gives"),
)
_REGULAR, _NOBODY = _ROLES[0], next(role for role in _ROLES if role.name == "nobody")


def make(
    members: Sequence[Member],
    stores: Sequence[str],
    *,
    seconds: float,
    seed: int,
    sensitive: Collection[str] = (),
    quiet: Collection[str] = (),
    guests: Sequence[Guest] = (),
) -> Scenario:
    """Deal out roles to members and strangers; the same arguments give the same scenario.

    `sensitive` products are on no screen. Nobody comes to a `quiet` store; `guests` have no part, but the truth
    knows them.
    """
    called = {guest.member.customer for guest in guests}
    day = _Day([member for member in members if member.customer not in called], seconds, seed)
    for at, store in day.arrivals(stores, quiet):
        day.visit(at, store)
    day.bearers |= {
        guest.person: Bearer(role="guest", customer=guest.member.customer, beacon=bool(guest.beacons))
        for guest in guests
    }
    return Scenario(
        name=f"busy-{seed}",
        seconds=seconds,
        stores={store: Store(shoppers=tuple(day.visits[store])) for store in stores},
        truth=Truth(
            shoppers=day.bearers,
            members={
                member.customer: Known(
                    number=member.number,
                    nickname=member.nickname,
                    language=member.language,
                    stores=tuple(sorted({member.home, *member.visited})),
                    purposes=tuple(sorted(member.purposes)),
                    bought=tuple(item.sku for item in member.bought),
                )
                for member in members
            },
            changes=tuple(sorted(day.changes, key=lambda change: change.at)),
            sensitive=tuple(sorted(sensitive)),
        ),
    )


class _Day:
    """The day as far as it is dealt out: who is where until when, and what they have agreed to by now."""

    def __init__(self, members: Sequence[Member], seconds: float, seed: int) -> None:
        self._members = members
        self._seconds = seconds
        self._random = random.Random(seed)  # noqa: S311 - a repeatable play, no secret.
        self._numbers = {member.number for member in members}
        self._agreed = {member.customer: set(member.purposes) for member in members}
        self._free = {member.customer: 0.0 for member in members}
        self._reader: dict[str, list[tuple[float, float]]] = {}
        self._cards: list[_Role] = []
        self.visits: dict[str, list[Shopper]] = {}
        self.bearers: dict[str, Bearer] = {}
        self.changes: list[Change] = []

    def arrivals(self, stores: Sequence[str], quiet: Collection[str]) -> list[tuple[float, str]]:
        """When somebody comes into which store, spread evenly with some chance, in order."""
        last = max(self._seconds - LAST_VISIT_S, 1.0)
        count = max(1, round(SHOPPERS_A_MINUTE * self._seconds / 60))
        gap = last / count
        at = []
        for place, store in enumerate(stores):
            self.visits[store] = []
            self._reader[store] = []
            lag = gap * place / len(stores)
            if store in quiet:
                continue
            at += [(0.2 + (number + self._random.random() * 0.8) * gap + lag * 0.2, store) for number in range(count)]
        return sorted(at)

    def visit(self, at: float, store: str) -> None:
        """Let somebody in: entrance, shelf, and the till where they have something to show."""
        role, member = self._cast(at, store)
        radios = self._radios(role, member)
        inside = at + self._random.uniform(1.5, 3.0)
        leaves = inside + (self._random.uniform(20, 23) if role.changes in ("shelf", "gives") else self._shelf_time())
        stays = [Stay(zone="entrance", begin=at, end=inside), Stay(zone="shelf", begin=inside, end=leaves)]
        shows: tuple[Show, ...] = ()
        if role.code:
            shows = (self._show(role, member, store, leaves),)
            stays.append(Stay(zone="till", begin=leaves, end=shows[0].begin + self._random.uniform(8, 9)))
        name = f"{store}-{len(self.visits[store]) + 1}"
        self.visits[store].append(_rounded(name, radios, stays, shows))
        customer = member.customer if member else None
        self.bearers[name] = Bearer(role=role.name, customer=customer, beacon=bool(member and role.radio == "own"))
        if customer:
            self._free[customer] = stays[-1].end + STAYS_AWAY_S
            self._change(role, customer, stays[1].begin, shows)

    def _cast(self, at: float, store: str) -> tuple[_Role, Member | None]:
        role = self._card()
        if role.changes and at > self._seconds - CHANGES_BEFORE_S:
            role = _REGULAR
        for wanted in (role, _REGULAR):
            if wanted.member is None:
                return wanted, None
            fits = [
                member
                for member in self._members
                if self._free[member.customer] <= at
                and (member.beacon or wanted.radio != "own")
                and wanted.member(self._agreed[member.customer])
                and (store in (member.home, *member.visited)) == wanted.known_here
            ]
            if fits:
                return wanted, self._random.choice(fits)
        return _NOBODY, None

    def _card(self) -> _Role:
        if not self._cards:
            plain = [role for role in _ROLES for _ in range(role.times) if not role.changes]
            self._random.shuffle(plain)
            # Who changes their mind comes early in a deal, so that also the last minute sees it.
            for role in _ROLES:
                if role.changes:
                    plain.insert(self._random.randrange(len(plain) // 3), role)
            self._cards = plain[::-1]
        return self._cards.pop()

    def _shelf_time(self) -> float:
        return self._random.uniform(7, 16)

    def _show(self, role: _Role, member: Member | None, store: str, at: float) -> Show:
        begin, lasts = at + self._random.uniform(0.6, 1.5), self._random.uniform(1.5, 2.5)
        for taken, free in sorted(self._reader[store]):
            if begin < free and begin + lasts > taken:
                begin = free
        # One reader, one code at a time, and a breath between two people.
        self._reader[store].append((begin - 0.8, begin + lasts + 0.8))
        own = role.code == "own" and member is not None
        if own and member is not None:
            content = member.number
        else:
            content = self._number("49" if role.code == "product" else "29")
        shape = "EAN13" if role.code == "product" else self._random.choice(("QRCode", "EAN13"))
        return Show(reader=READER, begin=begin, end=begin + lasts, format=shape, content=content, own=own)

    def _number(self, prefix: str) -> str:
        while True:
            digits = prefix + f"{self._random.randrange(10**10):010}"
            number = digits + check_digit(digits)
            if number not in self._numbers:
                return number

    def _radios(self, role: _Role, member: Member | None) -> tuple[Beacon, ...]:
        if not role.radio:
            return ()
        own = member.beacon if member and role.radio == "own" else None
        data = advert(own) if own else self._strange_advert()
        return (beacon(data, self._random),)

    def _strange_advert(self) -> bytes:
        number = self._random.randbytes(20)
        return self._random.choice(
            (
                ibeacon(number[:16], int.from_bytes(number[16:18]), int.from_bytes(number[18:])),
                eddystone(number[:10], number[10:16]),
                # A telephone: Apple's company id and a "nearby" message.
                bytes.fromhex("02011a020a0c0aff4c001005") + number[:5],
                # Earphones that only say their name.
                bytes.fromhex("0201060709") + b"earbud",
            )
        )

    def _change(self, role: _Role, customer: str, shelf: float, shows: Sequence[Show]) -> None:
        agreed = self._agreed[customer]
        if role.changes == "gives":
            at, what = shelf + self._random.uniform(1, 2), sorted({"presence", "signage"} - agreed)
        elif role.changes:
            at = shows[0].begin + self._random.uniform(2.2, 3) if shows else shelf + self._random.uniform(7, 9)
            what = ["signage"] if shows else [self._random.choice(("presence", "signage"))]
        else:
            return
        gives = role.changes == "gives"
        at = round(at, 2)
        self.changes += [Change(at=at, done=at, customer=customer, purpose=each, gives=gives) for each in what]
        self._agreed[customer] = agreed | set(what) if gives else agreed - set(what)


def invite(members: Sequence[Member], stores: Sequence[str], *, seed: int) -> list[Guest]:
    """For each store a few of its own members with beacons, of different minds about consent."""
    dice = random.Random(f"guests-{seed}")  # noqa: S311 - a repeatable play, no secret.
    guests: list[Guest] = []
    for store in stores:
        taken = {guest.member.customer for guest in guests}
        for wanted in GUESTS:
            member = next(
                one
                for one in members
                if one.beacon and one.nickname and one.home == store and one.customer not in taken
                if frozenset(one.purposes) & wanted[0] == wanted[1] and len(one.viewed) > 1
            )
            taken.add(member.customer)
            assert member.beacon
            beacons = (beacon(advert(member.beacon), dice),)
            guests.append(Guest(person=f"{store}-guest-{len(taken)}", store=store, member=member, beacons=beacons))
    return guests


def _rounded(name: str, radios: tuple[Beacon, ...], stays: Sequence[Stay], shows: Sequence[Show]) -> Shopper:
    """Write times to hundredths, as a person may read them."""
    return Shopper(
        shopper=name,
        beacons=radios,
        stays=tuple(Stay(zone=s.zone, begin=round(s.begin, 2), end=round(s.end, 2)) for s in stays),
        shows=tuple(replace(show, begin=round(show.begin, 2), end=round(show.end, 2)) for show in shows),
    )
