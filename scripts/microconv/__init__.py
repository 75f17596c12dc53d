"""The `microconv` command: checks, demo export and statistics around the dbt project.

One module per question; `profile` is the only one that connects and `output` the only one that
formats.
"""
