"""The installer's view through a camera: what it sees, and in words what to change until codes are read."""
