"""Fetching pictures from a real HTTP server that answers well, badly, late or not at all."""

from __future__ import annotations

import hashlib
import ipaddress
import os
import queue
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from edge_disk import disk

from signage.assets import Assets

GOOD = b"a picture" * 1000
HASH = hashlib.sha256(GOOD).hexdigest()
OTHER = hashlib.sha256(b"other").hexdigest()


class Source:
    """Answers each path with what is left in its list, the last answer again and again."""

    def __init__(self) -> None:
        self.answers: dict[str, list[tuple[int, bytes]]] = {}
        self.asked: list[str] = []
        self.ranges: list[str | None] = []
        self.resumes = True

    @contextmanager
    def open(self, tls: ssl.SSLContext | None = None) -> Iterator[str]:
        source = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name = self.path.rpartition("/")[2]
                source.asked.append(name)
                answers = source.answers.get(name, [(404, b"")])
                status, body = answers.pop(0) if len(answers) > 1 else answers[0]
                said = self.headers.get("Range")
                source.ranges.append(said)
                length = len(GOOD)
                if said and status == 200 and source.resumes:
                    begin = int(said.removeprefix("bytes=").removesuffix("-"))
                    status, body, length = 206, body[begin:], length - begin
                self.send_response(status)
                if status == 206:
                    self.send_header("Content-Range", f"bytes {len(GOOD) - length}-{len(GOOD) - 1}/{len(GOOD)}")
                self.send_header("Content-Length", str(length if status in (200, 206) else 0))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *words: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}/files"
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


def usage(is_root: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_root,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_root,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def certified(folder: Path) -> tuple[ssl.SSLContext, str]:
    """A server for localhost whose certificate ran out long ago, and the root that vouches for it."""
    key, root_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root, localhost = (x509.Name.from_rfc4514_string(f"CN={name}") for name in ("Root", "localhost"))
    long_ago = datetime(1999, 1, 1, tzinfo=UTC)

    def made(subject: x509.Name, public: ec.EllipticCurvePublicKey, is_root: bool) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder(root, subject, public, x509.random_serial_number())
            .not_valid_before(long_ago)
            .not_valid_after(long_ago + timedelta(days=90))
            .add_extension(x509.BasicConstraints(ca=is_root, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False)
            .add_extension(usage(is_root), critical=True)
        )

    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    own = made(localhost, key.public_key(), is_root=False).add_extension(names, critical=False)
    file = folder / "server.pem"
    file.write_bytes(
        own.sign(root_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(file)
    signed = made(root, root_key.public_key(), is_root=True).sign(root_key, hashes.SHA256())
    return tls, signed.public_bytes(serialization.Encoding.PEM).decode()


@pytest.fixture
def source() -> Source:
    return Source()


@contextmanager
def opened(folder: Path, counts: Counter[str], **given: object) -> Iterator[tuple[Assets, queue.Queue[str]]]:
    """Assets that do not wait long, and the digests that arrive."""
    arrived: queue.Queue[str] = queue.Queue()
    with Assets(folder, counts, patience=(0.01, 0.02), **given) as assets:  # type: ignore[arg-type]
        assets.on_arrival(arrived.put)
        yield assets, arrived


def test_what_is_followed_is_fetched_in_order_and_kept(tmp_path: Path, counts: Counter[str], source: Source) -> None:
    source.answers = {HASH: [(200, GOOD)]}
    with source.open() as url, opened(tmp_path, counts) as (assets, arrived):
        assets.follow(url, [HASH])
        assert arrived.get(timeout=10) == HASH
        assert assets.read(HASH) == GOOD
    assert sorted(path.name for path in tmp_path.iterdir()) == [HASH]


@pytest.mark.parametrize(
    "bad",
    [(200, b"b" * len(GOOD)), (404, b""), (500, b""), (200, GOOD[:100])],
    ids=["another file", "not there yet", "a server in trouble", "a connection cut"],
)
def test_a_bad_answer_is_never_used_and_asked_again(
    bad: tuple[int, bytes], tmp_path: Path, counts: Counter[str], source: Source
) -> None:
    source.answers = {HASH: [bad, (200, GOOD)]}
    with source.open() as url, opened(tmp_path, counts) as (assets, arrived):
        assets.follow(url, [HASH])
        assert arrived.get(timeout=10) == HASH
        assert assets.read(HASH) == GOOD
    assert counts["asset_failures"] == 1
    assert source.asked == [HASH, HASH]


def test_one_file_that_is_refused_holds_up_no_other(tmp_path: Path, counts: Counter[str], source: Source) -> None:
    source.answers = {HASH: [(200, GOOD)]}
    with source.open() as url, opened(tmp_path, counts) as (assets, arrived):
        assets.follow(url, [OTHER, HASH])
        assert arrived.get(timeout=10) == HASH


def test_a_spoiled_file_is_fetched_again(tmp_path: Path, counts: Counter[str], source: Source) -> None:
    source.answers = {HASH: [(200, GOOD)]}
    with source.open() as url, opened(tmp_path, counts) as (assets, arrived):
        assets.follow(url, [HASH])
        arrived.get(timeout=10)
        (tmp_path / HASH).write_bytes(GOOD[:50])
        assert assets.read(HASH) is None
        assert arrived.get(timeout=10) == HASH
        assert assets.read(HASH) == GOOD
    assert counts["files_spoiled"] == 1


def test_what_a_scene_needs_comes_before_what_is_fetched_ahead(
    tmp_path: Path, counts: Counter[str], source: Source
) -> None:
    ahead = [hashlib.sha256(bytes([number])).hexdigest() for number in range(50)]
    source.answers = {HASH: [(200, GOOD)]}
    with opened(tmp_path, counts) as (assets, arrived):
        assert assets.read(HASH) is None
        with source.open() as url:
            assets.follow(url, ahead)
            assert arrived.get(timeout=10) == HASH
    assert source.asked[0] == HASH


def test_only_http_is_a_source(tmp_path: Path, counts: Counter[str], source: Source) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / HASH).write_bytes(GOOD)
    source.answers = {HASH: [(200, GOOD)]}
    with source.open() as url, opened(tmp_path / "files", counts) as (assets, arrived):
        assets.follow(f"file://{tmp_path}/secret", [HASH])
        assert arrived.empty()
        assets.follow(url, [HASH])
        assert arrived.get(timeout=10) == HASH
    assert source.asked == [HASH]


def test_over_tls_only_from_whom_the_agent_trusts_whatever_the_clock_says(
    tmp_path: Path, counts: Counter[str], source: Source
) -> None:
    source.answers = {HASH: [(200, GOOD)]}
    tls, root = certified(tmp_path)
    with source.open(tls) as url, opened(tmp_path / "files", counts) as (assets, arrived):
        for nobody in ("", "-----BEGIN CERTIFICATE-----"):
            before = counts["asset_failures"]
            assets.follow(url, [HASH], nobody)
            while counts["asset_failures"] <= before + 1:
                pass
            assert arrived.empty()
        assets.follow(url, [HASH], root)
        assert arrived.get(timeout=10) == HASH
    assert source.asked == [HASH]


@pytest.mark.parametrize("resumes", [True, False], ids=["by range", "a server without ranges"])
@pytest.mark.parametrize("left", [GOOD[:4000], b"x" * 4000], ids=["its beginning", "something else"])
def test_what_a_killed_process_left_is_gone_on_with(
    left: bytes, resumes: bool, tmp_path: Path, counts: Counter[str], source: Source
) -> None:
    (tmp_path / f"{HASH}.part").write_bytes(left)
    source.answers, source.resumes = {HASH: [(200, GOOD)]}, resumes
    with source.open() as url, opened(tmp_path, counts) as (assets, arrived):
        assets.follow(url, [HASH])
        assert arrived.get(timeout=10) == HASH
        assert assets.read(HASH) == GOOD
    assert source.ranges[0] == "bytes=4000-"
    assert source.ranges[1:] == ([None] if resumes and left != GOOD[:4000] else [])
    assert counts["files_resumed"] == resumes
    assert [path.name for path in tmp_path.iterdir()] == [HASH]


def test_a_connection_that_is_cut_again_and_again_costs_no_byte_twice(
    tmp_path: Path, counts: Counter[str], source: Source
) -> None:
    source.answers = {HASH: [(200, GOOD[:size]) for size in (2000, 5000, 8000)] + [(200, GOOD)]}
    with source.open() as url, opened(tmp_path, counts) as (assets, arrived):
        assets.follow(url, [HASH])
        assert arrived.get(timeout=10) == HASH
    assert source.ranges == [None, "bytes=2000-", "bytes=5000-", "bytes=8000-"]


def test_what_the_manifest_does_not_list_or_lists_smaller_is_not_taken(
    tmp_path: Path, counts: Counter[str], source: Source
) -> None:
    small = hashlib.sha256(b"s" * len(GOOD)).hexdigest()
    source.answers = {name: [(200, b"s" * len(GOOD))] for name in (OTHER, small)} | {HASH: [(200, GOOD)]}
    with source.open() as url, opened(tmp_path, counts) as (assets, arrived):
        assets.follow(url, [OTHER, small, HASH], sizes={small: 10, HASH: len(GOOD)})
        assert arrived.get(timeout=10) == HASH
        assert arrived.empty()
    assert counts["files_unlisted"] == 1
    assert OTHER not in source.asked
    assert sorted(path.name for path in tmp_path.iterdir()) == [HASH]


@pytest.mark.parametrize("ordered", [True, False], ids=["ordered", "by itself"])
def test_a_file_that_nobody_reads_is_found_spoiled_all_the_same(
    ordered: bool, tmp_path: Path, counts: Counter[str], source: Source, stored: Callable[[Path, bytes], str]
) -> None:
    sound = stored(tmp_path, b"sound")
    (tmp_path / HASH).write_bytes(GOOD[:-1] + b"?")
    source.answers = {HASH: [(200, GOOD)]}
    with source.open() as url, opened(tmp_path, counts, scrub=3600 if ordered else 0.01) as (assets, arrived):
        assets.follow(url, [])
        if ordered:
            assets.verify()
        assert arrived.get(timeout=10) == HASH
        assert assets.read(HASH) == GOOD
        assert assets.read(sound) == b"sound"
    assert counts["files_spoiled"] == 1


def test_a_film_is_read_whole_once_and_again_when_its_file_changed(
    tmp_path: Path, counts: Counter[str], stored: Callable[[Path, bytes], str]
) -> None:
    film = stored(tmp_path, b"film" * 50_000)
    with opened(tmp_path, counts) as (assets, _):
        assert assets.file(film) == tmp_path / film
        assert assets.file(film) == tmp_path / film
        with (tmp_path / film).open("r+b") as file:
            file.write(b"FILM")
        assert assets.file(film) is None
        assert assets.file(HASH) is None
    assert counts["files_spoiled"] == 1


def test_files_that_nobody_names_make_room(
    tmp_path: Path, counts: Counter[str], source: Source, stored: Callable[[Path, bytes], str]
) -> None:
    named, old = stored(tmp_path, b"n" * 9000), stored(tmp_path, b"o" * 9000)
    os.utime(tmp_path / old, (1, 1))
    os.utime(tmp_path / named, (0, 0))
    last = hashlib.sha256(b"l" * len(GOOD)).hexdigest()
    source.answers = {HASH: [(200, GOOD)], last: [(200, b"l" * len(GOOD))]}
    with source.open() as url, opened(tmp_path, counts, budget=27_500) as (assets, arrived):
        assets.follow(url, [named, HASH, last])
        while arrived.get(timeout=10) != last:
            pass
        assets.want(OTHER)  # Room is made before the next fetch begins.
        while source.asked[-1] != OTHER:
            pass
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([named, HASH, last])


def test_a_folder_that_takes_no_files_is_counted_and_stops_nothing(tmp_path: Path, counts: Counter[str]) -> None:
    (tmp_path / "file").write_text("in the way")
    with opened(tmp_path / "file" / "assets", counts) as (assets, _):
        assert assets.read(HASH) is None
    assert counts["asset_failures"] > 0


def test_on_a_full_disk_what_nobody_names_makes_room(
    tmp_path: Path, counts: Counter[str], source: Source, stored: Callable[[Path, bytes], str]
) -> None:
    source.answers = {HASH: [(200, GOOD)]}
    with disk(tmp_path / "card", 64) as card:
        old, named = stored(card.path, b"o" * 12_000), stored(card.path, b"n" * 12_000)
        card.fill()
        with source.open() as url, opened(card.path, counts) as (assets, arrived):
            assets.follow(url, [named, HASH])
            while arrived.get(timeout=10) != HASH:
                pass
            assert assets.read(HASH) == GOOD
            assert assets.read(named) is not None
        assert not (card.path / old).exists()
    assert counts["asset_failures"] >= 1
