from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...types import Response, UNSET
from ... import errors

from ...models.catalogue_list import CatalogueList
from ...models.error_body import ErrorBody
from ...types import UNSET, Unset
from typing import cast


def _get_kwargs(
    provider: str,
    *,
    cursor: str | Unset = UNSET,
    limit: int | Unset = UNSET,
    query: str | Unset = UNSET,
    language: str | Unset = UNSET,
    gender: str | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["cursor"] = cursor

    params["limit"] = limit

    params["query"] = query

    params["language"] = language

    params["gender"] = gender

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/catalogue/{provider}/avatars".format(
            provider=quote(str(provider), safe=""),
        ),
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> CatalogueList | ErrorBody | None:
    if response.status_code == 200:
        response_200 = CatalogueList.from_dict(response.json())

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
) -> Response[CatalogueList | ErrorBody]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    provider: str,
    *,
    client: AuthenticatedClient | Client,
    cursor: str | Unset = UNSET,
    limit: int | Unset = UNSET,
    query: str | Unset = UNSET,
    language: str | Unset = UNSET,
    gender: str | Unset = UNSET,
) -> Response[CatalogueList | ErrorBody]:
    """List a vendor's stock avatars

     What the account itself made is left out: it shows other users.

    Args:
        provider (str):
        cursor (str | Unset):
        limit (int | Unset):
        query (str | Unset):
        language (str | Unset):
        gender (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[CatalogueList | ErrorBody]
    """

    kwargs = _get_kwargs(
        provider=provider,
        cursor=cursor,
        limit=limit,
        query=query,
        language=language,
        gender=gender,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    provider: str,
    *,
    client: AuthenticatedClient | Client,
    cursor: str | Unset = UNSET,
    limit: int | Unset = UNSET,
    query: str | Unset = UNSET,
    language: str | Unset = UNSET,
    gender: str | Unset = UNSET,
) -> CatalogueList | ErrorBody | None:
    """List a vendor's stock avatars

     What the account itself made is left out: it shows other users.

    Args:
        provider (str):
        cursor (str | Unset):
        limit (int | Unset):
        query (str | Unset):
        language (str | Unset):
        gender (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        CatalogueList | ErrorBody
    """

    return sync_detailed(
        provider=provider,
        client=client,
        cursor=cursor,
        limit=limit,
        query=query,
        language=language,
        gender=gender,
    ).parsed


async def asyncio_detailed(
    provider: str,
    *,
    client: AuthenticatedClient | Client,
    cursor: str | Unset = UNSET,
    limit: int | Unset = UNSET,
    query: str | Unset = UNSET,
    language: str | Unset = UNSET,
    gender: str | Unset = UNSET,
) -> Response[CatalogueList | ErrorBody]:
    """List a vendor's stock avatars

     What the account itself made is left out: it shows other users.

    Args:
        provider (str):
        cursor (str | Unset):
        limit (int | Unset):
        query (str | Unset):
        language (str | Unset):
        gender (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[CatalogueList | ErrorBody]
    """

    kwargs = _get_kwargs(
        provider=provider,
        cursor=cursor,
        limit=limit,
        query=query,
        language=language,
        gender=gender,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    provider: str,
    *,
    client: AuthenticatedClient | Client,
    cursor: str | Unset = UNSET,
    limit: int | Unset = UNSET,
    query: str | Unset = UNSET,
    language: str | Unset = UNSET,
    gender: str | Unset = UNSET,
) -> CatalogueList | ErrorBody | None:
    """List a vendor's stock avatars

     What the account itself made is left out: it shows other users.

    Args:
        provider (str):
        cursor (str | Unset):
        limit (int | Unset):
        query (str | Unset):
        language (str | Unset):
        gender (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        CatalogueList | ErrorBody
    """

    return (
        await asyncio_detailed(
            provider=provider,
            client=client,
            cursor=cursor,
            limit=limit,
            query=query,
            language=language,
            gender=gender,
        )
    ).parsed
