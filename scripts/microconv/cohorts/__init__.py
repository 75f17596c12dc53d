"""The `cohorts` command: what visitors did later, by first week and by what they did early on."""
