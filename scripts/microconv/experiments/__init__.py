"""The `experiments` command: what each randomised test showed, and whether micro lifts foretold."""
