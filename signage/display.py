"""Opens the one screen through SDL, puts pictures on it, and opens it again when it was pulled and put back."""

from __future__ import annotations

import ctypes
import logging
import os
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from weakref import WeakSet

import pygame
from pygame import Color, Rect, Surface
from pygame._sdl2.sdl2 import error as NoGraphics
from pygame._sdl2.video import Renderer, Texture

from signage import connectors
from signage.config import DisplayConfig
from signage.errors import NoScreen, SignageError
from signage.layer import Layer, Part, turned

log = logging.getLogger(__name__)

_PRIVATE = 0o600
_FULL = ("kmsdrm", "wayland", "x11")
"""Drivers tried for the full screen: the bare console first, then what a desktop offers."""
_GRAPHICS = "opengles2"
_GL_RENDERER = 0x1F01
_WITHOUT_A_GPU = ("llvmpipe", "softpipe", "swrast", "swiftshader")
_LOOK = 1.0
"""Seconds between two looks whether the display is still there."""
_AGAIN = 5.0
"""Seconds after which a display that did not open is tried again: its EDID may not be read yet."""
SMALL = 8
"""By how much a picture is reduced for its checksum."""


class Display:
    """The screen while it is open; only the thread that opened it may use it."""

    def __init__(
        self, config: DisplayConfig, drm: Path = connectors.DRM, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._config = config
        self._drm = drm
        self._clock = clock
        self._window: pygame.Window | None = None
        self._renderer: Renderer | None = None
        self._panel = (config.width, config.height)
        """The size of the screen as the hardware has it."""
        self._plug: connectors.Plug | None = None
        self._looked = -_LOOK
        self._layers: WeakSet[Layer] = WeakSet()
        self._parts: Sequence[Part] = ()
        self._ground = Color("black")
        self.driver = ""
        """SDL's video driver and renderer."""
        self.connected = True
        """Whether a display answers; also true where nobody can tell."""
        self.gpu = False
        """Whether a graphics processor draws."""
        self.opened = 0
        """How often it was opened; all layers of the time before are gone."""
        self.flipped_ns = 0
        """The CLOCK_MONOTONIC nanosecond right after the last flip."""

    def __enter__(self) -> Display:
        """Open the screen. Raises NoScreen."""
        match self._config.mode:
            case "headless":
                self._open("dummy")
            case "window":
                self._open("")
            case "full":
                self._begin()
        fields = {"driver": self.driver, "width": self.size[0], "height": self.size[1]}
        log.info("the screen is open", extra={"fields": fields})
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._close()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height as people see them."""
        return self._panel if self._config.rotate % 180 == 0 else self._panel[::-1]

    @property
    def watched(self) -> bool:
        """Tell whether somebody can close, cover or unplug the screen, so that `closed_by_hand` must be asked."""
        return self._config.mode != "headless"

    @property
    def troubles(self) -> tuple[str, ...]:
        """What an engineer should mend, each a sentence."""
        said = []
        if not self.connected:
            where = self._config.output or "any connector"
            said.append(f"No display answers on {where}: check its cable and its power.")
        elif self._config.mode == "full" and not self.gpu:
            said.append(
                f"No graphics processor draws ({self.driver}): fades may stumble; "
                "enable the graphics driver and add the user to the group render."
            )
        return tuple(said)

    def frame(self) -> Surface:
        """Give a new picture of the screen's size and format, to be drawn on."""
        return Surface(self.size)

    def layer(self, size: tuple[int, int], colour: Color) -> Layer:
        """Make a layer of one colour."""
        # Made from a surface it gets the screen's own format without alpha: mixing is eight times as fast.
        blank = Surface(size if self._config.rotate % 180 == 0 else size[::-1])
        blank.fill(colour)
        made = Layer(Texture.from_surface(self._graphics(), blank), size, self._config.rotate)
        self._layers.add(made)
        return made

    def show(self, parts: Sequence[Part], ground: Color) -> int:
        """Put the parts on the screen, the first lowest, and give the CLOCK_MONOTONIC nanosecond right after."""
        self._parts, self._ground = parts, ground
        self._draw()
        self._graphics().present()
        self.flipped_ns = time.monotonic_ns()
        return self.flipped_ns

    def snapshot(self) -> Surface:
        """Copy what is on the screen, upright."""
        self._draw()  # After a flip the graphics hold no picture that could be read.
        picture = Surface(self._panel)
        self._graphics().to_surface(picture)
        return pygame.transform.rotate(picture, self._config.rotate) if self._config.rotate else picture

    def checksum(self) -> int:
        """Give a number that changes when what is on the screen does."""
        graphics = self._graphics()
        size = (max(1, self._panel[0] // SMALL), max(1, self._panel[1] // SMALL))
        graphics.target = Texture(graphics, size, target=True)
        try:
            self._draw(1 / SMALL)
            picture = Surface(size)
            graphics.to_surface(picture)
        finally:
            graphics.target = None
        return zlib.crc32(picture.get_buffer().raw)

    def closed_by_hand(self) -> bool:
        """Read what the window system and the cable have to say; True if somebody closed the window."""
        closed = False
        for event in pygame.event.get():
            closed = closed or event.type in (pygame.QUIT, pygame.WINDOWCLOSE)
            if event.type == pygame.WINDOWSIZECHANGED:
                self._resized()
            elif event.type in (pygame.RENDER_TARGETS_RESET, pygame.RENDER_DEVICE_RESET):
                self.opened += 1
            elif event.type == pygame.WINDOWEXPOSED:
                self.show(self._parts, self._ground)
        if self._config.mode == "full" and self._clock() - self._looked >= (_LOOK if self.connected else _AGAIN):
            self._look()
        return closed

    def _draw(self, scale: float = 1.0) -> None:
        graphics = self._graphics()
        if not (self._parts and self._parts[0].at.size == self.size and self._parts[0].share >= 1):
            graphics.draw_color = self._ground
            graphics.clear()
        for layer, at, share, source in self._parts:
            texture = layer.texture
            if texture is None:
                continue
            alpha = min(255, round(255 * share))
            # To mix in all of a picture is ten times as slow as to put it there.
            texture.blend_mode = pygame.BLENDMODE_NONE if alpha == 255 else pygame.BLENDMODE_BLEND
            texture.alpha = alpha
            from_ = None if source is None else turned(source, layer.size, self._config.rotate)
            to = turned(at, self.size, self._config.rotate)
            texture.draw(from_, to if scale == 1 else Rect(*(round(side * scale) for side in to)))

    def _resized(self) -> None:
        """A desktop gave the window another size."""
        size = self._window.size if self._window is not None else self._panel
        if size != self._panel:
            self._panel = size
            self.opened += 1

    def _look(self) -> None:
        """See whether the display was pulled or put back; then it is opened anew, for it may be another one."""
        self._looked = self._clock()
        if not connectors.known(self._drm):
            return
        plug = connectors.chosen(self._config.output, self._drm)
        if plug is None:
            if self.connected:
                log.warning("the display is gone; playing goes on", extra={"fields": {"output": self._config.output}})
            self.connected = False
        elif not self.connected or plug != self._plug:
            self._begin()
            log.info("the display is back", extra={"fields": {"output": plug.name, "mode": plug.mode}})

    def _begin(self) -> None:
        """Open the full screen; while none is plugged in, or it does not open again, play on where nobody sees it."""
        self._close()
        self._plug = connectors.chosen(self._config.output, self._drm)
        plugged = self._plug is not None or not connectors.known(self._drm)
        try:
            if not plugged:
                raise NoScreen("No display is plugged in.", fix="Connect one and switch it on.")
            self._first_full()
            self.connected = True
        except NoScreen as error:
            if plugged and not self.opened:
                raise
            self._close()
            self._open("dummy")
            self.connected = False
            log.warning("%s Until then the player plays unseen.", error)

    def _first_full(self) -> None:
        said: list[str] = []
        named = os.environ.get("SDL_VIDEODRIVER")
        for driver in [named] if named else _FULL:
            for gpu in (True, False):
                try:
                    return self._open(driver, full=True, gpu=gpu)
                except NoScreen as error:
                    said.append(error.message)
                    fields = {"driver": driver, "gpu": gpu, "why": error.message}
                    log.warning("a video driver gave no screen", extra={"fields": fields})
        raise NoScreen(
            "No full screen could be opened: " + " ".join(said),
            fix="Connect a screen and add the user to the groups video and render, or set display.mode: headless.",
        )

    def _open(self, driver: str, *, full: bool = False, gpu: bool = False) -> None:
        # SDL would turn SIGTERM into an event of its own, and we would end without a last word.
        wanted = {"SDL_VIDEODRIVER": driver, "SDL_NO_SIGNAL_HANDLERS": "1"}
        if gpu:
            wanted["SDL_RENDER_DRIVER"] = os.environ.get("SDL_RENDER_DRIVER", _GRAPHICS)
        else:
            # Our own frames need no GPU to get into a window: without one a player takes 90 MB less.
            wanted["SDL_FRAMEBUFFER_ACCELERATION"] = "0"
        if self._plug is not None:
            wanted["SDL_KMSDRM_DEVICE_INDEX"] = str(self._plug.card)
        try:
            with _environment(wanted):
                pygame.display.init()
                self._window = self._opened(full)
                self._renderer = Renderer(self._window, accelerated=1 if gpu else 0, vsync=gpu)
        except (pygame.error, NoGraphics) as error:
            self._close()
            raise NoScreen(
                f"{driver or 'The desktop'} opens no screen ({error}).", fix="Set display.mode: headless."
            ) from error
        pygame.display.set_allow_screensaver(False)
        pygame.mouse.set_visible(False)
        self._panel = self._window.size if full else self._panel
        self._parts, self.opened = (), self.opened + 1
        drawn_by = _drawn_by() if gpu else "software"
        self.gpu = gpu and not any(name in drawn_by.lower() for name in _WITHOUT_A_GPU)
        self.driver = f"{pygame.display.get_driver()} {drawn_by}"

    def _opened(self, full: bool) -> pygame.Window:
        if not full:
            return pygame.Window("Noren", self._panel)
        beside = pygame.display.get_desktop_sizes()
        at = min(connectors.number(self._config.output, self._drm), len(beside) - 1)
        # SDL takes the display on which the window would begin; they stand in one row.
        place = (sum(width for width, _ in beside[:at]), 0)
        return pygame.Window("Noren", beside[at], place, fullscreen_desktop=True)

    def _close(self) -> None:
        self._parts = ()
        for layer in self._layers:
            layer.texture = None
        self._layers.clear()
        self._renderer = None
        if self._window is not None:
            with suppress(pygame.error):
                self._window.destroy()
            self._window = None
        if self._config.mode == "full":
            pygame.display.quit()  # It counts the displays anew when it begins again.

    def _graphics(self) -> Renderer:
        if self._renderer is None:
            raise RuntimeError("the display is used outside of its `with`")
        return self._renderer


def _drawn_by() -> str:
    """Ask OpenGL who draws: SDL calls Mesa's own rasteriser a GPU."""
    try:
        gl = ctypes.CDLL("libGLESv2.so.2")
    except OSError:
        return "unknown"
    gl.glGetString.restype = ctypes.c_char_p
    said = gl.glGetString(_GL_RENDERER)
    return said.decode(errors="replace") if said else "unknown"


@contextmanager
def _environment(wanted: dict[str, str]) -> Iterator[None]:
    """Set what SDL reads while it begins, where it is not empty, and put back what was there."""
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update({name: value for name, value in wanted.items() if value})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def save(picture: Surface, path: Path) -> None:
    """Write the picture as a PNG that only its owner reads, never half of one. Raises SignageError."""
    part = path.with_suffix(".part")
    try:
        with open(part, "wb", opener=lambda name, flags: os.open(name, flags, _PRIVATE)) as file:
            pygame.image.save(picture, file, "picture.png")
        part.replace(path)
    except (OSError, pygame.error) as error:
        raise SignageError(f"The picture {path} cannot be written: {error}.", fix="Check its folder.") from error
