"""Reads the small exact tables that the warehouse counts: the only input of the evidence."""
