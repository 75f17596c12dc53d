"""The `score` command: points learned from what visitors did later, held against the present."""
