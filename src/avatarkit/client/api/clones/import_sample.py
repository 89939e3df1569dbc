from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...types import Response, UNSET
from ... import errors

from ...models.error_body import ErrorBody
from ...models.new_sample_import import NewSampleImport
from ...models.upload import Upload
from typing import cast


def _get_kwargs(
    clone_id: str,
    *,
    body: NewSampleImport,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/clones/{clone_id}/samples".format(
            clone_id=quote(str(clone_id), safe=""),
        ),
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ErrorBody | Upload | None:
    if response.status_code == 201:
        response_201 = Upload.from_dict(response.json())

        return response_201

    if response.status_code == 400:
        response_400 = ErrorBody.from_dict(response.json())

        return response_400

    if response.status_code == 401:
        response_401 = ErrorBody.from_dict(response.json())

        return response_401

    if response.status_code == 403:
        response_403 = ErrorBody.from_dict(response.json())

        return response_403

    if response.status_code == 404:
        response_404 = ErrorBody.from_dict(response.json())

        return response_404

    if response.status_code == 413:
        response_413 = ErrorBody.from_dict(response.json())

        return response_413

    if response.status_code == 415:
        response_415 = ErrorBody.from_dict(response.json())

        return response_415

    if response.status_code == 421:
        response_421 = ErrorBody.from_dict(response.json())

        return response_421

    if response.status_code == 422:
        response_422 = ErrorBody.from_dict(response.json())

        return response_422

    if response.status_code == 429:
        response_429 = ErrorBody.from_dict(response.json())

        return response_429

    if response.status_code == 500:
        response_500 = ErrorBody.from_dict(response.json())

        return response_500

    if response.status_code == 502:
        response_502 = ErrorBody.from_dict(response.json())

        return response_502

    if response.status_code == 503:
        response_503 = ErrorBody.from_dict(response.json())

        return response_503

    if client.raise_on_unexpected_status:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    else:
        return None


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[ErrorBody | Upload]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    clone_id: str,
    *,
    client: AuthenticatedClient | Client,
    body: NewSampleImport,
) -> Response[ErrorBody | Upload]:
    """Import a sample from a public address

     The server downloads the file; private addresses are rejected.

    Args:
        clone_id (str):
        body (NewSampleImport): A sample to fetch from a public https address.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | Upload]
    """

    kwargs = _get_kwargs(
        clone_id=clone_id,
        body=body,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    clone_id: str,
    *,
    client: AuthenticatedClient | Client,
    body: NewSampleImport,
) -> ErrorBody | Upload | None:
    """Import a sample from a public address

     The server downloads the file; private addresses are rejected.

    Args:
        clone_id (str):
        body (NewSampleImport): A sample to fetch from a public https address.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | Upload
    """

    return sync_detailed(
        clone_id=clone_id,
        client=client,
        body=body,
    ).parsed


async def asyncio_detailed(
    clone_id: str,
    *,
    client: AuthenticatedClient | Client,
    body: NewSampleImport,
) -> Response[ErrorBody | Upload]:
    """Import a sample from a public address

     The server downloads the file; private addresses are rejected.

    Args:
        clone_id (str):
        body (NewSampleImport): A sample to fetch from a public https address.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | Upload]
    """

    kwargs = _get_kwargs(
        clone_id=clone_id,
        body=body,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    clone_id: str,
    *,
    client: AuthenticatedClient | Client,
    body: NewSampleImport,
) -> ErrorBody | Upload | None:
    """Import a sample from a public address

     The server downloads the file; private addresses are rejected.

    Args:
        clone_id (str):
        body (NewSampleImport): A sample to fetch from a public https address.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | Upload
    """

    return (
        await asyncio_detailed(
            clone_id=clone_id,
            client=client,
            body=body,
        )
    ).parsed
