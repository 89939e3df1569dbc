"""Engines: they call ``advance``, and decide when."""
