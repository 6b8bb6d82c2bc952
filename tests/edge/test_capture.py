"""A camera as a device: what is set and not taken, how its formats become gray, and what it says when it fails."""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import cast

import cv2
import numpy
import pytest
from zxingcpp import BarcodeFormat, create_barcode

from edge import codes, config
from edge.codes import Gray
from edge.config import Camera, SensorConfig
from edge.errors import SensorError
from edge.sensors import capture
from ground.settings import SettingsError

MJPG = cv2.VideoWriter.fourcc(*"MJPG")
YUYV = cv2.VideoWriter.fourcc(*"YUYV")


def configured(**changed: object) -> Camera:
    return Camera(**({"kind": "camera", "name": "till-camera", "zone": "till"} | changed))  # type: ignore[arg-type] # Whatever a test says.


def from_yaml(folder: Path, camera: str) -> SensorConfig:
    """The sensor that a file's line makes."""
    file = folder / "noren.yaml"
    file.write_text(
        "edge:\n  folder: /tmp\n  zones: [{zone: till}]\n  screens: []\n  sensors:\n"
        f"    - {{kind: camera, name: till-camera, zone: till, {camera}}}\n"
    )
    return config.read(file).sensors[0]


def test_a_device_is_a_number_or_a_path(tmp_path: Path) -> None:
    assert from_yaml(tmp_path, "device: 2") == configured(device=2)
    by_id = "/dev/v4l/by-id/usb-Maker_Cam_1234-video-index0"
    assert from_yaml(tmp_path, f"device: {by_id}, exposure_ms: 5") == configured(device=Path(by_id), exposure_ms=5.0)
    assert capture.of_device(2) == Path("/dev/video2")
    assert capture.of_device(Path(by_id)) == Path(by_id)


@pytest.mark.parametrize(
    ("camera", "said"),
    [
        ("device: true", "must be a whole number or a path, not True"),
        ("device: 1.5", "must be a whole number or a path, not 1.5"),
        ("device: [0]", "must be a whole number or a path"),
        ("device: null", "must be a whole number or a path, not nothing"),
        ("exposure_ms: 0", "must be 0.1 to 1000"),
        ("width: 8000", "must be a camera's"),
    ],
)
def test_what_is_no_camera_setting_is_said(tmp_path: Path, camera: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        from_yaml(tmp_path, camera)


def counter(left: int = 20) -> Gray:
    """A counter with a code on it."""
    picture = numpy.full((480, 640), 90, numpy.uint8)
    code = numpy.asarray(create_barcode("NOREN-29", BarcodeFormat.QRCodeModel2).to_image(scale=4))
    picture[20 : 20 + code.shape[0], left : left + code.shape[1]] = code
    return picture


class Device:
    """A V4L2 device as OpenCV shows it, which takes what it can. (OpenCV's own, subclassed, makes Python crash.)"""

    def __init__(
        self, *, size: tuple[int, int] = (1280, 720), code: int = MJPG, rate: float = 30.0, exposes: Mapping[int, bool]
    ) -> None:
        self.size = size
        self.code = code
        self.rate = rate
        self.exposes = exposes
        """Its ways of exposing, each with whether a time can be set."""
        self.way = 1.0 if exposes else -1.0
        self.time = 157.0 if exposes else -1.0
        self.set_up: dict[int, float] = {}

    def set(self, setting: int, value: float) -> bool:
        self.set_up[setting] = value
        if setting == cv2.CAP_PROP_AUTO_EXPOSURE and value in self.exposes:
            self.way = value
        if setting == cv2.CAP_PROP_EXPOSURE and self.exposes.get(int(self.way)):
            self.time = float(max(3, min(2047, round(value))))
        return True

    def get(self, setting: int) -> float:
        said: dict[int, float] = {
            cv2.CAP_PROP_FRAME_WIDTH: self.size[0],
            cv2.CAP_PROP_FRAME_HEIGHT: self.size[1],
            cv2.CAP_PROP_FOURCC: self.code,
            cv2.CAP_PROP_FPS: self.rate,
            cv2.CAP_PROP_AUTO_EXPOSURE: self.way,
            cv2.CAP_PROP_EXPOSURE: self.time,
        }
        return said.get(setting, -1.0)


WEBCAM = {1: True, 3: False}
BUILT_IN = {0: False, 1: True}


def told(device: Device, **changed: object) -> list[str]:
    return list(capture.set_up(cast("cv2.VideoCapture", device), configured(**changed)))


def test_a_camera_that_takes_everything_troubles_nobody() -> None:
    device = Device(exposes=WEBCAM)
    assert told(device) == []
    assert device.set_up[cv2.CAP_PROP_FOURCC] == MJPG
    assert (device.set_up[cv2.CAP_PROP_FRAME_WIDTH], device.set_up[cv2.CAP_PROP_FRAME_HEIGHT]) == (1280, 720)
    assert device.set_up[cv2.CAP_PROP_BUFFERSIZE] == 1
    assert device.way == 3, "its own choice, also where somebody had fixed it"
    assert device.set_up[cv2.CAP_PROP_CONVERT_RGB] == 0


def test_another_size_is_said_and_is_no_failure() -> None:
    (said,) = told(Device(size=(640, 480), exposes=WEBCAM))
    assert said.startswith("The camera till-camera gives 640x480 instead of 1280x720:")


def test_few_pictures_a_second_are_said_with_their_format() -> None:
    (said,) = told(Device(code=YUYV, rate=10, exposes=WEBCAM))
    assert said.startswith("The camera till-camera gives 10 pictures a second as YUYV:")


@pytest.mark.parametrize("rate", [0.0, -1.0, 15.0])
def test_a_rate_that_is_right_or_not_known_is_no_trouble(rate: float) -> None:
    assert told(Device(rate=rate, exposes=WEBCAM)) == []


def test_a_fixed_exposure_is_set_in_the_units_of_v4l2() -> None:
    device = Device(exposes=WEBCAM)
    assert told(device, exposure_ms=5.0) == []
    assert (device.way, device.time) == (1, 50)


def test_an_exposure_that_the_camera_rounds_much_is_said() -> None:
    (said,) = told(Device(exposes=WEBCAM), exposure_ms=0.1)
    assert said.startswith("The camera till-camera exposes for 0.3 ms instead of 0.1 ms:")


def test_a_camera_without_a_fixed_exposure_says_so() -> None:
    (said,) = told(Device(exposes={3: False}), exposure_ms=5.0)
    assert "takes no fixed exposure" in said
    (said,) = told(Device(exposes={}), exposure_ms=5.0)
    assert "takes no fixed exposure" in said


def test_a_camera_that_only_knows_a_fixed_exposure_says_so_where_it_shall_choose() -> None:
    (said,) = told(Device(exposes={1: True}))
    assert "set exposure_ms" in said
    assert told(Device(exposes={})) == [], "one that cannot be asked has its own way"


def test_a_built_in_camera_has_another_number_for_its_own_choice() -> None:
    device = Device(exposes=BUILT_IN)
    assert told(device) == []
    assert device.way == 0


def test_a_format_without_gray_in_it_is_left_to_opencv() -> None:
    device = Device(code=cv2.VideoWriter.fourcc(*"BGR3"), exposes=WEBCAM)
    assert told(device) == []
    assert cv2.CAP_PROP_CONVERT_RGB not in device.set_up


def test_a_camera_that_is_not_there_is_a_sentence() -> None:
    camera = capture.Capture(configured(device=97))
    with pytest.raises(SensorError, match="There is no camera /dev/video97") as error:
        next(camera.frames())
    assert error.value.fix
    assert camera.trouble == ""


def test_a_missing_number_points_at_the_paths_that_stay(tmp_path: Path) -> None:
    for name in ("usb-Maker_Cam_1234-video-index0", "usb-Maker_Cam_1234-video-index1"):
        (tmp_path / name).touch()
    with pytest.raises(SensorError, match="another number") as error:
        capture.usable(97, known=tmp_path)
    assert "index0" in error.value.fix
    assert "index1" not in error.value.fix, "that one gives no pictures"
    with pytest.raises(SensorError, match="name one of these") as error:
        capture.usable(tmp_path / "usb-Other_Cam-video-index0", known=tmp_path)
    assert "another number" not in error.value.fix


@pytest.mark.skipif(os.geteuid() == 0, reason="root may use every device")
def test_a_camera_that_this_user_may_not_use_is_a_sentence(tmp_path: Path) -> None:
    device = tmp_path / "video0"
    device.touch(mode=0o000)
    with pytest.raises(SensorError, match="may not use") as error:
        next(capture.Capture(configured(device=device)).frames())
    assert "video" in error.value.fix


def test_what_is_no_camera_is_a_sentence(tmp_path: Path) -> None:
    device = tmp_path / "video0"
    device.write_bytes(b"no device")
    with pytest.raises(SensorError, match="busy, or is no camera"):
        next(capture.Capture(configured(device=device)).frames())


def film(path: Path, pictures: int, step: int = 4) -> Path:
    writer = cv2.VideoWriter(str(path), MJPG, 15, (640, 480))
    assert writer.isOpened()
    for number in range(pictures):
        writer.write(cv2.cvtColor(counter(20 + step * number), cv2.COLOR_GRAY2BGR))
    writer.release()
    return path


def opened(path: Path, *, unconverted: bool) -> cv2.VideoCapture:
    """A film as a device: ffmpeg gives its JPEGs as V4L2 does, in one row."""
    made = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    if unconverted:
        made.set(cv2.CAP_PROP_FORMAT, -1)
        made.set(cv2.CAP_PROP_CONVERT_RGB, 0)
        assert made.get(cv2.CAP_PROP_CONVERT_RGB) == 0
    return made


@pytest.mark.parametrize("unconverted", [True, False])
def test_frames_are_gray_and_readable_either_way(tmp_path: Path, unconverted: bool) -> None:
    device = opened(film(tmp_path / "film.avi", 12), unconverted=unconverted)
    got: list[Gray] = []
    with pytest.raises(SensorError, match="stopped giving pictures"):
        got.extend(capture.grays(device, tmp_path / "video0"))
    assert len(got) >= 3
    for gray in got:
        assert gray.shape == (480, 640)
        assert gray.dtype == numpy.uint8
        assert [code.content for code in codes.read(gray)] == [b"NOREN-29"]


def test_both_ways_give_the_same_gray(tmp_path: Path) -> None:
    path = film(tmp_path / "film.avi", 8, step=0)  # Whichever frame each of them takes.
    one, other = (next(capture.grays(opened(path, unconverted=way), path)) for way in (True, False))
    assert numpy.abs(one.astype(int) - other).mean() < 2, "but for what is rounded on the way over colours"


def test_the_gray_of_a_yuyv_frame_is_its_brightness() -> None:
    gray = counter()
    for raw, at in (("YUYV", 0), ("UYVY", 1)):
        frame = numpy.full((*gray.shape, 2), 128, numpy.uint8)
        frame[:, :, at] = gray
        found = capture.as_gray(frame, raw)
        assert found is not None
        assert (found == gray).all()


def test_a_frame_that_is_gray_already_stays_so() -> None:
    assert capture.as_gray(counter(), "") is not None


@pytest.mark.parametrize("content", [b"", b"not a picture", b"\xff\xd8\xff\xe0", bytes(100_000)])
def test_a_damaged_jpeg_is_no_frame(content: bytes) -> None:
    assert capture.as_gray(numpy.frombuffer(content, numpy.uint8).reshape(1, -1), "MJPG") is None


class Giving:
    """A device that gives these JPEGs, as often as it is asked."""

    def __init__(self, *pictures: bytes) -> None:
        self.pictures = pictures
        self.given = -1

    def isOpened(self) -> bool:  # OpenCV's name.
        return True

    def get(self, setting: int) -> float:
        return {cv2.CAP_PROP_FOURCC: float(MJPG), cv2.CAP_PROP_CONVERT_RGB: 0.0}[setting]

    def grab(self) -> bool:
        self.given += 1
        return True

    def retrieve(self) -> tuple[bool, Gray]:
        content = self.pictures[self.given // capture.WAITING % len(self.pictures)]
        return True, numpy.frombuffer(content, numpy.uint8).reshape(1, -1)


def frames_of(*pictures: bytes) -> Generator[Gray, None, None]:
    return capture.grays(cast("cv2.VideoCapture", Giving(*pictures)), Path("/dev/video0"))


def test_damaged_pictures_are_left_out_until_there_are_no_others() -> None:
    whole = cv2.imencode(".jpg", counter())[1].tobytes()
    frames = frames_of(b"damaged", whole)
    assert [next(frames).shape for _ in range(capture.MOST_DAMAGED * 2)] == [(480, 640)] * capture.MOST_DAMAGED * 2
    with pytest.raises(SensorError, match="damaged pictures only"):
        next(frames_of(b"damaged"))


def test_a_device_that_does_not_open_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SensorError, match="busy, or is no camera"):
        next(capture.grays(cv2.VideoCapture(), tmp_path / "video0"))
