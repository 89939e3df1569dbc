"""The OpenAPI document, made from the table of routes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from .answers import Error
from .api import Route
from .guards import ANY_HOST

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
    421: "The server does not answer for that host.",
    422: "What was given cannot be used: the message says what to do.",
    429: "Too much at once.",
    502: "A provider, or the address of a sample, gave no good answer.",
    503: "The database or the media store is away: try again.",
}

#: The schema of each type that a body or an answer is made of.
_Schemas = Mapping[Any, Mapping[str, Any]]


def document(routes: Sequence[Route], version: str) -> dict[str, Any]:
    """The document of these routes, OpenAPI 3.1."""
    schemas, components = _schemas(routes)
    paths: dict[str, Any] = {}
    for route in routes:
        path = re.sub(r":\w+}", "}", route.path)  # what may hold slashes
        paths.setdefault(path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "avatarkit", "version": version},
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": components,
        },
    }


class _Generator(GenerateJsonSchema):
    """Says of what is answered that it holds all of its fields, and no other."""

    def field_is_required(self, field: Any, total: bool) -> bool:
        """Also of a field with a default, which an answer does not leave out."""
        return self.mode == "serialization" or super().field_is_required(field, total)

    def dataclass_schema(self, schema: Any) -> dict[str, Any]:
        """Closed, as models are."""
        return super().dataclass_schema(schema) | {"additionalProperties": False}


def _schemas(routes: Sequence[Route]) -> tuple[_Schemas, dict[str, Any]]:
    """The schemas of all that is read and answered, and the components that they refer to."""
    read = dict.fromkeys(route.body for route in routes if route.body is not None)
    told = dict.fromkeys([Error, *(kind for route in routes for kind in route.holds.values())])
    schemas, shared = TypeAdapter.json_schemas(
        [
            *((kind, "validation", TypeAdapter(kind)) for kind in read),
            *((kind, "serialization", TypeAdapter(kind)) for kind in told),
        ],
        ref_template="#/components/schemas/{model}",
        schema_generator=_Generator,
    )
    return {kind: schema for (kind, _), schema in schemas.items()}, shared["$defs"]


def _operation(route: Route, schemas: _Schemas) -> dict[str, Any]:
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
    answers = {*route.answers, 400, 503}
    if route.path not in ANY_HOST:
        answers.add(421)
    if route.signed_in:
        answers.add(401)
    if route.method in {"POST", "PUT", "DELETE"}:
        answers.add(403)
    if route.body is not None:
        answers.add(413)
    told: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "parameters": [*parameters, *route.parameters],
        "responses": {str(s): _answer(s, route, schemas) for s in sorted(answers)},
    }
    if not route.signed_in:
        told["security"] = []
    if route.body is not None:
        told["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schemas[route.body]}},
        }
    elif route.method == "PUT":
        told["requestBody"] = {
            "required": True,
            "content": {route.media_type: {"schema": {"type": "string", "format": "binary"}}},
        }
    return told


_ROLE = {"type": "string", "enum": ["voice", "footage", "evidence", "recording"]}


def _answer(status: int, route: Route, schemas: _Schemas) -> dict[str, Any]:
    told: dict[str, Any] = {"description": _MEANINGS[status]}
    if status in route.headers:
        told["headers"] = route.headers[status]
    if route.method == "HEAD":  # which has no body, whatever it answers
        return told
    kind = route.holds.get(status, Error if status >= 400 else None)
    if status in route.texts:
        told["content"] = {"text/plain": {"schema": {"type": "string"}}}
    elif kind is not None:
        told["content"] = {"application/json": {"schema": schemas[kind]}}
    elif status in {200, 206}:
        told["content"] = {route.media_type: {"schema": {"type": "string"}}}
    return told
