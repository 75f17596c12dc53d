"""The `audience` command: who has stalled and may be spoken to, and who left the list since."""
