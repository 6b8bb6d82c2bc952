"""The one base of every error that Noren raises on purpose.

NorenError                 a sentence for a person, and what to do about it
├── SettingsError          ground.settings: a configuration file with its problems
├── StorageError           ground.sqlite: a database that cannot be used
├── NoZone                 ground.programme.calendar: a time zone that this machine does not know
├── NoStore                ground.programme.day: a store that the programme does not name
├── central.contract.codec.Unreadable
└── EdgeError, SignageError, CentralError   one tree a package, in its own errors.py
"""


class NorenError(Exception):
    """Something that a person can mend: the message says what is wrong, `fix` what to do."""

    def __init__(self, message: str, *, fix: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix

    def __str__(self) -> str:
        return f"{self.message} {self.fix}".strip()


class StorageError(NorenError):
    """A database file that cannot be opened, is held by another process, or is newer than this program."""
