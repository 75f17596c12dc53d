"""The `report` command: one HTML file in the order of a marketer's questions."""
