"""The `proxy` command: by which metric an A/B test may be decided, and what must be believed."""
