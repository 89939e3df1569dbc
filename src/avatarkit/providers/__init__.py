"""Providers: one file or folder per vendor, named after it, and the adapter kit (``http``)."""
