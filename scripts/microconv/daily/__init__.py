"""The daily run: its stages one after the other, one run at a time, with a log."""
