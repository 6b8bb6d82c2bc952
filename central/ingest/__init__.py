"""Takes what agents send up: once, in order, and acknowledged only when it is stored."""
