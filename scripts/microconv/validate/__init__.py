"""Whether the raw export is as it should be: asked before a build, on files and on BigQuery.

The warehouse counts by day (`read`), `measures` puts a day beside the weeks before it, `contract`
says what is allowed, and `expect` has Great Expectations judge.
"""
