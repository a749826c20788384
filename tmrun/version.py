"""tmrun's version, where both the door and the modules behind it can read it."""

__version__ = "0.1.0"
