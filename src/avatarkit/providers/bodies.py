"""Writing of request bodies: values at dotted places, and options over settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast


def place_at(body: dict[str, Any], place: str, value: Any) -> None:
    """Write a value at a dotted place, such as ``"input.0.background"``; objects are made."""
    *parents, last = place.split(".")
    parent: Any = body
    for name in parents:
        if isinstance(parent, list):
            parent = cast("Any", parent)[int(name)]
            continue
        child: Any = parent.get(name) or {}
        parent[name] = child
        parent = child
    parent[last] = value


def merged(body: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Merge objects within objects; all other values of ``own`` replace those of the body."""
    found = {**body, **own}
    for name in own.keys() & body.keys():
        if isinstance(own[name], Mapping) and isinstance(body[name], Mapping):
            found[name] = merged(body[name], own[name])
    return found


def without_none(body: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out the fields that are None."""
    return {name: value for name, value in body.items() if value is not None}
