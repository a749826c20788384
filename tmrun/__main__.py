"""``python -m tmrun``."""

from tmrun.cli import main

if __name__ == "__main__":
    main()
