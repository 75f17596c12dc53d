"""What an export holds: its events and parameters, and what the catalog does not know yet."""
