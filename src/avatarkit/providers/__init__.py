"""One file or folder per vendor, named after it."""
