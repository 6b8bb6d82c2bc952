"""Brings settings to one store, then a tenth, then all, and takes them back where an agent does not do well."""

from __future__ import annotations

import hashlib
import math
import secrets
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, Engine, Row, select

from central import dirty
from central.contract import feeds, topics
from central.contract.codec import Unreadable, decode, encode
from central.contract.commands import Status
from central.errors import Unknown
from central.storage.database import put, writing
from central.storage.tables import agent, settings, store_settings
from ground.programme.records import Language

HOLD = timedelta(seconds=60)
"""How long every agent of a step must be well with new settings before the next step."""
BACK = timedelta(minutes=5)
"""How long an agent may be away that was there when its step began."""
SAYS = timedelta(minutes=10)
"""How long an agent that is there may say nothing of them: it finds out by itself in less (edge/settings.py)."""
FRESH = timedelta(seconds=100)
"""How old the last word of an agent may be that is there: it tells its status twice a minute (edge/health.py)."""
STEPS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels(feeds.Levels):
    """As in the contract, with what an agent would not take."""

    def problems(self) -> Iterator[str]:
        for name in ("enter_dbm", "exit_dbm"):
            if not -127 <= getattr(self, name) <= 20:
                yield f"{name}: must be -127 to 20 dBm: what a receiver reports"
        if self.exit_dbm > self.enter_dbm:
            yield "exit_dbm: must not be above enter_dbm, or who stands on the border comes and goes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The section `settings:` of a file: central.contract.feeds.Settings before they have an id."""

    languages: tuple[Language, ...] | None = None
    confirm_hours: int | None = None
    outbox_mb: int | None = None
    log: Literal["debug", "info", "warning", "error"] | None = None
    zones: dict[str, Levels] = field(default_factory=dict)

    def problems(self) -> Iterator[str]:
        if self.languages is not None and len(set(self.languages)) != max(1, len(self.languages)):
            yield "languages: name each of ja, en, zh-hans, zh-hant and ko once at most, or leave it out"
        for name, most in (("confirm_hours", 720), ("outbox_mb", 4096)):
            value = getattr(self, name)
            if value is not None and not 1 <= value <= most:
                yield f"{name}: must be 1 to {most}"
        for zone in self.zones:
            if not topics.is_id(zone):
                yield f"zones: {zone!r} is no zone's name: use 1 to 64 of a-z, 0-9 and '-'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What an agent last said of itself."""

    agent: str
    store: str
    online: bool
    at: datetime | None
    good: str | None
    """The settings that it runs with and found good."""
    failed: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Roll:
    """A roll-out under way."""

    settings: str
    step: int
    first: str
    hold: timedelta
    online: frozenset[str]
    """Who was there when the step began."""


Verdict = Literal["waits", "well", "failed"]


def stores_of(roll: Roll, stores: Collection[str], step: int) -> frozenset[str]:
    """Which of these stores have the settings at that step: the first, a tenth in an order of chance, all."""
    rest = sorted(
        set(stores) - {roll.first}, key=lambda one: hashlib.sha256(f"{roll.settings}/{one}".encode()).digest()
    )
    count = (1, math.ceil(len(stores) / 10), len(stores))[step]
    return frozenset([roll.first, *rest][: max(1, count)]) & set(stores)


def judge(roll: Roll, seen: Sequence[Seen], now: datetime, since: datetime) -> tuple[Verdict, str]:
    """Whether the agents of the step's stores do well, and what to say of it; `since`: when it, or central, began."""
    mine = stores_of(roll, {one.store for one in seen}, roll.step)
    concerned = [one for one in seen if one.store in mine]
    for one in concerned:
        if one.failed == roll.settings:
            return "failed", f"{one.agent} tried them and went back"
        was_there = one.agent in roll.online
        if was_there and not one.online and now - max(since, one.at or since) > BACK:
            return "failed", f"{one.agent} was there and did not come back"
        if was_there and one.online and one.good != roll.settings and now - since > SAYS:
            return "failed", f"{one.agent} is there and says nothing of them"
    waiting = [one.agent for one in concerned if one.good != roll.settings and (one.online or one.agent in roll.online)]
    if waiting:
        return "waits", f"for {', '.join(waiting[:10])}"
    if not any(one.online for one in concerned):
        return "waits", "for an agent to be there"
    return "well", ""


def begin(connection: Connection, chosen: Chosen, first: str | None, hold: timedelta, now: datetime) -> str:
    """Begin a roll-out and give its id; one that is under way is replaced. Raises Unknown."""
    made = decode(encode({"settings": secrets.token_hex(8), **asdict(chosen)}), feeds.Settings)
    seen = look(connection, now)
    stores = sorted({one.store for one in seen})
    there = sorted({one.store for one in seen if one.online})
    if first is None and not there:
        raise Unknown("No agent is there that could try them.", fix="Name the store that shall, with --first.")
    if first is not None and first not in stores:
        raise Unknown(f"There is no agent in a store {first}.", fix=f"Name one of {', '.join(stores)[:500]}.")
    roll = Roll(settings=made.settings, step=0, first=first or there[0], hold=hold, online=frozenset())
    said = f"replaced by {made.settings}"
    connection.execute(settings.update().where(settings.c.state == "rolling").values(state="replaced", said=said))
    row = {"settings": made.settings, "body": encode(made).decode(), "made": now, "state": "rolling", "stage": 0}
    row |= {"staged": now, "first": roll.first, "hold_s": int(hold.total_seconds()), "said": ""}
    connection.execute(settings.insert().values(**row, online=_there(roll, seen, 0)))
    settle(connection)
    return made.settings


def settle(connection: Connection) -> int:
    """Give each store what it is to have now, and tell how many that changed.

    In a step's stores that is what is rolled out, elsewhere what was last good for all; new stores get it here too.
    """
    roll = under_way(connection)
    good = connection.scalar(select(settings.c.settings).where(settings.c.state == "good"))
    stores = set(connection.scalars(select(agent.c.store).where(agent.c.revoked.is_(False))))
    trying = stores_of(roll, stores, roll.step) if roll else frozenset()
    wanted = {one: roll.settings if roll and one in trying else good for one in stores}
    rows = connection.execute(select(store_settings))
    there: dict[str, str | None] = {row.store: row.settings for row in rows}
    changed = sorted(one for one in stores if wanted[one] != there.get(one))
    gone = [one for one in changed if wanted[one] is None]
    connection.execute(store_settings.delete().where(store_settings.c.store.in_(gone)))
    put(connection, store_settings, [{"store": one, "settings": wanted[one]} for one in changed if wanted[one]])
    dirty.mark(connection, "settings", changed)
    return len(changed)


def under_way(connection: Connection) -> Roll | None:
    row = connection.execute(select(settings).where(settings.c.state == "rolling")).first()
    return None if row is None else _roll(row)


def look(connection: Connection, now: datetime) -> list[Seen]:
    """Every agent that may connect, as its last status has it."""
    mine = select(agent).where(agent.c.revoked.is_(False)).order_by(agent.c.agent)
    return [_seen(row, now) for row in connection.execute(mine)]


def show(connection: Connection, now: datetime, most: int = 10) -> dict[str, Any]:
    """The latest roll-outs, newest first, and how each agent stands."""
    columns = [column for column in settings.c if column.name != "online"]
    rows = connection.execute(select(*columns).order_by(settings.c.made.desc()).limit(most)).mappings()
    has = {row.store: row.settings for row in connection.execute(select(store_settings))}
    agents = [asdict(one) | {"wanted": has.get(one.store)} for one in look(connection, now)]
    return {"settings": [dict(row) | {"body": decode(row["body"].encode(), dict)} for row in rows], "agents": agents}


class Rollout:
    """Steps the roll-out that is under way; `step` is called every few seconds.

    What lies in the database is all there is to it: after an end in the middle it goes on, its times begun anew; so
    they are as long as it is not `linked` to any broker.
    """

    def __init__(
        self,
        engine: Engine,
        now: Callable[[], datetime],
        wake: Callable[[], None],
        linked: Callable[[], bool] = lambda: True,
    ) -> None:
        self._engine = engine
        self._now = now
        self._wake = wake
        self._linked = linked
        self._began = now()
        self._well: tuple[str, int, datetime] | None = None
        """Since when all agents of which step have been well."""

    def step(self) -> None:
        """Look, and go on, wait or take back. Raises DBAPIError while the database is away."""
        now = self._now()
        if not self._linked():
            self._began = now  # Nobody can be heard: nobody has gone.
        with writing(self._engine) as connection:
            roll = under_way(connection)
            if roll is not None:
                self._move(connection, roll, now)
            changed = settle(connection)
        if changed:
            self._wake()

    def _move(self, connection: Connection, roll: Roll, now: datetime) -> None:
        mine = settings.c.settings == roll.settings
        seen = look(connection, now)
        staged = connection.scalar(select(settings.c.staged).where(mine)) or now
        verdict, said = judge(roll, seen, now, max(staged, self._began))
        values: dict[str, Any] = {"said": said}
        if verdict == "failed":
            values["state"] = "failed"
        if verdict != "well":
            self._well = None
        else:
            if self._well is None or self._well[:2] != (roll.settings, roll.step):
                self._well = (roll.settings, roll.step, now)
            if now - self._well[2] >= roll.hold:
                values |= _next(connection, roll, seen, now)
        connection.execute(settings.update().where(mine).values(**values))


def _next(connection: Connection, roll: Roll, seen: Sequence[Seen], now: datetime) -> dict[str, Any]:
    stores = {one.store for one in seen}
    have = stores_of(roll, stores, roll.step)
    more = [step for step in range(roll.step + 1, STEPS) if stores_of(roll, stores, step) != have]
    if more:
        return {"stage": more[0], "staged": now, "online": _there(roll, seen, more[0])}
    connection.execute(settings.update().where(settings.c.state == "good").values(state="replaced"))
    return {"state": "good", "stage": STEPS - 1}


def _there(roll: Roll, seen: Sequence[Seen], step: int) -> list[str]:
    mine = stores_of(roll, {one.store for one in seen}, step)
    return [one.agent for one in seen if one.online and one.store in mine]


def _roll(row: Row[Any]) -> Roll:
    hold = timedelta(seconds=row.hold_s)
    return Roll(settings=row.settings, step=row.stage, first=row.first, hold=hold, online=frozenset(row.online))


def _seen(row: Row[Any], now: datetime) -> Seen:
    try:
        status = decode((row.status or "").encode(), Status)
    except Unreadable:  # It has said nothing yet, or to another version of us.
        return Seen(agent=row.agent, store=row.store, online=False, at=None, good=None, failed=None)
    return Seen(
        agent=row.agent,
        store=row.store,
        # A broker that was killed with us tells no last wills.
        online=status.online and now - row.status_at < FRESH,
        at=row.status_at,
        good=status.settings,
        failed=status.settings_failed,
    )
