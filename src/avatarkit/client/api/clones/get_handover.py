from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...types import Response, UNSET
from ... import errors

from ...models.error_body import ErrorBody
from ...models.handover import Handover
from typing import cast


def _get_kwargs(
    clone_id: str,
    handover_id: str,
) -> dict[str, Any]:

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/clones/{clone_id}/handovers/{handover_id}".format(
            clone_id=quote(str(clone_id), safe=""),
            handover_id=quote(str(handover_id), safe=""),
        ),
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ErrorBody | Handover | None:
    if response.status_code == 200:
        response_200 = Handover.from_dict(response.json())

        return response_200

    if response.status_code == 400:
        response_400 = ErrorBody.from_dict(response.json())

        return response_400

    if response.status_code == 401:
        response_401 = ErrorBody.from_dict(response.json())

        return response_401

    if response.status_code == 404:
        response_404 = ErrorBody.from_dict(response.json())

        return response_404

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
) -> Response[ErrorBody | Handover]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    clone_id: str,
    handover_id: str,
    *,
    client: AuthenticatedClient | Client,
) -> Response[ErrorBody | Handover]:
    """Get the state of a hand-over

     With the uploaded file once it is complete.

    Args:
        clone_id (str):
        handover_id (str):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | Handover]
    """

    kwargs = _get_kwargs(
        clone_id=clone_id,
        handover_id=handover_id,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    clone_id: str,
    handover_id: str,
    *,
    client: AuthenticatedClient | Client,
) -> ErrorBody | Handover | None:
    """Get the state of a hand-over

     With the uploaded file once it is complete.

    Args:
        clone_id (str):
        handover_id (str):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | Handover
    """

    return sync_detailed(
        clone_id=clone_id,
        handover_id=handover_id,
        client=client,
    ).parsed


async def asyncio_detailed(
    clone_id: str,
    handover_id: str,
    *,
    client: AuthenticatedClient | Client,
) -> Response[ErrorBody | Handover]:
    """Get the state of a hand-over

     With the uploaded file once it is complete.

    Args:
        clone_id (str):
        handover_id (str):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | Handover]
    """

    kwargs = _get_kwargs(
        clone_id=clone_id,
        handover_id=handover_id,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    clone_id: str,
    handover_id: str,
    *,
    client: AuthenticatedClient | Client,
) -> ErrorBody | Handover | None:
    """Get the state of a hand-over

     With the uploaded file once it is complete.

    Args:
        clone_id (str):
        handover_id (str):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | Handover
    """

    return (
        await asyncio_detailed(
            clone_id=clone_id,
            handover_id=handover_id,
            client=client,
        )
    ).parsed
