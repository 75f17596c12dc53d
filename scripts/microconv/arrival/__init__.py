"""Whether a day's export is there, and waiting for it."""
