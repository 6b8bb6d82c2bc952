"""The sample chain's pictures, all drawn by the project."""
