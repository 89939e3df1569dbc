"""Repositories: databases of records."""
