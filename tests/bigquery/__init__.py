"""Rungs 1, 2 and 5: BigQuery proved without BigQuery, by Google's analyzer and executor."""
