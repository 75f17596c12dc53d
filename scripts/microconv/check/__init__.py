"""`microconv check`: refuse wrong seeds and export files before any table is touched."""
