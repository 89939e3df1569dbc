"""The OpenAPI document, made from the table of routes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from .api import Route

__all__ = ["document"]

#: What a status means on any route.
_MEANINGS = {
    200: "Done.",
    201: "Made.",
    204: "Done; there is nothing to say.",
    206: "The bytes that were asked for.",
    307: "It lies at another address.",
    400: "The request is not what the route takes.",
    401: "Nobody is signed in.",
    403: "Another site's page asked.",
    404: "There is none, or it is not yours.",
    409: "It is in a state that does not fit.",
    413: "Too large.",
    415: "Another content type than the route takes.",
    416: "There are no such bytes.",
    422: "What was given cannot be used: the message says what to do.",
    429: "Too much at once.",
    502: "A provider, or the address of a sample, gave no good answer.",
    503: "The database or the media store is away: try again.",
}

_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["type", "message"],
            "properties": {"type": {"type": "string"}, "message": {"type": "string"}},
        }
    },
}


def document(routes: Sequence[Route], version: str) -> dict[str, Any]:
    """The document of these routes, OpenAPI 3.1."""
    paths: dict[str, Any] = {}
    bodies: dict[str, Any] = {}
    for route in routes:
        path = re.sub(r":\w+}", "}", route.path)  # what may hold slashes
        paths.setdefault(path, {})[route.method.lower()] = _operation(route, bodies)
    return {
        "openapi": "3.1.0",
        "info": {"title": "avatarkit", "version": version},
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Error": _ERROR, **bodies},
        },
    }


def _operation(route: Route, bodies: dict[str, Any]) -> dict[str, Any]:
    names = re.findall(r"{(\w+)", route.path)
    parameters = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": _ROLE if name == "role" else {"type": "string", "minLength": 1},
        }
        for name in names
    ]
    always = {400, 401, 503} if route.signed_in else {400, 503}
    told: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "parameters": [*parameters, *route.parameters],
        "responses": {str(s): _answer(s, route) for s in sorted({*route.answers, *always})},
    }
    if not route.signed_in:
        told["security"] = []
    if route.method in {"POST", "PUT", "DELETE"}:
        told["responses"]["403"] = _answer(403, route)
    if route.body is not None:
        schema = route.body.model_json_schema(ref_template="#/components/schemas/{model}")
        bodies.update(schema.pop("$defs", {}))
        bodies[route.body.__name__] = schema
        ref = {"$ref": f"#/components/schemas/{route.body.__name__}"}
        told["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": ref}},
        }
        told["responses"]["413"] = _answer(413, route)
    elif route.method == "PUT":
        told["requestBody"] = {
            "required": True,
            "content": {route.media_type: {"schema": {"type": "string", "format": "binary"}}},
        }
    return told


_ROLE = {"type": "string", "enum": ["voice", "footage", "evidence", "recording"]}


def _answer(status: int, route: Route) -> dict[str, Any]:
    told: dict[str, Any] = {"description": _MEANINGS[status]}
    if status >= 400 and route.method != "HEAD":
        schema = {"$ref": "#/components/schemas/Error"}
        told["content"] = {"application/json": {"schema": schema}}
    elif status in {200, 201, 206} and route.method != "HEAD":
        plain = route.media_type in {"text/event-stream", "*/*"}
        kind = route.media_type if plain else "application/json"
        told["content"] = {kind: {"schema": {"type": "string" if plain else "object"}}}
    return told
