"""Intake: from a request of the application to a saved record."""
