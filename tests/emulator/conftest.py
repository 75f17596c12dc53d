"""The table that ends a run is that of the other rungs."""

from bigquery.conftest import pytest_terminal_summary

__all__ = ["pytest_terminal_summary"]
