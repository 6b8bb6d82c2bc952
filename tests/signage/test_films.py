"""Films: pictures in time, paused and resumed to the picture, turned; broken files and dead decoders harm nobody."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from film_files import film as make_film
from film_files import held_upright
from pygame import Surface

from signage.assets import Assets
from signage.decoder import FRAME, PICTURE, Unplayable, pictures
from signage.decoding import Broken, Decoder
from signage.display import Display
from signage.films import Film, Films

TREE = Path(__file__).parent.parent.parent
RATE = 32
"""Pictures a second: their times are exact in binary."""


@pytest.fixture
def assets(tmp_path: Path, counts: Counter[str]) -> Iterator[Assets]:
    with Assets(tmp_path / "assets", counts) as assets:
        yield assets


@pytest.fixture
def films(assets: Assets, counts: Counter[str], display: Display) -> Iterator[Films]:
    with Films(assets, counts) as films:
        yield films


@pytest.fixture
def kept(tmp_path: Path, stored: Callable[[Path, bytes], str]) -> Callable[..., str]:
    """Make a film, keep it among the assets, and give its hash."""

    def keep(**given: object) -> str:
        return stored(tmp_path / "assets", make_film(tmp_path / "made.mp4", **given).read_bytes())  # type: ignore[arg-type]

    return keep


def decoders() -> list[psutil.Process]:
    """The decoders that this process has started and not buried."""
    return [child for child in psutil.Process().children() if "signage.decoder" in " ".join(child.cmdline())]


def waited(film: Film, now: float) -> Surface | None:
    """Wait for what there is to be shown at this time: a picture, or nothing because the film is over or failed."""
    while (picture := film.frame(now)) is None and not film.failed and not film.over:
        os.sched_yield()
    return picture


def ahead(film: Film, now: float) -> None:
    """Wait until the next picture lies ready, or the film has none any more; at this time none is due."""
    while not film._ready and math.isinf(film._ends):
        assert film.frame(now) is None
        assert not film.failed
        os.sched_yield()


def looked_for(film: Film) -> None:
    """Wait until its file was looked for."""
    while film._starting:
        os.sched_yield()


def until_failed(film: Film, now: float) -> None:
    while not film.failed:
        film.frame(now)
        os.sched_yield()


def number(picture: Surface | None) -> int:
    """Which picture of the film it is, by its grey: 16 + 5n on a scale from 16 to 235."""
    assert picture is not None
    return round(picture.get_at((20, 20)).g * 219 / 255 / 5)


def test_each_picture_comes_when_it_is_due_and_the_last_stays(films: Films, kept: Callable[..., str]) -> None:
    film = films.open(kept(pictures=20, sound=True), (64, 48))
    seen = [number(waited(film, 100.0))]
    now = 100.0
    while not film.over:
        ahead(film, now)
        now = due = film.due() or 0.0
        picture = film.frame(due)
        if picture is not None:
            assert due == pytest.approx(100 + number(picture) / RATE)
            seen.append(number(picture))
    assert seen == list(range(20))
    assert (film.late, film.failed) == (0, False)
    assert film.due() is None
    assert film.frame(200.0) is None


def test_nothing_is_due_between_two_pictures(films: Films, kept: Callable[..., str]) -> None:
    film = films.open(kept(), (64, 48))
    waited(film, 50.0)
    assert film.frame(50 + 0.875 / RATE) is None
    assert number(waited(film, 50 + 1 / RATE)) == 1


def test_it_begins_with_its_first_look_however_long_ago_it_was_prepared(films: Films, kept: Callable[..., str]) -> None:
    film = films.open(kept(), (64, 48))
    assert film.due() is not None
    assert number(waited(film, 7000.0)) == 0
    assert film.late == 0


def test_paused_it_stands_still_and_goes_on_with_the_very_next_picture(films: Films, kept: Callable[..., str]) -> None:
    film = films.open(kept(), (64, 48))
    waited(film, 10.0)
    waited(film, 10 + 1 / RATE)
    film.pause(10 + 1.25 / RATE)
    film.pause(11.0)
    assert film.frame(500.0) is None
    assert film.due() is None
    film.resume(1000.0)
    film.resume(2000.0)
    assert film.frame(1000 + 0.5 / RATE) is None
    assert number(waited(film, 1000 + 0.75 / RATE)) == 2
    assert film.late == 0


def test_paused_before_its_first_picture_it_begins_when_it_is_resumed(films: Films, kept: Callable[..., str]) -> None:
    film = films.open(kept(), (64, 48))
    film.pause(1.0)
    assert film.frame(2.0) is None
    film.resume(3.0)
    assert number(waited(film, 3.0)) == 0


def test_what_was_not_looked_at_in_time_is_left_out_and_counted(films: Films, kept: Callable[..., str]) -> None:
    film = films.open(kept(pictures=60), (64, 48))
    waited(film, 0.0)
    while film.due() != pytest.approx(1 / RATE) or len(film._ready) < 7:  # All that fits is there.
        film.frame(0.0)
        os.sched_yield()
    assert number(film.frame(3 / RATE)) == 3
    assert film.late == 2
    assert number(waited(film, 4 / RATE + 1 / 64)) == 4  # Not later than the next frame of the screen.
    assert film.late == 2
    assert number(waited(film, 5 / RATE + 1 / 32 - 1 / 128)) == 5
    assert film.late == 3


def test_a_film_that_hangs_back_goes_on_from_where_it_is(films: Films, kept: Callable[..., str]) -> None:
    film = films.open(kept(pictures=60), (64, 48))
    waited(film, 0.0)
    shown = number(waited(film, 60.0))
    late = film.late
    assert 1 <= late == shown <= 7  # No more than was held ready, but not the whole minute.
    assert number(waited(film, 60 + 1 / RATE)) == shown + 1
    assert film.late == late


@pytest.mark.parametrize(("rotate", "white"), [(0, (10, 10)), (90, (37, 10)), (180, (53, 37)), (270, (10, 53))])
def test_pictures_are_turned_clockwise(
    rotate: int,
    white: tuple[int, int],
    assets: Assets,
    counts: Counter[str],
    display: Display,
    kept: Callable[..., str],
) -> None:
    with Films(assets, counts, rotate) as films:
        picture = waited(films.open(kept(corner=True), (64, 48)), 0.0)
        assert picture is not None
        width, height = picture.get_size()
        assert (width, height) == ((64, 48) if rotate % 180 == 0 else (48, 64))
        assert picture.get_at(white).g > 240
        assert picture.get_at((width - 1 - white[0], height - 1 - white[1])).g < 20


def test_a_film_held_upright_stands_upright(films: Films, tmp_path: Path, stored: Callable[[Path, bytes], str]) -> None:
    made = held_upright(make_film(tmp_path / "phone.mp4", corner=True))
    picture = waited(films.open(stored(tmp_path / "assets", made.read_bytes()), (48, 64)), 0.0)
    assert picture is not None
    assert picture.get_at((37, 10)).g > 240
    assert picture.get_at((10, 53)).g < 20


@pytest.mark.parametrize("size", [(64, 48), (33, 77), (641, 121)])
def test_it_fills_any_size(size: tuple[int, int], films: Films, kept: Callable[..., str]) -> None:
    picture = waited(films.open(kept(), size), 0.0)
    assert picture is not None
    assert picture.get_size() == size
    assert {picture.get_at((x, y))[:3] for x in (0, size[0] - 1) for y in (0, size[1] - 1)} == {(0, 0, 0)}


def test_the_last_picture_outlives_the_film(films: Films, kept: Callable[..., str]) -> None:
    film = films.open(kept(corner=True), (64, 48))
    picture = waited(film, 0.0)
    film.close()
    film.close()
    assert picture is not None
    assert picture.get_at((5, 5)).g > 240
    assert film.frame(1.0) is None
    assert film.due() is None


def test_a_killed_decoder_is_a_failed_film(films: Films, kept: Callable[..., str], counts: Counter[str]) -> None:
    film = films.open(kept(pictures=200), (64, 48))
    waited(film, 0.0)
    [decoder] = decoders()
    decoder.kill()
    until_failed(film, 0.0)
    assert film.due() is None
    assert film.frame(1.0) is None
    assert counts["films_failed"] == 1


def test_a_decoder_that_hangs_is_a_failed_film(
    films: Films, kept: Callable[..., str], counts: Counter[str], caplog: pytest.LogCaptureFixture
) -> None:
    film = films.open(kept(pictures=200), (64, 48))
    waited(film, 0.0)
    [decoder] = decoders()
    decoder.suspend()
    now = 1 / RATE
    while film.frame(now) is not None or film._ready:
        now += 1 / RATE
    film.pause(now)
    film.resume(now + 100)
    assert film.frame(now + 100) is None
    assert film.frame(now + 109) is None
    assert counts["films_failed"] == 0
    until_failed(film, now + 111)
    assert caplog.records[-1].fields["why"] == "its decoder hangs"  # type: ignore[attr-defined]


def test_closing_leaves_no_process(
    assets: Assets, counts: Counter[str], display: Display, kept: Callable[..., str]
) -> None:
    digest = kept(pictures=200)
    with Films(assets, counts) as films:
        for _ in range(5):
            films.open(digest, (64, 48)).close()  # Also before its decoder is there.
        left = films.open(digest, (64, 48))
        waited(left, 0.0)
        assert len(decoders()) == 1
    assert decoders() == []
    assert counts["films_failed"] == 0


def test_only_a_few_are_open_at_once(films: Films, kept: Callable[..., str], counts: Counter[str]) -> None:
    digest = kept()
    opened = [films.open(digest, (64, 48)) for _ in range(5)]
    assert [film.failed for film in opened] == [False] * 4 + [True]
    opened[0].close()
    assert not films.open(digest, (64, 48)).failed
    assert counts["films_failed"] == 1


def test_a_film_whose_file_comes_later_plays_then(films: Films, tmp_path: Path, kept: Callable[..., str]) -> None:
    digest = kept()
    file, away = tmp_path / "assets" / digest, tmp_path / "away"
    file.rename(away)
    film = films.open(digest, (64, 48))
    looked_for(film)
    assert film.frame(0.0) is None
    looked_for(film)
    away.rename(file)
    assert film.frame(0.5) is None
    assert film.due() == 1.0
    assert number(waited(film, 1.0)) == 0


def test_a_spoiled_file_is_not_played(
    films: Films, tmp_path: Path, kept: Callable[..., str], counts: Counter[str]
) -> None:
    digest = kept()
    file = tmp_path / "assets" / digest
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    film = films.open(digest, (64, 48))
    looked_for(film)
    assert film.frame(0.0) is None
    assert not film.failed
    assert counts["files_spoiled"] == 1


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "neither MP4 nor Matroska"),
        (b"#EXTM3U\nfile:///etc/passwd\n", "neither MP4 nor Matroska"),
        (b"\0\0\0\x18ftypisom" + b"\xff" * 500, ""),
        (b"\x1a\x45\xdf\xa3" + b"\0" * 500, ""),
    ],
)
def test_what_is_no_film_fails_with_its_reason(
    data: bytes,
    why: str,
    films: Films,
    tmp_path: Path,
    stored: Callable[[Path, bytes], str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    film = films.open(stored(tmp_path / "assets", data), (64, 48))
    until_failed(film, 0.0)
    assert why in caplog.records[-1].fields["why"]  # type: ignore[attr-defined]


def test_a_truncated_film_plays_what_there_is_and_fails_or_ends(
    films: Films, tmp_path: Path, stored: Callable[[Path, bytes], str]
) -> None:
    data = make_film(tmp_path / "made.mkv", pictures=90, size=(320, 240)).read_bytes()
    film = films.open(stored(tmp_path / "assets", data[: len(data) // 2]), (64, 48))
    now, shown = 0.0, 1
    assert number(waited(film, now)) == 0
    while not film.failed and not film.over:
        now = film.due() or now
        shown += film.frame(now) is not None
        os.sched_yield()
    assert shown + film.late < 90


@pytest.mark.parametrize(("codec", "why"), [("mpeg4", "coded in mpeg4"), ("mpeg2video", "coded in mpeg2video")])
def test_what_is_not_checked_at_import_is_not_decoded(codec: str, why: str, tmp_path: Path) -> None:
    with make_film(tmp_path / "made.mp4", codec=codec).open("rb") as file, pytest.raises(Unplayable, match=why):
        next(pictures(file, (64, 48), 0))


def test_a_decoder_can_open_nothing_and_ends_with_its_player(tmp_path: Path) -> None:
    """A player that is killed while its film runs: nothing of the film is left."""
    path = make_film(tmp_path / "made.mp4", pictures=300)
    player = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, time\nfrom pathlib import Path\nfrom collections import deque\n"
            "from signage.decoding import Decoder\n"
            "decoder = Decoder(Path(sys.argv[1]), (64, 48), 0)\nready = deque()\n"
            "while not ready: decoder.listen(ready)\n"
            "print(decoder._process.pid, flush=True)\nsys.stdin.read()",
            str(path),
        ],
        cwd=TREE,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert player.stdout is not None
    try:
        lines = (line for line in player.stdout if line.strip().isdigit())
        decoder = psutil.Process(int(next(lines)))
        assert decoder.rlimit(psutil.RLIMIT_NOFILE) == (0, 0)
        assert decoder.rlimit(psutil.RLIMIT_FSIZE) == (0, 0)
        assert decoder.nice() == 2
        player.send_signal(signal.SIGKILL)
        psutil.wait_procs([decoder])
        assert not decoder.is_running() or decoder.status() == psutil.STATUS_ZOMBIE
    finally:
        player.kill()
        player.communicate()


@pytest.mark.parametrize(
    "said",
    [
        FRAME.pack(PICTURE, 99, 0.0),
        FRAME.pack(PICTURE, 0, float("nan")),
        FRAME.pack(PICTURE, 0, float("inf")),
        FRAME.pack(PICTURE, 0, -1.0),
        FRAME.pack(b"?", 0, 0.0),
        b"P",
        b"X\xff\xff",
        b"",
    ],
)
def test_a_decoder_that_talks_nonsense_is_broken(said: bytes, tmp_path: Path, display: Display) -> None:
    import socket
    from collections import deque

    decoder = Decoder(make_film(tmp_path / "made.mp4", pictures=2), (64, 48), 0)
    try:
        decoder._control.close()
        decoder._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        decoder._control.setblocking(False)
        with theirs:
            if said:
                theirs.send(said)
        with pytest.raises(Broken):
            decoder.listen(deque())
    finally:
        decoder.kill()
        decoder.bury()
