"""Media stores: where files are stored."""
