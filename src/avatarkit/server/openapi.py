"""OpenAPI 3.1 document, generated from the route table."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import CoreModeRef, DefsRef, GenerateJsonSchema

from .guards import ANY_HOST
from .routes import Route
from .schemas import ErrorAnswer

#: Description of each status.
_MEANINGS = {
    200: "OK.",
    201: "Created.",
    204: "No content.",
    206: "Partial content.",
    307: "The file is at another address.",
    400: "Invalid request.",
    401: "Not signed in.",
    403: "A page of another site sent the request.",
    404: "Not found, or another user's.",
    409: "Conflicts with the current state.",
    413: "Too large.",
    415: "Unsupported content type.",
    416: "Range not satisfiable.",
    421: "Unknown host.",
    422: "The input cannot be used: the message says what to do.",
    429: "Too many requests.",
    502: "A provider or the address of a sample failed.",
    503: "The database or the media store is unavailable: try again.",
}

#: JSON schema of each type that a body or an answer is made of.
_Schemas = Mapping[Any, Mapping[str, Any]]


def document(routes: Sequence[Route], version: str) -> dict[str, Any]:
    """Generate the document of these routes."""
    schemas, components = _schemas(routes)
    paths: dict[str, Any] = {}
    for route in routes:
        path = re.sub(r":\w+}", "}", route.path)  # Starlette's convertors, such as {key:path}
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
    """Marks every field of an answer as required, and closes dataclasses to other fields.

    Fields of a body have no default: generators would require them. Descriptions name it instead.
    """

    def default_schema(self, schema: Any) -> dict[str, Any]:
        """Leave the defaults of bodies out."""
        if self.mode == "validation":
            return self.generate_inner(schema["schema"])
        return super().default_schema(schema)

    def field_is_required(self, field: Any, total: bool) -> bool:
        """Return True for answers: a field with a default is sent too."""
        return self.mode == "serialization" or super().field_is_required(field, total)

    def dataclass_schema(self, schema: Any) -> dict[str, Any]:
        """Forbid additional properties, as models do."""
        return super().dataclass_schema(schema) | {"additionalProperties": False}

    def get_defs_ref(self, core_mode_ref: CoreModeRef) -> DefsRef:
        """Name components without the suffix of our models: ``Training``, not TrainingAnswer."""
        ref, mode = core_mode_ref
        return super().get_defs_ref((type(ref)(re.sub(r"(View|Answer):", ":", ref)), mode))


def _schemas(routes: Sequence[Route]) -> tuple[_Schemas, dict[str, Any]]:
    """Generate the schemas of all bodies and answers, and their shared components."""
    bodies = dict.fromkeys(route.body for route in routes if route.body is not None)
    answers = [kind for route in routes for kind in (*route.content.values(), route.event) if kind]
    schemas, shared = TypeAdapter.json_schemas(
        [
            *((kind, "validation", TypeAdapter(kind)) for kind in bodies),
            *(
                (kind, "serialization", TypeAdapter(kind))
                for kind in dict.fromkeys([ErrorAnswer, *answers])
            ),
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
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "parameters": [*parameters, *route.parameters],
        "responses": {str(s): _response(s, route, schemas) for s in sorted(_statuses(route))},
    }
    if not route.signed_in:
        operation["security"] = []
    if route.body is not None:
        content = {"application/json": {"schema": schemas[route.body]}}
        operation["requestBody"] = {"required": True, "content": content}
    elif route.method == "PUT":
        content = {route.media_type: {"schema": {"type": "string", "format": "binary"}}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


_ROLE = {"type": "string", "enum": ["voice", "footage", "evidence", "recording"]}


def _statuses(route: Route) -> set[int]:
    """Return the route's own statuses, and those that every route of its kind has."""
    found = {*route.statuses, 400, 503}
    if route.path not in ANY_HOST:
        found.add(421)
    if route.signed_in:
        found.add(401)
    if route.method in {"POST", "PUT", "DELETE"}:
        found.add(403)
    if route.body is not None:
        found.add(413)
    return found


def _response(status: int, route: Route, schemas: _Schemas) -> dict[str, Any]:
    response: dict[str, Any] = {"description": _MEANINGS[status]}
    if status in route.headers:
        response["headers"] = route.headers[status]
    if route.method == "HEAD":  # has no body at any status
        return response
    kind = route.content.get(status, ErrorAnswer if status >= 400 else None)
    if status in route.texts:
        response["content"] = {"text/plain": {"schema": {"type": "string"}}}
    elif kind is not None:
        response["content"] = {"application/json": {"schema": schemas[kind]}}
    elif status in {200, 206}:
        response["content"] = _stream(route, schemas)
    return response


def _stream(route: Route, schemas: _Schemas) -> dict[str, Any]:
    """Describe events, or a file, by the first type that generators know."""
    if route.event is not None:
        name = schemas[route.event]["$ref"].rpartition("/")[2]
        about = f"Server-sent events, each a {name}, and comments as heartbeats."
        return {route.media_type: {"schema": {"type": "string", "description": about}}}
    file = {"schema": {"type": "string", "format": "binary"}}
    return {"application/octet-stream": file, route.media_type: file}
