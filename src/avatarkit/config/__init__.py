"""Settings: where each one comes from (argument, environment, default)."""
