from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...types import Response, UNSET
from ... import errors

from ...models.error_body import ErrorBody
from ...models.new_handover import NewHandover
from ...models.new_handover_link import NewHandoverLink
from typing import cast


def _get_kwargs(
    clone_id: str,
    *,
    body: NewHandover,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/clones/{clone_id}/handovers".format(
            clone_id=quote(str(clone_id), safe=""),
        ),
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ErrorBody | NewHandoverLink | None:
    if response.status_code == 201:
        response_201 = NewHandoverLink.from_dict(response.json())

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

    if response.status_code == 413:
        response_413 = ErrorBody.from_dict(response.json())

        return response_413

    if response.status_code == 415:
        response_415 = ErrorBody.from_dict(response.json())

        return response_415

    if response.status_code == 421:
        response_421 = ErrorBody.from_dict(response.json())

        return response_421

    if response.status_code == 429:
        response_429 = ErrorBody.from_dict(response.json())

        return response_429

    if response.status_code == 500:
        response_500 = ErrorBody.from_dict(response.json())

        return response_500

    if response.status_code == 503:
        response_503 = ErrorBody.from_dict(response.json())

        return response_503

    if client.raise_on_unexpected_status:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    else:
        return None


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[ErrorBody | NewHandoverLink]:
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
    body: NewHandover,
) -> Response[ErrorBody | NewHandoverLink]:
    """Let another device do one upload

     Makes a one-time link, and its QR code: a phone that opens it records and uploads one file of this
    profile. The link can be opened for ten minutes; the phone then has half an hour. An earlier link
    for the same role ends.

    Args:
        clone_id (str):
        body (NewHandover): Let another device record and upload one file.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | NewHandoverLink]
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
    body: NewHandover,
) -> ErrorBody | NewHandoverLink | None:
    """Let another device do one upload

     Makes a one-time link, and its QR code: a phone that opens it records and uploads one file of this
    profile. The link can be opened for ten minutes; the phone then has half an hour. An earlier link
    for the same role ends.

    Args:
        clone_id (str):
        body (NewHandover): Let another device record and upload one file.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | NewHandoverLink
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
    body: NewHandover,
) -> Response[ErrorBody | NewHandoverLink]:
    """Let another device do one upload

     Makes a one-time link, and its QR code: a phone that opens it records and uploads one file of this
    profile. The link can be opened for ten minutes; the phone then has half an hour. An earlier link
    for the same role ends.

    Args:
        clone_id (str):
        body (NewHandover): Let another device record and upload one file.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | NewHandoverLink]
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
    body: NewHandover,
) -> ErrorBody | NewHandoverLink | None:
    """Let another device do one upload

     Makes a one-time link, and its QR code: a phone that opens it records and uploads one file of this
    profile. The link can be opened for ten minutes; the phone then has half an hour. An earlier link
    for the same role ends.

    Args:
        clone_id (str):
        body (NewHandover): Let another device record and upload one file.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | NewHandoverLink
    """

    return (
        await asyncio_detailed(
            clone_id=clone_id,
            client=client,
            body=body,
        )
    ).parsed
