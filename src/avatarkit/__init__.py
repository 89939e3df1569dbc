"""Talking AI twins for an application's users: one typed API, many providers."""
