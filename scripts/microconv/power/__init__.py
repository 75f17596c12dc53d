"""The `power` command: the sample-size question alone, without a warehouse."""
