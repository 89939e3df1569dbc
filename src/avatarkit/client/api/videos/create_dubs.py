from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...types import Response, UNSET
from ... import errors

from ...models.error_body import ErrorBody
from ...models.new_dubs import NewDubs
from ...models.video_list import VideoList
from ...types import UNSET, Unset
from typing import cast


def _get_kwargs(
    *,
    body: NewDubs,
    idempotency_key: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/dubs",
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ErrorBody | VideoList | None:
    if response.status_code == 201:
        response_201 = VideoList.from_dict(response.json())

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

    if response.status_code == 409:
        response_409 = ErrorBody.from_dict(response.json())

        return response_409

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

    if response.status_code == 503:
        response_503 = ErrorBody.from_dict(response.json())

        return response_503

    if client.raise_on_unexpected_status:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    else:
        return None


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[ErrorBody | VideoList]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient | Client,
    body: NewDubs,
    idempotency_key: str | Unset = UNSET,
) -> Response[ErrorBody | VideoList]:
    """Dub a video into other languages

     An uploaded video, or a finished one of yours, is said again in each language: a video for each,
    paid and retried apart from the others. Returns at once; the work goes on in the background. Send an
    Idempotency-Key: the same key gives the same record.

    Args:
        idempotency_key (str | Unset):
        body (NewDubs): Dub an uploaded video, or a finished one, into other languages.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | VideoList]
    """

    kwargs = _get_kwargs(
        body=body,
        idempotency_key=idempotency_key,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient | Client,
    body: NewDubs,
    idempotency_key: str | Unset = UNSET,
) -> ErrorBody | VideoList | None:
    """Dub a video into other languages

     An uploaded video, or a finished one of yours, is said again in each language: a video for each,
    paid and retried apart from the others. Returns at once; the work goes on in the background. Send an
    Idempotency-Key: the same key gives the same record.

    Args:
        idempotency_key (str | Unset):
        body (NewDubs): Dub an uploaded video, or a finished one, into other languages.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | VideoList
    """

    return sync_detailed(
        client=client,
        body=body,
        idempotency_key=idempotency_key,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
    body: NewDubs,
    idempotency_key: str | Unset = UNSET,
) -> Response[ErrorBody | VideoList]:
    """Dub a video into other languages

     An uploaded video, or a finished one of yours, is said again in each language: a video for each,
    paid and retried apart from the others. Returns at once; the work goes on in the background. Send an
    Idempotency-Key: the same key gives the same record.

    Args:
        idempotency_key (str | Unset):
        body (NewDubs): Dub an uploaded video, or a finished one, into other languages.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | VideoList]
    """

    kwargs = _get_kwargs(
        body=body,
        idempotency_key=idempotency_key,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient | Client,
    body: NewDubs,
    idempotency_key: str | Unset = UNSET,
) -> ErrorBody | VideoList | None:
    """Dub a video into other languages

     An uploaded video, or a finished one of yours, is said again in each language: a video for each,
    paid and retried apart from the others. Returns at once; the work goes on in the background. Send an
    Idempotency-Key: the same key gives the same record.

    Args:
        idempotency_key (str | Unset):
        body (NewDubs): Dub an uploaded video, or a finished one, into other languages.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | VideoList
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
            idempotency_key=idempotency_key,
        )
    ).parsed
