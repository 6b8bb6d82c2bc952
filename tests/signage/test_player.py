"""The player's loop, turn by turn, with a real socket, real files and a clock of our own."""

from __future__ import annotations

import json
import selectors
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pygame
import pytest
from pygame import Color, Surface

from signage import storage
from signage.assets import Assets
from signage.bell import Bell
from signage.config import Theme
from signage.contract import (
    Clear,
    Hello,
    Item,
    Noted,
    Played,
    Playlist,
    Scene,
    Show,
    ToAgent,
    ToPlayer,
    for_agent,
    line,
)
from signage.display import Display
from signage.journal import Journal
from signage.link import Link
from signage.mirror import HEADER, Mirror
from signage.pictures import Pictures
from signage.player import Player
from signage.playlist import Programme
from signage.proof import Proof
from signage.stage import FADE, STANDING, Stage
from signage.text import Align, Block, Typesetter


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

    def __init__(self, display: Display, folder: Path, *, mirrored: bool = True) -> None:
        self.display = display
        self.mirror = folder / "mirror" if mirrored else None
        self.folder = folder
        self.now = 100.0
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
            self.player = Player(
                screen="front",
                display=self.display,
                stage=Stage(self.display, self.pictures, typesetter, Theme(), self.counts),
                programme=Programme(STANDING, self.now),
                selector=selector,
                link=link,
                proof=self.proof,
                assets=assets,
                journal=open_.enter_context(Journal(self.folder / "journal", "front", self.counts)),
                mirror=open_.enter_context(Mirror(self.mirror, self.counts)),
                picture=self.folder / "screen.png",
                counts=self.counts,
                clock=lambda: self.now,
            )
            self.player.begin(store.playlist())
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
        assert store.played().ended == "replaced"
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
    assert store.played().ended == "replaced"


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
