"""OpenAPI 3.1 document, generated from the route table."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, cast

from pydantic import TypeAdapter
from pydantic.json_schema import CoreModeRef, DefsRef, GenerateJsonSchema

from .descriptions import COMPONENTS, ENUMS, FIELDS, PATH_PARAMETERS
from .error_answers import CODES
from .guards import ANY_HOST
from .routes import TAGS, Route
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
    403: "A page of another site sent the request, or it is for operators.",
    404: "Not found, or another user's.",
    409: "Conflicts with the current state.",
    412: "The protocol's version is not supported.",
    413: "Too large.",
    415: "Unsupported content type.",
    416: "Range not satisfiable.",
    421: "Unknown host.",
    422: "The input cannot be used: the message says what to do.",
    429: "Too many requests.",
    500: "The server has a fault.",
    502: "A provider or the address of a sample failed.",
    503: "The database or the media store is unavailable: try again.",
}

_INFO = """Make talking avatars: upload samples, store a consent, train, and generate videos.

Every request is one user's and sees that user's data only. Errors have one body, `ErrorBody`, with
a stable `code`; times are RFC 3339 in UTC; lists have `data`, `has_more` and `cursor`."""

#: JSON schema of each type that a body or an answer is made of.
_Schemas = Mapping[Any, Mapping[str, Any]]

_Json = dict[str, Any]


def document(routes: Sequence[Route], version: str) -> _Json:
    """Generate the document of these routes."""
    schemas, components = _schemas(routes)
    links = _links(routes)
    paths: _Json = {}
    for route in routes:
        path = re.sub(r":\w+}", "}", route.path)  # Starlette's convertors, such as {key:path}
        paths.setdefault(path, {})[route.method.lower()] = _operation(route, schemas, links)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "avatarkit",
            "version": version,
            "description": _INFO,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            "contact": {"name": "The operator of this server"},
        },
        "security": [{"token": []}],
        "tags": [{"name": name, "description": about} for name, about in TAGS.items()],
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

    def default_schema(self, schema: Any) -> _Json:
        """Leave the defaults of bodies out."""
        if self.mode == "validation":
            return self.generate_inner(schema["schema"])
        return super().default_schema(schema)

    def field_is_required(self, field: Any, total: bool) -> bool:
        """Return True for answers: a field with a default is sent too."""
        return self.mode == "serialization" or super().field_is_required(field, total)

    def dataclass_schema(self, schema: Any) -> _Json:
        """Forbid additional properties, as models do."""
        return super().dataclass_schema(schema) | {"additionalProperties": False}

    def get_defs_ref(self, core_mode_ref: CoreModeRef) -> DefsRef:
        """Name components as clients see them: ``Training``, not TrainingAnswer."""
        ref, mode = core_mode_ref
        path, colon, rest = ref.partition(":")
        module, dot, name = path.rpartition(".")
        shown = _component(name.removesuffix("View").removesuffix("Answer"))
        return super().get_defs_ref((type(ref)(f"{module}{dot}{shown}{colon}{rest}"), mode))


def _component(name: str) -> str:
    return COMPONENTS.get(name, name)


def _schemas(routes: Sequence[Route]) -> tuple[_Schemas, _Json]:
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
    components: _Json = dict(shared["$defs"])
    for name, component in components.items():
        component["title"] = name
        _describe(name, component)
    for name, values in ENUMS.items():
        components[name] = {"title": name, "type": "string", "enum": list(values)}
    for part in [part for name, c in components.items() if name not in ENUMS for part in _parts(c)]:
        _name_enum(part)
    return {kind: schema for (kind, _), schema in schemas.items()}, components


def _describe(name: str, component: _Json) -> None:
    """Give properties their descriptions, and leave out the titles that repeat their names."""
    for field, schema in component.get("properties", {}).items():
        schema.pop("title", None)
        about = FIELDS.get(f"{name}.{field}") or FIELDS.get(field)
        if about is not None:
            schema.setdefault("description", about)


def _parts(schema: object) -> Iterator[_Json]:
    """Yield every object within a schema."""
    inner: Iterable[object] = ()
    if isinstance(schema, dict):
        found = cast("_Json", schema)
        yield found
        inner = [*found.values()]
    elif isinstance(schema, list):
        inner = cast("list[object]", schema)
    for part in inner:
        yield from _parts(part)


def _name_enum(schema: _Json) -> None:
    """Replace a list of values by the component that has them."""
    values = tuple(schema.get("enum", ()))
    name = next((n for n, known in ENUMS.items() if known == values), None)
    if name is not None and "title" not in schema:
        del schema["enum"], schema["type"]
        schema["$ref"] = f"#/components/schemas/{name}"


def _operation(route: Route, schemas: _Schemas, links: Mapping[str, _Json]) -> _Json:
    names = re.findall(r"{(\w+)", route.path)
    parameters = [{"name": n, "in": "path", "required": True, **PATH_PARAMETERS[n]} for n in names]
    examples = _examples().get(route.name, {})
    operation: _Json = {
        "operationId": route.name,
        "summary": route.summary,
        "description": route.about,
        "tags": [route.tag],
        "parameters": [*parameters, *route.parameters],
        "responses": {
            str(status): _response(status, route, schemas, links, examples)
            for status in sorted(_statuses(route))
        },
    }
    if not route.signed_in:
        operation["security"] = []
    if route.body is not None:
        content: _Json = {"schema": schemas[route.body]}
        if "request" in examples:
            content["example"] = examples["request"]
        operation["requestBody"] = {"required": True, "content": {"application/json": content}}
    elif route.method in {"PUT", "PATCH"}:
        file = {"schema": {"type": "string", "format": "binary"}}
        operation["requestBody"] = {"required": True, "content": {route.media_type: file}}
    return operation


@cache
def _examples() -> Mapping[str, _Json]:
    """Load an example of each operation's request and answers, recorded from a server."""
    text = (files(__package__ or "") / "examples.json").read_text(encoding="utf-8")
    found: Mapping[str, _Json] = json.loads(text)
    return found


def _statuses(route: Route) -> set[int]:
    """Return the route's own statuses, and those that every route of its kind has."""
    found = {*route.statuses, 400, 500, 503}
    if route.path not in ANY_HOST:
        found.add(421)
    if route.signed_in:
        found |= {401, 429}
    if route.operators or route.method in {"POST", "PUT", "PATCH", "DELETE"}:
        found.add(403)
    if route.body is not None:
        found |= {413, 415}
    return found


#: Response headers of statuses: their names, and descriptions.
_HEADERS: Mapping[int, Mapping[str, str]] = {
    401: {"WWW-Authenticate": "How to sign in."},
    429: {"Retry-After": "Seconds to wait."},
    503: {"Retry-After": "Seconds to wait."},
}
_LIMITS = {
    "RateLimit-Limit": "Requests in a window of time.",
    "RateLimit-Remaining": "Requests that are left in this window.",
    "RateLimit-Reset": "Seconds until the window ends.",
}
_TEXTS = frozenset({"WWW-Authenticate", "X-Request-Id"})


def _headers(status: int, route: Route) -> _Json:
    """Describe the headers of a response."""
    described = {"X-Request-Id": "ID of the request, which the server's log has."}
    described |= _HEADERS.get(status, {})
    if route.signed_in and status not in {400, 401, 403, 413, 421, 500, 503}:
        described |= _LIMITS
    found: _Json = {
        name: {"description": about, "schema": {"type": "string" if name in _TEXTS else "integer"}}
        for name, about in described.items()
    }
    return found | dict(route.headers.get(status, {}))


def _response(
    status: int,
    route: Route,
    schemas: _Schemas,
    links: Mapping[str, _Json],
    examples: _Json,
) -> _Json:
    response: _Json = {"description": _MEANINGS[status], "headers": _headers(status, route)}
    kind = route.content.get(status, ErrorAnswer if status >= 400 else None)
    if status < 300 and (found := _links_of(route, schemas.get(kind), links)):
        response["links"] = found
    if route.method == "HEAD":  # has no body at any status
        return response
    if kind is not None and (status not in route.texts or _error(status)):
        content = {"schema": schemas[kind]}
        if str(status) in examples:
            content["example"] = examples[str(status)]
        elif status >= 400 and (example := _error(status)):
            content["example"] = example
        response["content"] = {"application/json": content}
    elif status in {200, 206}:
        response["content"] = _stream(route, schemas)
    if status in route.texts:
        response.setdefault("content", {})["text/plain"] = {"schema": {"type": "string"}}
    return response


def _error(status: int) -> _Json | None:
    """Build an example of an error."""
    found = next(((c, d) for c, d in CODES.items() if d.status == status), None)
    if found is None:
        return None
    code, described = found
    error = {
        "type": described.type,
        "code": str(code),
        "message": f"{described.meaning} {described.advice}",
        "param": None,
        "request_id": "req_4f1b7c0e9a6d4b7f8c2e5a3d1b9f7e60",
        "docs": f"/errors/{code}",
    }
    return {"error": error, "findings": []}


def _stream(route: Route, schemas: _Schemas) -> _Json:
    """Describe events, or a file, by the first type that generators know."""
    if route.event is not None:
        name = schemas[route.event]["$ref"].rpartition("/")[2]
        about = f"Server-sent events, each a {name}, and comments as heartbeats."
        schema = {"type": "string", "description": about, "contentSchema": schemas[route.event]}
        return {route.media_type: {"schema": schema}}
    file = {"schema": {"type": "string", "format": "binary"}}
    return {"application/octet-stream": file, route.media_type: file}


# -- links --------------------------------------------------------------------------------------

#: Path parameter of each schema that is a resource, and where its ID is in the body.
_RESOURCES = {
    "Training": {"training_id": "$response.body#/id"},
    "TrainingList": {"training_id": "$response.body#/data/0/id"},
    "Video": {"video_id": "$response.body#/id"},
    "VideoList": {"video_id": "$response.body#/data/0/id"},
    "Consent": {"consent_id": "$response.body#/id"},
    "ConsentList": {"consent_id": "$response.body#/data/0/id"},
    "Erasure": {"erasure_id": "$response.body#/id"},
    "CloneList": {"clone_id": "$response.body#/data/0/clone_id"},
    "Upload": {
        "clone_id": "$response.body#/sample/clone_id",
        "sample_id": "$response.body#/sample/id",
    },
    "NewHandoverLink": {
        "clone_id": "$response.body#/clone_id",
        "handover_id": "$response.body#/id",
    },
    "SampleList": {
        "clone_id": "$response.body#/data/0/clone_id",
        "sample_id": "$response.body#/data/0/id",
    },
}


def _links(routes: Sequence[Route]) -> dict[str, _Json]:
    """Return, for each resource, links to the operations that its ID is enough for."""
    found: dict[str, _Json] = {}
    for schema, ids in _RESOURCES.items():
        for route in routes:
            needed = set(re.findall(r"{(\w+)", route.path))
            if needed and needed == set(ids):
                found.setdefault(schema, {})[route.name] = {
                    "operationId": route.name,
                    "parameters": dict(ids),
                    "description": route.summary,
                }
    return found


def _links_of(route: Route, schema: Mapping[str, Any] | None, links: Mapping[str, _Json]) -> _Json:
    name = "" if schema is None else str(schema.get("$ref", "")).rpartition("/")[2]
    return {n: link for n, link in links.get(name, {}).items() if n != route.name}
