from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...types import Response, UNSET
from ... import errors

from ...models.error_body import ErrorBody
from ...models.new_video import NewVideo
from ...models.video import Video
from ...types import UNSET, Unset
from typing import cast


def _get_kwargs(
    training_id: str,
    *,
    body: NewVideo,
    idempotency_key: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/trainings/{training_id}/videos".format(
            training_id=quote(str(training_id), safe=""),
        ),
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ErrorBody | Video | None:
    if response.status_code == 201:
        response_201 = Video.from_dict(response.json())

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
) -> Response[ErrorBody | Video]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    training_id: str,
    *,
    client: AuthenticatedClient | Client,
    body: NewVideo,
    idempotency_key: str | Unset = UNSET,
) -> Response[ErrorBody | Video]:
    """Generate a video

     The trained avatar, or a stock avatar of its vendor, speaks the text or the scenes. Returns at once;
    the work goes on in the background. Send an Idempotency-Key: the same key gives the same record.

    Args:
        training_id (str):
        idempotency_key (str | Unset):
        body (NewVideo): Generate a video with a trained avatar, or with its voice and a stock
            avatar.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | Video]
    """

    kwargs = _get_kwargs(
        training_id=training_id,
        body=body,
        idempotency_key=idempotency_key,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    training_id: str,
    *,
    client: AuthenticatedClient | Client,
    body: NewVideo,
    idempotency_key: str | Unset = UNSET,
) -> ErrorBody | Video | None:
    """Generate a video

     The trained avatar, or a stock avatar of its vendor, speaks the text or the scenes. Returns at once;
    the work goes on in the background. Send an Idempotency-Key: the same key gives the same record.

    Args:
        training_id (str):
        idempotency_key (str | Unset):
        body (NewVideo): Generate a video with a trained avatar, or with its voice and a stock
            avatar.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | Video
    """

    return sync_detailed(
        training_id=training_id,
        client=client,
        body=body,
        idempotency_key=idempotency_key,
    ).parsed


async def asyncio_detailed(
    training_id: str,
    *,
    client: AuthenticatedClient | Client,
    body: NewVideo,
    idempotency_key: str | Unset = UNSET,
) -> Response[ErrorBody | Video]:
    """Generate a video

     The trained avatar, or a stock avatar of its vendor, speaks the text or the scenes. Returns at once;
    the work goes on in the background. Send an Idempotency-Key: the same key gives the same record.

    Args:
        training_id (str):
        idempotency_key (str | Unset):
        body (NewVideo): Generate a video with a trained avatar, or with its voice and a stock
            avatar.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | Video]
    """

    kwargs = _get_kwargs(
        training_id=training_id,
        body=body,
        idempotency_key=idempotency_key,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    training_id: str,
    *,
    client: AuthenticatedClient | Client,
    body: NewVideo,
    idempotency_key: str | Unset = UNSET,
) -> ErrorBody | Video | None:
    """Generate a video

     The trained avatar, or a stock avatar of its vendor, speaks the text or the scenes. Returns at once;
    the work goes on in the background. Send an Idempotency-Key: the same key gives the same record.

    Args:
        training_id (str):
        idempotency_key (str | Unset):
        body (NewVideo): Generate a video with a trained avatar, or with its voice and a stock
            avatar.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | Video
    """

    return (
        await asyncio_detailed(
            training_id=training_id,
            client=client,
            body=body,
            idempotency_key=idempotency_key,
        )
    ).parsed
