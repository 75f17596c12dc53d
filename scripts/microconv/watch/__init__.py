"""The `watch` command: judges what the marts count by day, explains what moved, and tells."""
