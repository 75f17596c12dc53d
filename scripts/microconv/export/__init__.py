"""Writes the tables that BI tools read as files."""
