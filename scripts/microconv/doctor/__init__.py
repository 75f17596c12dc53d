"""Whether everything a run needs is there: Python, packages, profile, lists, export, tables."""
