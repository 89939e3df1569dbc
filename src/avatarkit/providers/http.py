"""What an adapter over HTTP stands on, for those who write one of their own."""

from ._base import HttpProvider, Places, Reads

__all__ = ["HttpProvider", "Places", "Reads"]
