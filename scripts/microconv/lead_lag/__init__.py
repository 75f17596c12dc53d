"""The `lead-lag` command: whose daily rate moves before that of a macro-conversion, if any does."""
