"""What can go wrong in a player, each as a sentence for a person.

ground.errors.NorenError
├── SignageError           something of the player
│   ├── NoScreen           SDL opens no screen
│   ├── ScreenHangs        the picture stands still although it should move
│   ├── NoFont             the Japanese fonts are not installed
│   ├── BadScene           a scene file that cannot be drawn
│   ├── NoPreview          a preview of what does not exist, or that cannot be written
│   └── signage.cec.NotSwitched
├── signage.contract.Garbled
├── ground.settings.SettingsError
└── ground.errors.StorageError
"""

from ground.errors import NorenError


class SignageError(NorenError):
    """Something of the player that a person can mend."""


class NoScreen(SignageError):
    """SDL opens no screen in the mode asked for."""


class ScreenHangs(SignageError):
    """The picture stands still although it should move."""


class NoFont(SignageError):
    """The Japanese fonts are not on this machine."""


class BadScene(SignageError):
    """A file that holds no scene."""


class NoPreview(SignageError):
    """A preview of what the programme does not have, or that cannot be written."""
