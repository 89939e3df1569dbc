"""Whether what an adapter sends is what its vendor's OpenAPI document describes.

The documents are not part of this project. ``AVATARKIT_VENDOR_SPECS`` names a folder that holds
them as ``<vendor>.json``; without it, or without ``jsonschema``, such tests skip and say so::

    def test_what_is_sent_is_what_the_vendor_describes(...):
        contract = Contract.of("acme")
        ...
        assert contract.check(wire.requests[0]) == "POST /v2/videos"
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from email.parser import BytesParser
from functools import cache
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote, urlsplit

import httpx
import pytest

VARIABLE = "AVATARKIT_VENDOR_SPECS"
#: What a schema may hold that no value can be wrong by.
_NOTES = {"title", "description", "example", "examples", "default", "nullable", "deprecated"}


class Contract:
    """One vendor's document. Objects that do not say so are open, unless ``closed``."""

    def __init__(self, document: Mapping[str, Any], *, closed: bool = False) -> None:
        self._document = _modern(document)
        if closed:
            _close(self._document, frozenset(_parts(self._document)))
        self._paths = sorted(self._document["paths"], key=lambda path: path.count("{"))
        servers = [urlsplit(s["url"]).path.rstrip("/") for s in document.get("servers", ())]
        self._prefixes = sorted({*servers, ""}, key=len, reverse=True)

    @classmethod
    def of(cls, vendor: str, *, closed: bool = False) -> Self:
        """The document of that name; skips the test where there is none."""
        pytest.importorskip("jsonschema", reason="needs jsonschema")
        folder = os.environ.get(VARIABLE)
        if not folder:
            pytest.skip(f"{VARIABLE} is not set: it names a folder with {vendor}.json")
        return _read(cls, Path(folder) / f"{vendor}.json", closed)

    @property
    def hosts(self) -> set[str]:
        """Where the vendor answers."""
        places = [self._document, *self._document["paths"].values()]
        places += [o for item in places[1:] for o in item.values() if isinstance(o, Mapping)]
        urls = [s["url"] for place in places for s in place.get("servers", ())]
        return {host for url in urls if (host := urlsplit(url).hostname)}

    def check(self, request: httpx.Request) -> str:
        """Return which operation it is, or fail with all that the document does not allow."""
        path, item = self._find(request)
        operation = item.get(request.method.lower())
        assert operation, f"{path} has no {request.method}"
        declared = [self._deref(p) for o in (item, operation) for p in o.get("parameters", ())]
        wrong = [*self._query(request, declared), *self._content(request, operation)]
        assert not wrong, f"{request.method} {path}: " + "; ".join(wrong)
        return f"{request.method} {path}"

    def check_answer(self, operation: str, status: int, body: Any) -> list[str]:
        """Fail where that is no answer to the operation; return what nothing is said of.

        ``operation`` is what ``check`` returns.
        """
        schema = self._answer(operation, status)
        wrong = list(self._wrong(body, schema, f"answer {status}"))
        assert not wrong, f"{operation}: " + "; ".join(wrong)
        return self.unsaid(body, schema)

    def unsaid_of(self, request: httpx.Request) -> list[str]:
        """The places in a body of JSON of which the document says nothing."""
        _, item = self._find(request)
        content = self._deref(item[request.method.lower()].get("requestBody", {})).get("content")
        if not request.content or "application/json" not in (content or {}):
            return []
        return self.unsaid(json.loads(request.content), content["application/json"]["schema"])

    def unsaid(self, value: Any, schema: Any) -> list[str]:
        """Where a value may be anything, or hold anything: dotted names, "" for the whole."""
        return sorted({name.removeprefix(".") for name in self._unsaid(value, [schema], "")})

    def _unsaid(self, value: Any, schemas: list[Any], name: str) -> Iterator[str]:
        forms = [form for schema in schemas for form in self._forms(schema)]
        if isinstance(value, dict):
            fields = [form["properties"] for form in forms if form.get("properties")]
            others = [form.get("additionalProperties") for form in forms]
            if not fields and not any(other or other is False for other in others):
                yield name
                return
            kinds = [other for other in others if isinstance(other, dict) and other]
            for key, inner in value.items():
                told = [f[key] for f in fields if key in f] or kinds
                yield from self._unsaid(inner, told, f"{name}.{key}")
        elif isinstance(value, list):
            told = [form["items"] for form in forms if "items" in form]
            for inner in value:
                yield from self._unsaid(inner, told, f"{name}.0")
        elif not any(form.keys() - _NOTES for form in forms):
            yield name

    def _forms(self, schema: Any) -> Iterator[Any]:
        """A schema, and all of which it is made, or one of which it may be."""
        schema = self._deref(schema)
        yield schema
        for how in ("allOf", "anyOf", "oneOf"):
            for part in schema.get(how, ()):
                yield from self._forms(part)

    def _answer(self, operation: str, status: int) -> Any:
        method, _, path = operation.partition(" ")
        known = self._document["paths"][path][method.lower()]["responses"]
        found = known.get(str(status), known.get(f"{status // 100}XX", known.get("default")))
        assert found is not None, f"{operation} does not answer {status}: {', '.join(known)}"
        forms = self._deref(found).get("content", {})
        return forms.get("application/json", {}).get("schema", {})

    def _find(self, request: httpx.Request) -> tuple[str, Any]:
        asked = request.url.raw_path.decode().partition("?")[0]
        for prefix in self._prefixes:
            for path in self._paths:
                pattern = re.sub(r"\\\{.+?\\\}", "[^/]+", re.escape(path))
                if re.fullmatch(re.escape(prefix) + pattern, asked):
                    return path, self._document["paths"][path]
        raise AssertionError(f"the document has no path for {unquote(asked)}")

    def _query(self, request: httpx.Request, declared: list[Any]) -> Iterator[str]:
        known = {p["name"]: p for p in declared if p["in"] == "query"}
        for name, value in request.url.params.multi_items():
            if name not in known:
                yield f"query {name} is unknown"
            else:
                schema = self._deref(known[name].get("schema", {}))
                # a list is sent as its name once for every element
                schema = schema.get("items", schema) if schema.get("type") == "array" else schema
                yield from self._wrong(self._spoken(value, schema), schema, f"query {name}")
        for name, parameter in known.items():
            if parameter.get("required") and name not in request.url.params:
                yield f"query {name} is missing"

    def _content(self, request: httpx.Request, operation: Mapping[str, Any]) -> Iterator[str]:
        body = self._deref(operation.get("requestBody", {}))
        if not request.content:
            if body.get("required"):
                yield "the body is missing"
            return
        header = request.headers.get("content-type", "")
        kind = header.partition(";")[0].strip()
        if kind not in body.get("content", {}):
            yield f"a body of {kind or 'no type'} is unknown"
            return
        schema = body["content"][kind].get("schema", {})
        if kind == "multipart/form-data":
            yield from self._form(_parts_of(header, request.content), schema)
        elif self._deref(schema).get("format") != "binary":
            yield from self._wrong(json.loads(request.content), schema, "body")

    def _form(self, parts: list[tuple[str, str | bytes]], schema: Any) -> Iterator[str]:
        schema = self._deref(schema)
        known = {n: self._deref(s) for n, s in schema.get("properties", {}).items()}
        said: dict[str, Any] = {}
        for name, value in parts:
            if name not in known:
                yield f"part {name} is unknown"
                continue
            forms = [*self._forms(known[name]), *self._forms(known[name].get("items", {}))]
            is_file = any(f.get("format") == "binary" or "contentMediaType" in f for f in forms)
            if is_file is not isinstance(value, bytes):
                yield f"part {name} is {'no' if is_file else 'a'} file"
            if known[name].get("type") == "array":
                said.setdefault(name, []).append("a file" if isinstance(value, bytes) else value)
            elif name in said:
                yield f"part {name} is repeated"
            else:
                is_text = isinstance(value, str)
                said[name] = self._spoken(value, known[name]) if is_text else "a file"
        yield from self._wrong(said, schema, "form")

    def _spoken(self, text: str, schema: Any) -> Any:
        """What a text of a query or a form stands for."""
        schema = self._deref(schema)
        options = [schema, *map(self._deref, schema.get("anyOf", ()))]
        kinds = {k for o in options for k in _listed(o.get("type"))}
        if "string" in kinds or not kinds & {"integer", "number", "boolean", "object", "array"}:
            return text
        try:
            return json.loads(text)
        except ValueError:
            return text

    def _wrong(self, value: Any, schema: Any, what: str) -> Iterator[str]:
        from jsonschema import Draft202012Validator
        from jsonschema.exceptions import relevance

        whole = {**schema, **{k: v for k, v in self._document.items() if k not in schema}}
        for error in Draft202012Validator(whole).iter_errors(value):
            worst = error
            while worst.context:  # of several forms, the one that it comes nearest to
                worst = max(worst.context, key=relevance)
            yield f"{what} at {worst.json_path}: {worst.message}"

    def _deref(self, schema: Any) -> Any:
        while "$ref" in schema:
            found: Any = self._document
            for name in schema["$ref"].removeprefix("#/").split("/"):
                found = found[unquote(name.replace("~1", "/").replace("~0", "~"))]
            schema = found
        return schema


@cache
def _read(cls: type[Contract], file: Path, closed: bool) -> Contract:
    if not file.exists():
        pytest.skip(f"{VARIABLE} names a folder without {file.name}")
    return cls(json.loads(file.read_text()), closed=closed)


def _parts_of(kind: str, content: bytes) -> list[tuple[str, str | bytes]]:
    """The parts of a form: text, or the bytes of a file."""
    message = BytesParser().parsebytes(f"content-type: {kind}\r\n\r\n".encode() + content)
    found: list[tuple[str, str | bytes]] = []
    for part in message.walk():
        name = part.get_param("name", header="content-disposition")
        value = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(value, bytes):
            found.append((name, value if part.get_filename() else value.decode()))
    return found


def _modern(schema: Any) -> Any:
    """OpenAPI 3.0 says some things unlike JSON Schema; 3.1 says them as it does."""
    if isinstance(schema, list):
        return [_modern(s) for s in schema]
    if not isinstance(schema, Mapping):
        return schema
    new = {name: _modern(value) for name, value in schema.items()}
    if new.get("nullable") is True:
        if "enum" in new:
            new["enum"] = [*new["enum"], None]
        if "type" in new:
            new["type"] = [*_listed(new["type"]), "null"]
    for bound in ("Minimum", "Maximum"):
        if isinstance(exclusive := new.get(f"exclusive{bound}"), bool):
            del new[f"exclusive{bound}"]
            if exclusive and bound.lower() in new:
                new[f"exclusive{bound}"] = new.pop(bound.lower())
    return new


def _parts(schema: Any) -> Iterator[str]:
    """What is referred to as a part of a whole: that whole has other fields as well."""
    if isinstance(schema, list):
        for item in schema:
            yield from _parts(item)
    elif isinstance(schema, dict):
        yield from (s["$ref"] for s in schema.get("allOf", ()) if "$ref" in s)
        for value in schema.values():
            yield from _parts(value)


def _close(schema: Any, parts: frozenset[str], here: str = "#", *, part: bool = False) -> None:
    """Forbid, in place, what no object says that it has."""
    if isinstance(schema, list):
        for item in schema:
            _close(item, parts, here, part=part)
    elif isinstance(schema, dict):
        for name, value in schema.items():
            _close(value, parts, f"{here}/{name}", part=name == "allOf")
        fields = schema.get("properties")  # one that names none is a mapping: it takes any name
        named = isinstance(fields, dict) and fields and "allOf" not in schema
        if named and not part and here not in parts:
            schema.setdefault("additionalProperties", False)


def _listed(value: Any) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]
