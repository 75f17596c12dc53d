"""The `cost` command: what a run on BigQuery would be billed for, before it runs."""
