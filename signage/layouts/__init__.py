"""How each kind of scene is set on the screen."""
