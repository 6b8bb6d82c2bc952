"""The player's loop, turn by turn, with a real socket, real files and a clock of our own."""

from __future__ import annotations

import io
import json
import selectors
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pygame
import pytest
from pygame import Color, Surface

from ground.programme.records import DayPart, Slot, Turn, When
from signage import storage
from signage.assets import Assets
from signage.bell import Bell
from signage.chimes import Chimes
from signage.config import DisplayConfig, Theme
from signage.contract import (
    Clear,
    Hello,
    Item,
    Noted,
    Now,
    Order,
    Picture,
    Played,
    Playlist,
    Region,
    Scene,
    Show,
    Snapshot,
    ToAgent,
    ToPlayer,
    Vitals,
    for_agent,
    line,
)
from signage.display import Display
from signage.errors import ScreenHangs
from signage.films import Films
from signage.journal import Journal
from signage.likeness import Likeness
from signage.link import Link
from signage.mirror import HEADER, Mirror
from signage.pictures import Pictures
from signage.player import Player
from signage.playlist import Programme
from signage.power import Power, Switch
from signage.proof import Proof
from signage.showing import Showing
from signage.stage import FADE, STANDING, Stage
from signage.text import Align, Block, Typesetter
from signage.wall import Wall

NOON = datetime(2026, 11, 24, 3, tzinfo=UTC).timestamp()
"""In Tokyo."""


class Stumbling(Typesetter):
    """Cannot draw one word."""

    def draw(
        self, surface: Surface, block: Block, at: tuple[int, int], colour: Color, align: Align = "left", room: int = 0
    ) -> None:
        if block.said == "つまずく":
            raise ValueError("no")
        super().draw(surface, block, at, colour, align, room)


class Store:
    """A player in a store, whose time stands until we move it."""

    def __init__(self, display: Display, folder: Path, *, mirrored: bool = True, hours: Sequence[When] = ()) -> None:
        self.display = display
        self.mirror = folder / "mirror" if mirrored else None
        self.folder = folder
        self.now = 100.0
        self.noon = NOON - self.now
        """What the machine takes for the time when the clock says 0."""
        self.hours = hours
        self.counts: Counter[str] = Counter()
        self.agent: socket.socket

    @contextmanager
    def open(self) -> Iterator[Store]:
        with ExitStack() as open_:
            selector = open_.enter_context(selectors.DefaultSelector())
            bell = open_.enter_context(Bell(selector))
            link = open_.enter_context(Link(self.folder / "s", selector, self.counts))
            typesetter = open_.enter_context(Stumbling(self.counts))
            assets = open_.enter_context(Assets(self.folder / "assets", self.counts, patience=(0.01, 0.01)))
            self.pictures = open_.enter_context(Pictures(assets, bell.ring, self.counts))
            store = storage.opened(self.folder / "player.db", self.counts)
            self.proof = open_.enter_context(Proof(store, bell.ring, self.counts))
            self.assets = assets
            films = open_.enter_context(Films(assets, self.counts))
            self.stage = Stage(self.display, self.pictures, typesetter, Theme(), self.counts, films)
            self.wall = Wall(store.clock(), lambda: self.noon + self.now)
            self.chimes = Chimes(0, self.counts)
            programme = Programme(STANDING, self.now, self.wall.at)
            journal = open_.enter_context(Journal(self.folder / "journal", "front", self.counts))
            self.player = Player(
                screen="front",
                display=self.display,
                stage=self.stage,
                programme=programme,
                selector=selector,
                link=link,
                proof=self.proof,
                showing=Showing(self.stage, programme, self.proof, journal, self.wall),
                assets=assets,
                mirror=open_.enter_context(Mirror(self.mirror, self.counts)),
                likeness=Likeness(self.pictures, typesetter, Theme(), self.counts, bell.ring),
                power=Power(self.hours, open_.enter_context(Switch(DisplayConfig(mode="headless"), self.counts))),
                wall=self.wall,
                chimes=self.chimes,
                picture=self.folder / "screen.png",
                counts=self.counts,
                clock=lambda: self.now,
            )
            self.player.begin(store.playlist(), store.hour())
            self.agent = open_.enter_context(socket.socket(socket.AF_UNIX))
            self.agent.settimeout(10)
            self.agent.connect(str(self.folder / "s"))
            self.got = b""
            self.turn()
            yield self

    def show(self, scene: Scene, ago: float = 0.0, **changes: object) -> Show:
        """Make a Show that was decided so many seconds ago."""
        at = round((self.now - ago) * 1e9)
        given: dict[str, object] = {"cause": "beacon", "trigger_ns": at, "decided_ns": at}
        return Show(scene=scene, **(given | changes))  # type: ignore[arg-type]

    def turn(self, seconds: float = 0.0) -> None:
        """Let time pass and the loop go round until nothing is left to do."""
        self.now += seconds
        self.player.step(0)
        self.player.step(0)

    def settle(self) -> None:
        """Let the loop go round until the next item is drawn ahead with all its pictures."""
        still = 0
        while still < 2:  # The last step of a round may have asked for a picture: the next round puts it in.
            self.player.step(0)
            self.pictures.finish()
            self.player.step(0)
            still = still + 1 if self.player.patience() > 0 else 0

    def send(self, *messages: ToPlayer) -> None:
        self.agent.sendall(b"".join(map(line, messages)))
        self.turn()

    def hear(self) -> ToAgent | None:
        """Wait for the next line; the loop goes round until the writer has written it."""
        self.agent.setblocking(False)
        while b"\n" not in self.got:
            try:
                self.got += self.agent.recv(1 << 16)
            except BlockingIOError:
                self.player.step(None)
        self.agent.settimeout(10)
        told, _, self.got = self.got.partition(b"\n")
        return for_agent(told)

    def played(self) -> Played:
        while not isinstance(message := self.hear(), Played):
            pass
        return message

    @property
    def journal(self) -> list[dict[str, object]]:
        return [json.loads(text) for text in (self.folder / "journal").read_text().splitlines()]

    @property
    def on_screen(self) -> list[str]:
        """The scenes shown and not ended, by the journal."""
        shown: list[str] = []
        for entry in self.journal:
            shown.append(str(entry["scene"])) if entry["event"] == "shown" else shown.remove(str(entry["scene"]))
        return shown


@pytest.fixture
def store(display: Display, tmp_path: Path) -> Iterator[Store]:
    with Store(display, tmp_path).open() as store:
        yield store


@pytest.fixture
def loop(scene: Callable[..., Scene]) -> Playlist:
    items = tuple(scene(f"i{number}", title=f"{number}番", hold_ms=8000) for number in range(3))
    return Playlist(version="v1", items=items)


def test_an_agent_is_told_who_plays_first(store: Store) -> None:
    hello = store.hear()
    assert isinstance(hello, Hello)
    assert (hello.screen, hello.width, hello.height, hello.playlist) == ("front", 1280, 720, "")
    assert "recommendation" in hello.layouts


def test_a_scene_is_on_the_screen_in_the_turn_in_which_it_comes(
    store: Store, loop: Playlist, scene: Callable[..., Scene]
) -> None:
    store.send(loop)
    assert store.on_screen == ["i0"]
    before = store.display.snapshot()
    asked = store.show(scene("p", title="さくらさん"), cause="scan", carry={"level": 2, "who": ["c"]})
    store.agent.sendall(line(asked))
    store.player.step(0)
    assert store.on_screen == ["p"]
    assert pygame.image.tobytes(before, "RGB") != pygame.image.tobytes(store.display.snapshot(), "RGB")
    last = store.journal[-1]
    assert (last["cause"], last["carry"], last["layout"]) == ("scan", {"level": 2, "who": ["c"]}, "notice")
    assert "さくらさん" in str(last["texts"])


def test_it_is_cleared_at_once_or_after_its_hold_and_the_loop_goes_on(
    store: Store, loop: Playlist, scene: Callable[..., Scene]
) -> None:
    store.send(loop)
    store.turn(3)
    store.send(store.show(scene("p")), Clear(scene="other"))
    store.turn(4)
    assert store.on_screen == ["p"]
    store.send(Clear(scene="p"))
    assert store.on_screen == ["i0"]
    store.send(store.show(scene("q", hold_ms=5000)))
    store.turn(5)
    assert store.on_screen == ["i0"]
    store.turn(5)  # It had five seconds left when it was interrupted first.
    assert store.on_screen == ["i1"]


def test_a_scene_that_is_read_late_stays_for_what_is_left_of_its_time_or_is_never_shown(
    store: Store, loop: Playlist, scene: Callable[..., Scene]
) -> None:
    store.send(loop)
    store.send(store.show(scene("p", hold_ms=5000), ago=3))
    last = store.journal[-1]
    assert (last["event"], last["scene"], last["hold_ms"]) == ("shown", "p", 2000)
    store.turn(2)
    store.send(store.show(scene("q", hold_ms=5000), ago=5))
    assert store.on_screen == ["i0"]
    assert store.counts["shows_late"] == 1
    store.send(replace(loop, version="v2", items=()))
    told = [store.played() for _ in range(3)]
    assert [play.scene for play in told] == ["i0", "p", "i0"]
    assert not [entry for entry in store.journal if entry["scene"] == "q"]


def test_the_journal_says_when_the_player_itself_replaces_a_scene(
    store: Store, loop: Playlist, scene: Callable[..., Scene]
) -> None:
    store.send(loop)
    store.turn(3)
    store.send(store.show(scene("p", hold_ms=4000)))
    store.turn(4)
    store.turn(5)
    store.send(replace(loop, version="v2", items=(scene("only"),)))
    shown = [(entry["scene"], entry["hold_ms"]) for entry in store.journal if entry["event"] == "shown"]
    assert shown == [("standing", 0), ("i0", 8000), ("p", 4000), ("i0", 5000), ("i1", 8000), ("only", 0)]


def test_the_mirror_holds_every_cut_and_the_end_of_every_fade(
    store: Store, loop: Playlist, scene: Callable[..., Scene]
) -> None:
    def mirrored() -> tuple[int, bytes]:
        data = (store.folder / "mirror").read_bytes()
        return HEADER.unpack(data[: HEADER.size])[4], data[HEADER.size :]

    def on_screen() -> tuple[int, bytes]:
        small = pygame.transform.smoothscale(store.display.snapshot(), (640, 360))
        return store.display.flipped_ns, pygame.image.tobytes(small, "RGB")

    assert mirrored() == on_screen()
    store.send(loop)
    assert mirrored() == on_screen()
    store.turn(8)
    store.turn(FADE / 2)
    store.turn(FADE)
    assert mirrored() == on_screen()
    store.send(store.show(scene("p", title="いま")))
    assert mirrored() == on_screen()
    assert mirrored()[0] == store.journal[-1]["at_ns"]


def test_an_empty_playlist_takes_the_last_content_off_for_good(
    display: Display, tmp_path: Path, loop: Playlist
) -> None:
    with Store(display, tmp_path).open() as store:
        store.send(loop)
        store.send(Playlist(version="none", items=()))
        assert store.on_screen == ["standing"]
        assert store.played().ended == "withdrawn"
    with Store(display, tmp_path).open() as store:
        hello = store.hear()
        assert isinstance(hello, Hello)
        assert hello.playlist == "none"
        assert (store.journal[-1]["event"], store.journal[-1]["scene"]) == ("shown", "standing")


def test_a_play_tells_why_it_began_and_ended_and_is_told_until_noted(
    store: Store, loop: Playlist, scene: Callable[..., Scene]
) -> None:
    store.send(loop)
    product = Item(id="p1", title="抹茶")
    asked = store.show(scene("p", items=(product,)), trigger_ns=5, carry={"level": 1})
    store.send(asked)
    store.send(Clear(scene="p"))
    plays = [store.played(), store.played()]
    assert [(play.scene, play.cause, play.ended) for play in plays] == [
        ("i0", "schedule", "replaced"),
        ("p", "beacon", "cleared"),
    ]
    assert (plays[1].trigger_ns, plays[1].decided_ns) == (5, asked.decided_ns)
    assert (plays[1].items, plays[1].carry) == (("p1",), {"level": 1})
    assert 0 < plays[1].first_frame_ns <= plays[1].ended_ns
    store.send(Noted(play=plays[0].play))
    with socket.socket(socket.AF_UNIX) as another:
        another.settimeout(10)
        another.connect(str(store.folder / "s"))
        store.turn()
        told = another.recv(1 << 16).splitlines()
        assert [type(for_agent(text)) for text in told] == [Hello, Played]
        assert for_agent(told[1]) == plays[1]


def test_the_curtain_is_nobodys_play(display: Display, tmp_path: Path, scene: Callable[..., Scene]) -> None:
    with Store(display, tmp_path).open() as store:
        assert store.on_screen == ["standing"]
        store.send(store.show(scene("p")))
        store.send(Clear(scene="p"))
        assert store.on_screen == ["standing"]
        assert store.played().scene == "p"
    with Store(display, tmp_path).open() as store:
        assert isinstance(store.hear(), Hello)
        assert store.played().scene == "p"
        assert len(store.proof.waiting()) == 1


def test_scenes_that_were_never_on_the_screen_make_no_play(store: Store, scene: Callable[..., Scene]) -> None:
    store.send(store.show(scene("p")), store.show(scene("q")), Clear(scene="q"), store.show(scene("r")))
    assert [entry["scene"] for entry in store.journal if entry["event"] == "shown"] == ["standing", "r"]


def test_a_withdrawn_item_leaves_at_once_and_the_same_version_changes_nothing(
    store: Store, loop: Playlist, scene: Callable[..., Scene]
) -> None:
    store.send(loop)
    store.send(replace(loop, items=(scene("x"),)))
    assert store.on_screen == ["i0"]
    store.send(replace(loop, version="v2", items=(scene("x"),)))
    assert store.on_screen == ["x"]
    assert store.played().ended == "withdrawn"


@pytest.mark.parametrize("cause", ["beacon", "scan"])
def test_what_is_for_somebody_near_goes_with_its_agent(
    store: Store, loop: Playlist, scene: Callable[..., Scene], cause: str
) -> None:
    store.send(loop, store.show(scene("p", hold_ms=60_000), cause=cause))
    assert store.on_screen == ["p"]
    store.agent.close()
    store.turn()
    assert store.on_screen == ["i0"]


def test_what_is_for_nobody_stays_without_its_agent(store: Store, loop: Playlist, scene: Callable[..., Scene]) -> None:
    store.send(loop, store.show(scene("p", hold_ms=60_000), cause="override"))
    store.agent.close()
    store.turn()
    assert store.on_screen == ["p"]


def test_what_a_new_agent_sends_at_once_stays(store: Store, loop: Playlist, scene: Callable[..., Scene]) -> None:
    store.send(loop, store.show(scene("old", hold_ms=60_000)))
    with socket.socket(socket.AF_UNIX) as new:
        new.connect(str(store.folder / "s"))
        new.sendall(line(store.show(scene("new", hold_ms=60_000))))
        store.turn()
        assert store.on_screen == ["new"]


def test_the_playlist_goes_on_after_a_restart_without_an_agent(
    display: Display, tmp_path: Path, loop: Playlist
) -> None:
    with Store(display, tmp_path).open() as store:
        store.send(loop)
    with Store(display, tmp_path).open() as store:
        hello = store.hear()
        assert isinstance(hello, Hello)
        assert hello.playlist == "v1"
        assert [entry["scene"] for entry in store.journal if entry["event"] == "shown"][-1] == "i0"


def test_the_loop_fades_and_an_interruption_does_not_wait_for_it(
    store: Store, loop: Playlist, scene: Callable[..., Scene]
) -> None:
    store.send(loop)
    old = store.display.snapshot()
    store.turn(8)
    mixed = store.display.snapshot()
    store.turn(FADE)
    new = store.display.snapshot()
    bytes_of = partial(pygame.image.tobytes, format="RGB")
    assert len({bytes_of(old), bytes_of(mixed), bytes_of(new)}) == 3
    store.turn(8)
    store.send(store.show(scene("p", title="いま")))
    cut_in = store.display.snapshot()
    store.turn(FADE)
    assert bytes_of(cut_in) == bytes_of(store.display.snapshot())


def test_when_nothing_moves_there_is_nothing_to_do(display: Display, tmp_path: Path, loop: Playlist) -> None:
    with Store(display, tmp_path, mirrored=False).open() as store:
        store.send(loop)
        store.settle()
        assert store.player.patience() == 8.0
        store.turn(3)
        assert store.player.patience() == 5.0


def test_with_a_mirror_each_turn_is_told_and_there_is_one_every_second(store: Store, loop: Playlist) -> None:
    def told() -> int:
        return int(HEADER.unpack((store.folder / "mirror").read_bytes()[: HEADER.size])[6])

    assert told() > store.display.flipped_ns
    store.send(loop)
    store.settle()
    assert store.player.patience() == 1.0
    for _ in range(3):
        before = told()
        store.player.step(0)
        assert told() > before
    store.turn(7.5)
    assert store.player.patience() == 0.5


@contextmanager
def served(folder: Path) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_picture_that_comes_late_is_put_in(
    store: Store,
    loop: Playlist,
    scene: Callable[..., Scene],
    png: Callable[..., bytes],
    stored: Callable[[Path, bytes], str],
) -> None:
    digest = stored(store.folder / "central", png(60, 60, "blue"))
    store.send(store.show(scene("p", layout="campaign", picture=digest)))
    place = (1000, 600)
    assert store.display.snapshot().get_at(place) != Color("blue")
    with served(store.folder / "central") as source:
        store.send(replace(loop, assets=source))
        while store.display.snapshot().get_at(place) != Color("blue"):
            store.player.step(None)
    assert [entry["scene"] for entry in store.journal if entry["event"] == "shown"] == ["standing", "p"]


def test_the_next_items_picture_is_made_before_it_is_due(
    store: Store, scene: Callable[..., Scene], png: Callable[..., bytes], stored: Callable[[Path, bytes], str]
) -> None:
    digest = stored(store.folder / "assets", png(60, 60, "blue"))
    store.send(Playlist(version="v", items=(scene("a"), scene("b", layout="campaign", picture=digest))))
    store.settle()
    store.turn(8)
    store.turn(FADE)
    assert store.display.snapshot().get_at((1000, 600)) == Color("blue")


def test_a_scene_that_cannot_be_drawn_leaves_the_curtain_and_is_no_play(
    store: Store, loop: Playlist, scene: Callable[..., Scene]
) -> None:
    store.send(loop)
    store.send(store.show(scene("p", title="つまずく")))
    assert store.counts["scenes_undrawable"] == 1
    assert store.on_screen == []
    store.send(store.show(scene("q")))
    assert store.on_screen == ["q"]
    assert [store.played().scene, store.on_screen] == ["i0", ["q"]]


def test_a_snapshot_is_what_is_on_the_screen(store: Store) -> None:
    store.player.snapshot()
    store.turn()
    store.player.finish()
    saved = pygame.image.load(store.folder / "screen.png")
    assert pygame.image.tobytes(saved, "RGB") == pygame.image.tobytes(store.display.snapshot(), "RGB")
    assert (store.folder / "screen.png").stat().st_mode & 0o777 == 0o600


def slot(campaign: str, *scenes: str, seconds: int = 8, **changes: Any) -> Slot:
    return Slot(campaign=campaign, turns=tuple(Turn(scene=name, seconds=seconds) for name in scenes), **changes)


def part(begins: str, ends: str) -> tuple[When, ...]:
    return (When(parts=(DayPart(begins=begins, ends=ends),)),)


def test_a_play_says_what_it_is_proof_of_with_names_as_they_were(
    store: Store, loop: Playlist, scene: Callable[..., Scene]
) -> None:
    cake = Item(id="p1", title="いちご大福", price="¥240")
    items = (*loop.items, scene("s-ja", title="春のいちご", items=(cake,), content="s"))
    slots = (slot("loop", "i0", "i1", priority=0), slot("spring", "s-ja"))
    store.send(replace(loop, items=items, slots=slots))
    assert store.on_screen == ["s-ja"]
    store.send(store.show(scene("p", title="さくらさん", items=(cake,), campaign="gold", content="g")))
    store.send(Clear(scene="p"))
    first, second = store.played(), store.played()
    assert (first.content, first.campaign, first.names) == ("s", "spring", ("春のいちご", "いちご大福"))
    assert first.wall == NOON
    assert (second.content, second.campaign, second.names) == ("g", "gold", ("いちご大福",))
    assert "さくら" not in str(store.proof.waiting())


def test_a_play_in_the_loop_is_of_no_campaign(store: Store, loop: Playlist) -> None:
    store.send(replace(loop, slots=(slot("loop", "i0", "i1", priority=0),)))
    store.turn(8)
    play = store.played()
    assert (play.scene, play.campaign, play.region, play.late) == ("i0", None, "main", 0)


def test_an_emergency_hides_even_what_is_for_somebody_and_refuses_the_next(
    store: Store, loop: Playlist, scene: Callable[..., Scene]
) -> None:
    calm = (slot("loop", "i0", "i1", priority=0),)
    store.send(replace(loop, slots=calm))
    store.send(store.show(scene("p", hold_ms=60_000)))
    quake = scene("quake", layout="emergency", title="地震です")
    alarm = replace(
        loop, version="v2", items=(*loop.items, quake), slots=(*calm, slot("quake", "quake", emergency=True))
    )
    store.send(alarm)
    assert store.on_screen == ["quake"]
    assert store.journal[-1]["cause"] == "override"
    seen = store.display.checksum()
    store.send(store.show(scene("q", title="すみれさん")))
    assert (store.on_screen, store.counts["shows_refused"], store.display.checksum()) == (["quake"], 1, seen)
    store.send(replace(loop, version="v3", slots=calm))
    assert store.on_screen == ["i0"]
    told = {play.scene: play for play in (store.played() for _ in range(3))}
    assert {name: play.ended for name, play in told.items()} == {
        "i0": "replaced",
        "p": "replaced",
        "quake": "withdrawn",
    }
    assert (told["quake"].cause, told["quake"].names) == ("override", ("地震です",))


def test_parts_of_the_screen_play_by_themselves_and_are_proved_each(
    store: Store, loop: Playlist, scene: Callable[..., Scene]
) -> None:
    side = scene("side", title="横", hold_ms=3000)
    other = scene("other", title="別", hold_ms=3000)
    regions = (
        Region(region="main", at=(0, 0, 700, 900), shows="main"),
        Region(region="right", at=(700, 0, 300, 900), shows="list", scenes=("side", "other")),
        Region(region="news", at=(0, 900, 700, 100), shows="ticker", scenes=("side",)),
        Region(region="time", at=(700, 900, 300, 100), shows="clock"),
    )
    slots = (slot("loop", "i0", "i1", priority=0),)
    store.send(replace(loop, items=(*loop.items, side, other), regions=regions, slots=slots))
    assert sorted(store.on_screen) == ["i0", "side"]
    store.turn(3)
    assert sorted(store.on_screen) == ["i0", "other"]
    store.send(store.show(scene("p", title="いま")))
    assert store.on_screen == ["p"]
    store.send(Clear(scene="p"))
    assert sorted(store.on_screen) == ["i0", "other"]
    told = [store.played() for _ in range(4)]
    assert {(play.scene, play.region, play.ended) for play in told} == {
        ("side", "right", "over"),
        ("i0", "main", "replaced"),
        ("other", "right", "replaced"),
        ("p", "main", "cleared"),
    }


def test_a_day_part_ends_by_the_agents_clock_not_by_the_machines(store: Store, loop: Playlist) -> None:
    slots = (slot("loop", "i0", "i1", priority=0), slot("lunch", "i2", when=part("11:00", "13:00"), seconds=3000))
    store.send(replace(loop, slots=slots))
    assert store.on_screen == ["i2"]
    store.send(Now(wall=NOON + 7200, at_ns=round(store.now * 1e9)))
    assert store.on_screen == ["i0"]
    assert store.played().ended == "withdrawn"
    store.turn(8)
    assert store.played().wall == NOON + 7200


def test_time_does_not_go_back_over_a_restart(display: Display, tmp_path: Path, loop: Playlist) -> None:
    with Store(display, tmp_path).open() as store:
        store.send(Now(wall=NOON + 86_400, at_ns=round(store.now * 1e9)), loop)
        store.turn(8)
        store.played()
    with Store(display, tmp_path).open() as store:
        assert store.wall.seconds(store.now) == NOON + 86_400 + 8


def test_what_was_played_before_a_restart_counts_in_the_hour(display: Display, tmp_path: Path, loop: Playlist) -> None:
    slots = (slot("loop", "i0", "i1", priority=0), slot("rare", "i2", per_hour=1))
    with Store(display, tmp_path).open() as store:
        store.send(replace(loop, slots=slots))
        assert store.on_screen == ["i2"]
    with Store(display, tmp_path).open() as store:
        assert store.on_screen[-1] in ("i0", "i1")


def test_outside_the_weeks_hours_the_screen_is_black_and_nothing_is_proved(
    display: Display, tmp_path: Path, loop: Playlist, scene: Callable[..., Scene]
) -> None:
    def colours(store: Store) -> set[tuple[int, ...]]:
        picture = store.display.snapshot()
        return {tuple(picture.get_at((x, y)))[:3] for x in range(0, 1280, 160) for y in range(0, 720, 90)}

    with Store(display, tmp_path, hours=part("11:00", "12:01")).open() as store:
        store.send(loop)
        assert len(colours(store)) > 1
        store.turn(60)
        assert (store.on_screen, colours(store)) == ([], {(0, 0, 0)})
        assert store.played().ended == "stopped"
        store.send(store.show(scene("p")))
        assert (store.on_screen, store.counts["shows_refused"]) == ([], 1)
        assert store.player.patience() > 0
        store.send(Order(order="on"))
        assert len(store.on_screen) == 1
        assert len(colours(store)) > 1
        store.send(Order(order="auto"))
        assert colours(store) == {(0, 0, 0)}


def seen_from_afar(store: Store, name: str) -> Surface:
    store.send(Snapshot(snapshot=name))
    while not isinstance(heard := store.hear(), Picture):
        store.now += 0.1
    assert heard.snapshot == name
    return pygame.image.load(io.BytesIO(heard.png), "seen.png")


def test_a_snapshot_from_afar_shows_all_parts_of_the_screen(
    store: Store, loop: Playlist, scene: Callable[..., Scene]
) -> None:
    regions = (
        Region(region="main", at=(0, 0, 700, 900), shows="main"),
        Region(region="right", at=(700, 0, 300, 900), shows="list", scenes=("i2",)),
        Region(region="news", at=(0, 900, 700, 100), shows="ticker", scenes=("i1",)),
        Region(region="time", at=(700, 900, 300, 100), shows="clock"),
    )
    store.send(replace(loop, regions=regions))
    seen = seen_from_afar(store, "one")
    width, height = seen.get_size()
    for x, y, wide, high in (region.at for region in regions):
        place = pygame.Rect(x * width // 1000, y * height // 1000, wide * width // 1000, high * height // 1000)
        part = pygame.image.tobytes(seen.subsurface(place.clip(seen.get_rect())), "RGB")
        assert len(set(zip(part[::3], part[1::3], part[2::3], strict=True))) > 2


def test_a_snapshot_from_afar_shows_nothing_nothing_of_anybody(
    store: Store, loop: Playlist, scene: Callable[..., Scene]
) -> None:
    asked = partial(seen_from_afar, store)
    store.send(loop, store.show(scene("p", layout="greeting", title="さくらさん", hold_ms=60_000)))
    first = asked("one")
    assert first.get_size() == (640, 360)
    store.send(store.show(scene("q", layout="greeting", title="すみれさん", hold_ms=60_000)))
    assert pygame.image.tobytes(first, "RGB") == pygame.image.tobytes(asked("two"), "RGB")
    store.send(Clear(scene="q"))
    assert pygame.image.tobytes(first, "RGB") != pygame.image.tobytes(asked("three"), "RGB")


def test_an_order_to_restart_ends_the_player(store: Store) -> None:
    store.send(Order(order="restart"))
    store.player.run(None)  # It comes back at once.
    assert store.on_screen == []


def test_how_the_player_is_is_told_once_a_minute(store: Store, loop: Playlist) -> None:
    store.send(loop)
    store.turn(59)
    store.turn(1)
    while not isinstance(told := store.hear(), Vitals):
        pass
    assert (told.connected, told.powered, told.troubles) == (True, True, ())
    assert "dummy" in told.driver


class Frozen(Display):
    """Takes every picture and shows none of them."""

    def checksum(self) -> int:
        return 7


class Noting(Assets):
    """Keeps what it is to fetch."""

    def follow(
        self, source: str, wanted: Iterable[str], trust: str = "", sizes: Mapping[str, int] | None = None
    ) -> None:
        self.followed = list(wanted)
        super().follow(source, self.followed, trust, sizes)


class Stretched(Display):
    """Another screen is plugged in."""

    def stretch(self, width: int, height: int) -> None:
        self._panel = width, height
        self.opened += 1


def test_a_screen_that_hangs_ends_the_player(tmp_path: Path, loop: Playlist, display: Display) -> None:
    with (
        Frozen(DisplayConfig(mode="headless", width=640, height=360)) as frozen,
        Store(frozen, tmp_path, mirrored=False).open() as store,
    ):
        store.send(loop)

        def play() -> None:
            for _ in range(20):
                store.turn(8)

        with pytest.raises(ScreenHangs, match="same picture"):
            play()


def test_a_screen_on_which_things_change_does_not_hang(store: Store, loop: Playlist) -> None:
    store.send(loop)
    for _ in range(40):
        store.turn(8)
        store.turn(FADE)


def test_files_of_films_are_fetched_too_and_what_no_manifest_lists_is_said(
    store: Store, loop: Playlist, scene: Callable[..., Scene]
) -> None:
    film = scene("f", film="a" * 64, picture="b" * 64)
    store.send(replace(loop, items=(film,), sizes={"b" * 64: 10}, assets="http://127.0.0.1:9"))
    assert store.counts["files_unlisted"] == 1
    store.turn(60)
    while not isinstance(told := store.hear(), Vitals):
        pass
    assert "manifest" in str(told.troubles)


def test_a_loop_of_scenes_that_look_alike_or_are_always_met_at_the_same_one_is_no_hang(
    store: Store, loop: Playlist, scene: Callable[..., Scene]
) -> None:
    twins = (scene("a", hold_ms=3700, link="https://a.example/1"), scene("b", hold_ms=3300, link="https://a.example/1"))
    beats = (scene("c", title="一", hold_ms=5000), scene("d", title="二", hold_ms=5000))
    for version, items in (("twins", twins), ("beats", beats)):
        store.send(replace(loop, version=version, items=items))
        for _ in range(400):
            store.turn(0.25)


@pytest.mark.parametrize("shows", ["main", "list", "clock", "ticker"])
def test_a_part_of_no_size_or_one_pixel_ends_nothing(store: Store, loop: Playlist, shows: Any) -> None:
    main = Region(region="main", at=(0, 0, 1000, 900), shows="main")
    for number, at in enumerate(((1000, 1000, 1, 1), (999, 999, 1, 1), (0, 999, 1000, 1), (0, 0, 1, 1000))):
        odd = Region(region="odd", at=at, shows=shows, scenes=("i0", "i1"))
        store.send(replace(loop, version=f"odd{number}", regions=(main, odd)))
        store.turn(9)
        assert store.on_screen or shows == "main"  # The odd one takes the only slots there are.


def test_a_screen_with_a_clock_alone_is_not_black_and_goes_off_and_on(store: Store, loop: Playlist) -> None:
    def colours() -> set[tuple[int, ...]]:
        picture = store.display.snapshot()
        return {tuple(picture.get_at((x, y))) for x in range(0, 1280, 9) for y in range(0, 720, 9)}

    clock = Region(region="clock", at=(0, 0, 1000, 1000), shows="clock")
    store.send(replace(loop, regions=(clock,)))
    assert len(colours()) > 2
    store.send(Order(order="off"))
    assert colours() == {(0, 0, 0, 255)}
    store.send(Order(order="on"))
    assert len(colours()) > 2


def test_a_list_whose_last_scene_is_withdrawn_leaves_the_screen(
    store: Store, loop: Playlist, scene: Callable[..., Scene]
) -> None:
    main = Region(region="main", at=(0, 0, 1000, 500), shows="main")
    side = Region(region="side", at=(0, 500, 1000, 500), shows="list", scenes=("side",))
    slots = (slot("loop", "i0", priority=0),)
    whole = replace(loop, regions=(main, side), slots=slots)

    def below() -> set[tuple[int, ...]]:
        picture = store.display.snapshot()
        return {tuple(picture.get_at((x, y))) for x in range(0, 1280, 3) for y in range(370, 720, 3)}

    store.send(replace(whole, items=(*loop.items, scene("side"))))
    assert len(below()) > 1
    store.send(replace(whole, version="v2"))
    assert len(below()) == 1


def test_an_emergency_switches_the_display_on_and_afterwards_off_again(
    store: Store, loop: Playlist, scene: Callable[..., Scene]
) -> None:
    calm = replace(loop, slots=(slot("loop", "i0", priority=0),))
    store.send(calm, Order(order="off"))
    assert store.on_screen == []
    quake = scene("quake", layout="emergency", title="地震です")
    store.send(
        replace(
            calm,
            version="v2",
            items=(*loop.items, quake),
            slots=(*calm.slots, slot("quake", "quake", emergency=True)),
        )
    )
    assert store.on_screen == ["quake"]
    store.send(replace(calm, version="v3"))
    assert store.on_screen == []


def test_an_agent_is_told_when_another_display_has_another_size(
    tmp_path: Path, loop: Playlist, display: Display
) -> None:
    other = Stretched(DisplayConfig(mode="headless", width=640, height=360))
    with (
        other,
        Store(other, tmp_path, mirrored=False).open() as store,
    ):
        store.send(loop)
        assert isinstance(store.hear(), Hello)
        other.stretch(360, 640)
        store.turn(1)
        told = store.hear()
        assert isinstance(told, Hello)
        assert (told.width, told.height, told.playlist) == (360, 640, "v1")
        store.turn(1)
        assert store.player.counts["frames"] > 0


def test_files_that_are_only_for_tomorrow_are_fetched_last(
    store: Store, loop: Playlist, scene: Callable[..., Scene]
) -> None:
    tomorrow, today, product = "a" * 64, "b" * 64, "c" * 64
    items = (scene("later", picture=tomorrow), scene("now", picture=today))
    slots = (slot("later", "later", when=part("02:00", "03:00")), slot("loop", "now", priority=0))
    store.player.assets = assets = Noting(store.folder / "assets", store.counts)
    store.send(replace(loop, items=items, slots=slots, wanted=(product, tomorrow)))
    assert list(dict.fromkeys(assets.followed)) == [today, product, tomorrow]


def test_a_play_that_was_interrupted_counts_once_in_its_hour_after_a_restart(
    display: Display, tmp_path: Path, loop: Playlist, scene: Callable[..., Scene]
) -> None:
    slots = (slot("loop", "i0", priority=0), slot("now", "i1", seconds=60, per_hour=2))
    with Store(display, tmp_path).open() as store:
        store.send(replace(loop, slots=slots))
        for _ in range(3):
            store.turn(2)
            store.send(store.show(scene("p")), Clear(scene="p"))
        assert store.on_screen == ["i1"]
    with Store(display, tmp_path).open() as store:
        assert store.on_screen[-1] == "i1"
