"""Changes of code that an upgrade of avatarkit, of an engine or of the application brings."""

from __future__ import annotations


def another_workflow():
    """Register a workflow more, by which DBOS would compute another version."""
    from dbos import DBOS

    @DBOS.workflow(name="new in this version")
    def added() -> None:
        """Do nothing."""


def other_bounds():
    """Change the defaults that the Temporal engine gives to new workflows."""
    from functools import partialmethod

    from avatarkit.engines.temporal import TemporalEngine

    TemporalEngine.__init__ = partialmethod(TemporalEngine.__init__, visits=2, longest=60.0)
