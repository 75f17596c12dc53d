"""The `value` command: what a micro-conversion is worth, gross and beyond comparable visitors."""
