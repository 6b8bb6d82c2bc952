"""Pictures and films: looked at before anything is stored, and laid down under their SHA-256."""
