"""The `correlate` command: which micro-conversions announce a macro, and how far to trust it."""
