"""`python -m microconv`, for what starts the command where its script is not on the path."""

from __future__ import annotations

from microconv.cli import app

if __name__ == "__main__":
    app(prog_name="microconv")
