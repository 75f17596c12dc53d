"""Starter catalogs: the lists that a kind of business begins with, and how they become seeds."""
