"""Lifecycle of a record: events, the decision what is next, and the calls of vendors."""
