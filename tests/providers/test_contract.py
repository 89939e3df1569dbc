"""A deviation from a vendor's document is seen, whatever kind it is."""

from __future__ import annotations

import httpx
import pytest

from providers.contract import VARIABLE, Contract

pytest.importorskip("jsonschema", reason="needs jsonschema")


def json_of(schema):
    return {"content": {"application/json": {"schema": schema}}}


DOCUMENT = {
    "servers": [{"url": "https://api.acme.example/v2"}],
    "paths": {
        "/videos": {
            "post": {
                "parameters": [{"name": "draft", "in": "query", "schema": {"type": "boolean"}}],
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/V"}}},
                },
            }
        },
        "/videos/{id}": {
            "get": {
                "parameters": [
                    {"name": "by", "in": "query", "required": True, "schema": {"type": "string"}}
                ],
                "responses": {
                    "200": {
                        "content": {
                            "application/json": {"schema": {"$ref": "#/components/schemas/V"}}
                        }
                    },
                    "202": {"content": {"application/json": {"schema": {"type": "object"}}}},
                    "204": {"description": "Gone."},
                    "4XX": {"content": {"application/json": {"schema": {"type": "string"}}}},
                },
            },
            "put": {"requestBody": json_of({"type": "object"})},
        },
        "/voices": {
            "post": {
                "requestBody": {
                    "content": {
                        "multipart/form-data": {
                            "schema": {
                                "properties": {
                                    "name": {"type": "string"},
                                    "clean": {"type": "boolean"},
                                    "files": {
                                        "type": "array",
                                        "items": {"type": "string", "format": "binary"},
                                    },
                                },
                                "required": ["name", "files"],
                            }
                        }
                    }
                }
            }
        },
        "/uploads": {
            "post": {
                "requestBody": {
                    "content": {"audio/mpeg": {"schema": {"type": "string", "format": "binary"}}}
                }
            }
        },
    },
    "components": {
        "schemas": {
            "V": {
                "type": "object",
                "properties": {
                    "script": {"type": "string", "minLength": 3},
                    "title": {"type": "string", "nullable": True},
                    "size": {"type": "number", "minimum": 0, "exclusiveMinimum": True},
                },
                "required": ["script"],
            }
        }
    },
}
ROOT = "https://api.acme.example/v2"


def post(body, query="", path="/videos"):
    return httpx.Request("POST", ROOT + path + query, json=body)


def form(data, files=(("files", ("a.wav", b"RIFF")),)):
    request = httpx.Request("POST", f"{ROOT}/voices", data=data, files=list(files))
    request.read()
    return request


def upload(kind):
    headers = {"content-type": kind}
    return httpx.Request("POST", f"{ROOT}/uploads", content=b"ID3", headers=headers)


@pytest.fixture
def contract():
    return Contract(DOCUMENT)


@pytest.mark.parametrize(
    ("request_", "operation"),
    [
        (post({"script": "Hi!!", "title": None, "size": 0.1}, "?draft=true"), "POST /videos"),
        (httpx.Request("GET", f"{ROOT}/videos/a%2Fb?by=me"), "GET /videos/{id}"),
        (form({"name": "ak-1", "clean": "true"}), "POST /voices"),
        (upload("audio/mpeg"), "POST /uploads"),
    ],
)
def test_what_fits_is_named(contract, request_, operation):
    assert contract.check(request_) == operation


@pytest.mark.parametrize(
    ("request_", "complaint"),
    [
        (post({"title": "x"}), "'script' is a required property"),
        (post({"script": "Hi"}), "too short"),
        (post({"script": "Hi!!", "size": 0}), "less than or equal to"),
        (post({"script": "Hi!!"}, "?draft=perhaps"), "query draft"),
        (post({"script": "Hi!!"}, "?shiny=true"), "query shiny is unknown"),
        (post({"script": "Hi!!"}, path="/films"), "no path"),
        (httpx.Request("GET", f"{ROOT}/videos/1"), "query by is missing"),
        (httpx.Request("DELETE", f"{ROOT}/videos/1"), "no DELETE"),
        (httpx.Request("POST", f"{ROOT}/videos"), "body is missing"),
        (httpx.Request("POST", f"{ROOT}/videos", content=b"x"), "no type is unknown"),
        (upload("audio/wav"), "a body of audio/wav is unknown"),
        (form({}), "'name' is a required property"),
        (form({"name": "a", "cleen": "true"}), "part cleen is unknown"),
        (form({"name": "a", "clean": "very"}), "not of type 'boolean'"),
        (form({"name": "a"}, [("name", ("n.txt", b"n"))]), "part name is a file"),
    ],
)
def test_what_does_not_fit_is_told(contract, request_, complaint):
    with pytest.raises(AssertionError, match=complaint):
        contract.check(request_)


@pytest.mark.parametrize(
    ("status", "body", "unsaid"),
    [
        (200, {"script": "Hi!!"}, []),
        (200, {"script": "Hi!!", "colour": "red"}, ["colour"]),
        (202, {"anything": "goes"}, [""]),
        (204, {}, [""]),
        (404, "gone", []),
    ],
)
def test_an_answer_that_fits_is_told_from_one_of_which_nothing_is_said(
    contract, status, body, unsaid
):
    assert contract.check_answer("GET /videos/{id}", status, body) == unsaid


@pytest.mark.parametrize(
    ("status", "body", "complaint"),
    [
        (200, {"title": "x"}, "'script' is a required property"),
        (202, ["x"], "is not of type 'object'"),
        (404, {}, "is not of type 'string'"),
        (500, {}, "does not answer 500: 200, 202, 204, 4XX"),
    ],
)
def test_an_answer_that_does_not_fit_is_told(contract, status, body, complaint):
    with pytest.raises(AssertionError, match=complaint):
        contract.check_answer("GET /videos/{id}", status, body)


@pytest.mark.parametrize(
    ("value", "schema", "unsaid"),
    [
        ({"a": {"b": 1}}, {"type": "object"}, [""]),
        ({}, {"additionalProperties": False}, []),
        ({"a": {"b": 1}}, {"properties": {"a": {"type": "object"}}}, ["a"]),
        ({"a": {"b": 1}}, {"additionalProperties": {"properties": {"b": {}}}}, ["a.b"]),
        ([{"a": 1}], {"items": {"type": "object"}}, ["0"]),
        ([{"a": 1}], {"items": {"properties": {"a": {"type": "integer"}}}}, []),
        ({"script": "Hi!!"}, {"allOf": [{"$ref": "#/components/schemas/V"}]}, []),
        ("x", {"description": "Anything."}, [""]),
    ],
)
def test_where_nothing_is_said_is_found_however_deep(contract, value, schema, unsaid):
    assert contract.unsaid(value, schema) == unsaid


def test_in_a_request_it_is_found_as_well(contract):
    assert contract.unsaid_of(post({"script": "Hi!!"})) == []
    assert contract.unsaid_of(httpx.Request("PUT", f"{ROOT}/videos/1", json={"a": 1})) == [""]
    assert contract.unsaid_of(upload("audio/mpeg")) == []
    assert contract.unsaid_of(httpx.Request("GET", f"{ROOT}/videos/1?by=me")) == []


def test_unknown_fields_pass_only_where_bodies_are_open(contract):
    request = post({"script": "Hi!!", "colour": "red"})
    assert contract.check(request)
    with pytest.raises(AssertionError, match="colour"):
        Contract(DOCUMENT, closed=True).check(request)


@pytest.mark.parametrize("fields", [{}, {"properties": {}}, {"properties": {}, "title": "Any"}])
def test_an_object_that_names_no_field_takes_any_where_bodies_are_closed(fields):
    """Such as the variables of a template, which have names of their own."""
    schema = {"type": "object", "properties": {"variables": {"type": "object", **fields}}}
    content = {"application/json": {"schema": schema}}
    paths = {"/videos": {"post": {"requestBody": {"content": content}}}}
    closed = Contract({**DOCUMENT, "paths": paths}, closed=True)
    request = post({"variables": {"first_name": "Ana"}})
    assert closed.check(request) == "POST /videos"
    assert closed.unsaid_of(request) == ["variables"]


def test_parts_of_a_whole_stay_open_where_bodies_are_closed():
    schemas = {
        **DOCUMENT["components"]["schemas"],
        "W": {
            "allOf": [
                {"$ref": "#/components/schemas/V"},
                {"properties": {"colour": {"type": "string"}}},
            ]
        },
    }
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/W"}}}
    paths = {"/videos": {"post": {"requestBody": {"content": content}}}}
    document = {**DOCUMENT, "paths": paths, "components": {"schemas": schemas}}
    request = post({"script": "Hi!!", "colour": "red"})
    assert Contract(document, closed=True).check(request) == "POST /videos"


def test_without_the_documents_it_skips_and_names_what_is_missing(monkeypatch, tmp_path):
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(pytest.skip.Exception, match=VARIABLE):
        Contract.of("acme")
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    with pytest.raises(pytest.skip.Exception, match=r"acme\.json"):
        Contract.of("acme")
