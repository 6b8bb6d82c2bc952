"""A stage for the store page: the demo's end of the socket, people, pictures, journals and a real database."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from browser.glass import Glass, picture
from sqlalchemy import Engine

from central.contract.events import Born, Played, Scanned, VisitEnded, VisitStarted, make
from central.page.contract import (
    MAX_LINE,
    Answer,
    Fault,
    Goods,
    Opening,
    Order,
    Part,
    Person,
    Screen,
    Shop,
    State,
    Store,
    for_demo,
    line,
)
from central.storage.database import count, open_database, put, writing
from central.storage.tables import agent, cursor, events
from ground.programme.records import Texts

STORES = {
    "ginza": {"ja": "銀座店", "en": "Ginza"},
    "tenjin": {"ja": "天神店", "en": "Tenjin"},
    "umeda": {"ja": "梅田店", "en": "Umeda"},
}
ZONES = ("entrance", "shelf", "till")
GOODS = (
    Goods(sku="tea-001", name={"ja": "深蒸し煎茶 八女 100g", "en": "Deep-Steamed Sencha, Yame, 100 g"}),
    Goods(sku="bags-017", name={"ja": "がま口財布 若竹 鹿の子", "en": "Clasp Wallet, Young Bamboo Kanoko"}),
    Goods(
        sku="stationery-040",
        name={
            "ja": "祝儀のひとそろい（筆ペン・のし袋 あわじ結び 紅白2枚 金2枚・短冊・ふくさ）",
            "en": "Celebration Set: Brush Pen, Envelopes with Awaji Knots (2 Red & White, 2 Gold) and a Silk Wrap",
        },
    ),
    Goods(sku="bath-021", name={"ja": "豚毛のボディブラシ 長柄", "en": "Bristle Body Brush, Long Handle"}),
)
DISKS: Texts = {
    "ja": "このマシンでは小さなディスクをマウントできません",
    "en": "this machine lets us mount no small disk",
}
REPEATS_S = 1.0
WAIT_S = 30.0


def empty_database(folder: Path) -> Path:
    """A database that knows the stores' agents and holds nothing of theirs."""
    file = folder / "central.db"
    engine = open_database(f"sqlite:///{file}")
    with writing(engine) as connection:
        rows = [{"agent": f"{store}-1", "store": store, "revoked": False, "revision": 1} for store in STORES]
        connection.execute(agent.insert(), rows)
    engine.dispose()
    return file


class Stage:
    """Speaks to every page that connects; the test moves the people and says what is refused."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "page.sock"
        self.orders: list[Order] = []
        self.refuses: dict[str, dict[str, str]] = {}
        """What to answer to an order of a kind, in each language."""
        self.silent = False
        """Whether what was said is not said again, as by a demo that hangs."""
        self.held: set[str] = set()
        """Kinds of order that are not answered until `answer` is called."""
        self.engine: Engine = open_database(f"sqlite:///{folder / 'central.db'}")
        self.start = time.monotonic()
        self.glasses: dict[str, Glass] = {}
        self.journals: dict[str, Path] = {}
        self.seqs = dict.fromkeys(STORES, 0)
        self._held: list[Order] = []
        self._lock = threading.Condition()
        self._peers: list[socket.socket] = []
        self._listening: socket.socket | None = None
        self._over = threading.Event()
        shops = []
        for store, name in STORES.items():
            screens = []
            for zone in ("shelf", "till"):
                screen = f"{store}-{zone}"
                self.glasses[screen] = Glass(folder / f"{screen}.mirror")
                self.journals[screen] = folder / f"{screen}.jsonl"
                self.journals[screen].touch()
                screens.append(
                    Screen(
                        screen=screen,
                        zone=zone,
                        journal=str(self.journals[screen]),
                        mirror=str(self.glasses[screen].path),
                    )
                )
            shops.append(
                Shop(store=store, name=name, zones=ZONES, reader="till", screens=tuple(screens), goods=GOODS)  # type: ignore[arg-type]
            )
        self.opening = Opening(
            shops=tuple(shops),
            url=f"sqlite:///{folder / 'central.db'}",
            disks=DISKS,
        )
        parts = [
            Part(part="broker", kind="broker", store="", up=True),
            Part(part="central", kind="central", store="", up=True),
        ]
        for store in STORES:
            parts.append(Part(part=f"edge-{store}", kind="agent", store=store, up=True))
            parts += [
                Part(part=f"signage-{store}-{zone}", kind="player", store=store, up=True) for zone in ("shelf", "till")
            ]
        self._first = self.state = State(
            now=0.0,
            people=tuple(_people()),
            parts=tuple(parts),
            stores=tuple(
                Store(store=store, connected=True, disk_full=False, made=0, waiting=0, refused=0) for store in STORES
            ),
            faults=(),
            fault_count=0,
            worst_black_s=0.0,
        )

    def __enter__(self) -> Stage:
        for glass in self.glasses.values():
            glass.start()
        self.listen()
        self.reset()
        threading.Thread(target=self._repeat, daemon=True).start()
        return self

    def _repeat(self) -> None:
        while not self._over.wait(REPEATS_S):
            if not self.silent:
                self.say()

    def reset(self) -> None:
        """As at first: everybody where they were, nothing broken, the loop on every screen."""
        with self._lock:
            self.orders.clear()
            self.held.clear()
            self.refuses.clear()
            self._held.clear()
            self.silent = False
            self.state = self._first
        for screen, glass in self.glasses.items():
            glass.draw(picture("loop-ja"))
            self.shown(screen, "campaign", "schedule")
        self.say()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.close()
        for glass in self.glasses.values():
            glass.stop()
        self.engine.dispose()

    def listen(self) -> None:
        self.socket.unlink(missing_ok=True)
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(self.socket))
        self._listening.listen()
        threading.Thread(target=self._accept, args=[self._listening], daemon=True).start()

    def close(self) -> None:
        """The demo ends: nobody answers at the socket any more."""
        if self._listening is not None:
            with contextlib.suppress(OSError):
                self._listening.shutdown(socket.SHUT_RDWR)
            self._listening.close()
        with self._lock:
            for peer in self._peers:
                with contextlib.suppress(OSError):
                    peer.shutdown(socket.SHUT_RDWR)
                peer.close()
            self._peers.clear()

    def _accept(self, listening: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                peer, _ = listening.accept()
                with self._lock:
                    self._peers.append(peer)
                    peer.sendall(line(self.opening) + line(self.state))
                threading.Thread(target=self._hear, args=[peer], daemon=True).start()

    def _hear(self, peer: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), peer.makefile("rb") as lines:
            while data := lines.readline(MAX_LINE):
                order = for_demo(data)
                with self._lock:
                    self.orders.append(order)
                    self._lock.notify_all()
                    if order.what in self.held:
                        self._held.append(order)
                    else:
                        self._answer(peer, order)

    def await_orders(self, wanted: Sequence[Order]) -> None:
        """Wait until so many orders came; they are these, whatever their numbers."""
        with self._lock:
            assert self._lock.wait_for(lambda: len(self.orders) >= len(wanted), WAIT_S), self.orders
            assert [replace(order, order=0) for order in self.orders] == list(wanted)
            assert len({order.order for order in self.orders}) == len(self.orders)

    def garble(self, data: bytes) -> None:
        """Send what is no message."""
        with self._lock:
            for peer in self._peers:
                peer.sendall(data)

    def answer(self) -> None:
        """Answer what was held."""
        with self._lock:
            for order in self._held:
                self._answer(self._peers[-1], order)
            self._held.clear()

    def _answer(self, peer: socket.socket, order: Order) -> None:
        refused = self.refuses.get(order.what, {})
        if not refused:
            self.obey(order)
        peer.sendall(line(Answer(order=order.order, refused=refused)))  # type: ignore[arg-type]

    def obey(self, order: Order) -> None:
        """As the demo would: people go, agree, and things break."""
        person = order.person
        match order.what:
            case "walk-in":
                self.person(person, zone="shelf")
            case "meet":
                for one in [each for each in self.state.people if each.store == order.store and each.guest][:2]:
                    self.person(one.person, zone="shelf")
            case "code":
                self.person(person, zone="till", code=True)
            case "leave":
                self.person(person, zone="", code=False)
            case "give" | "withdraw":
                self.person(person, **{order.purpose: order.what == "give"})
            case "cut" | "join":
                self.store(order.store, connected=order.what == "join")
            case "fill" | "free":
                self.store(order.store, disk_full=order.what == "fill")
            case "kill":
                self.part(order.part, up=False)

    def say(self, **changes: object) -> None:
        """Change the state and tell every page."""
        with self._lock:
            now = time.monotonic() - self.start
            self.state = replace(self.state, now=now, **changes)  # type: ignore[arg-type]
            for peer in list(self._peers):
                with contextlib.suppress(OSError):
                    peer.sendall(line(self.state))

    def person(self, person: str, **changes: object) -> None:
        people = [
            replace(each, **changes) if each.person == person else each  # type: ignore[arg-type]
            for each in self.state.people
        ]
        self.say(people=tuple(people))

    def enter(self, person: Person) -> None:
        self.say(people=(*self.state.people, person))

    def go(self, person: str) -> None:
        self.say(people=tuple(each for each in self.state.people if each.person != person))

    def store(self, store: str, **changes: object) -> None:
        stores = [
            replace(each, **changes) if each.store == store else each  # type: ignore[arg-type]
            for each in self.state.stores
        ]
        self.say(stores=tuple(stores))

    def part(self, part: str, *, up: bool) -> None:
        self.say(parts=tuple(replace(each, up=up) if each.part == part else each for each in self.state.parts))

    def fault(self, what: str, where: str, *, took: float | None = None) -> None:
        now = time.monotonic() - self.start
        number = self.state.fault_count + 1
        fault = Fault(fault=number, what=what, where=where, at=now, took=took)
        self.say(faults=(fault, *self.state.faults)[:10], fault_count=number)

    def shown(
        self,
        screen: str,
        layout: str,
        cause: str,
        *,
        level: int = 0,
        people: int = 0,
        items: tuple[str, ...] = (),
        took_ms: float = 40.0,
        draws: str = "",
    ) -> None:
        """A scene comes up: a line in the journal, and its picture."""
        now = time.monotonic_ns()
        text = {
            "event": "shown",
            "at_ns": now,
            "screen": screen,
            "scene": f"s{now}",
            "layout": layout,
            "cause": cause,
            "texts": [],
            "items": list(items),
            "carry": {} if cause == "schedule" else {"customers": [f"c-{n}" for n in range(people)], "level": level},
            "hold_ms": 12000,
            "trigger_ns": 0 if cause == "schedule" else now - int(took_ms * 1.4e6),
            "decided_ns": 0 if cause == "schedule" else now - int(took_ms * 1e6),
        }
        with self.journals[screen].open("ab", buffering=0) as journal:
            journal.write(json.dumps(text).encode() + b"\n")
        if draws:
            self.glasses[screen].draw(picture(draws))

    def happened(self, store: str, *bodies: object, made: int | None = None, waiting: int = 0) -> None:
        """Events that central stores, and what the agent says of them."""
        now = datetime.now(UTC)
        agent, seq = f"{store}-1", self.seqs[store]
        rows = []
        for n, body in enumerate(bodies, start=seq + 1):
            born = Born(wall=now, boot="b", up_ms=n, synced=True)
            row = {"agent": agent, "epoch": "e", "seq": n, "kind": _kind(body), "store": store, "born_wall": now}
            row |= {"boot": "b", "up_ms": n, "synced": True, "data": make(body, born).decode(), "received": now}
            rows.append(row)
        self.seqs[store] = seq + len(bodies)
        with writing(self.engine) as connection:
            connection.execute(events.insert(), rows)
            for row in rows:
                count(connection, agent, {f"stored.{row['kind']}": 1})
            put(connection, cursor, [{"agent": agent, "epoch": "e", "seq": self.seqs[store], "chain": ""}])
        total = self.seqs[store] + waiting if made is None else made
        self.store(store, made=total, waiting=waiting)


def _kind(body: object) -> str:
    kinds = {VisitStarted: "visit-started", VisitEnded: "visit-ended", Scanned: "scanned", Played: "played"}
    return kinds.get(type(body), "crowd-counted")


def _people() -> Iterator[Person]:
    def person(store: str, name: str, zone: str, **changes: object) -> Person:
        base = Person(
            person=f"{store}-{name}",
            store=store,
            zone=zone,
            label=name,
            member=True,
            beacon=True,
            presence=True,
            signage=True,
            guest=False,
            code=False,
        )
        return replace(base, **changes)  # type: ignore[arg-type]

    for store in STORES:
        yield person(store, "さくら", "", guest=True)
        yield person(store, "Ken", "", guest=True)
        yield person(store, "みどり", "entrance", signage=False)
        yield person(store, "そら", "shelf", presence=False)
        yield person(store, "なつ", "till", presence=False, signage=False)
        yield person(store, "stranger", "shelf", label="", member=False, beacon=False, presence=False, signage=False)
