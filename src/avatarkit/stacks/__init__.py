"""Stacks: combinations of providers, and the choice between them."""
