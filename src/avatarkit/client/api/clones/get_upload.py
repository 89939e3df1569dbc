from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...types import Response, UNSET
from ... import errors

from ...models.error_body import ErrorBody
from ...models.upload import Upload
from ...models.upload_role import UploadRole
from ...types import UNSET, Unset
from typing import cast


def _get_kwargs(
    clone_id: str,
    role: UploadRole,
    name: str,
    *,
    upload_id: str | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["upload_id"] = upload_id

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/clones/{clone_id}/uploads/{role}/{name}".format(
            clone_id=quote(str(clone_id), safe=""),
            role=quote(str(role), safe=""),
            name=quote(str(name), safe=""),
        ),
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ErrorBody | Upload | None:
    if response.status_code == 200:
        response_200 = Upload.from_dict(response.json())

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

    if response.status_code == 409:
        response_409 = ErrorBody.from_dict(response.json())

        return response_409

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
) -> Response[ErrorBody | Upload]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    clone_id: str,
    role: UploadRole,
    name: str,
    *,
    client: AuthenticatedClient | Client,
    upload_id: str | Unset = UNSET,
) -> Response[ErrorBody | Upload]:
    """Get the result of an upload

     The sample that was stored, and its findings; 422 if it was rejected.

    Args:
        clone_id (str):
        role (UploadRole):
        name (str):
        upload_id (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | Upload]
    """

    kwargs = _get_kwargs(
        clone_id=clone_id,
        role=role,
        name=name,
        upload_id=upload_id,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    clone_id: str,
    role: UploadRole,
    name: str,
    *,
    client: AuthenticatedClient | Client,
    upload_id: str | Unset = UNSET,
) -> ErrorBody | Upload | None:
    """Get the result of an upload

     The sample that was stored, and its findings; 422 if it was rejected.

    Args:
        clone_id (str):
        role (UploadRole):
        name (str):
        upload_id (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | Upload
    """

    return sync_detailed(
        clone_id=clone_id,
        role=role,
        name=name,
        client=client,
        upload_id=upload_id,
    ).parsed


async def asyncio_detailed(
    clone_id: str,
    role: UploadRole,
    name: str,
    *,
    client: AuthenticatedClient | Client,
    upload_id: str | Unset = UNSET,
) -> Response[ErrorBody | Upload]:
    """Get the result of an upload

     The sample that was stored, and its findings; 422 if it was rejected.

    Args:
        clone_id (str):
        role (UploadRole):
        name (str):
        upload_id (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | Upload]
    """

    kwargs = _get_kwargs(
        clone_id=clone_id,
        role=role,
        name=name,
        upload_id=upload_id,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    clone_id: str,
    role: UploadRole,
    name: str,
    *,
    client: AuthenticatedClient | Client,
    upload_id: str | Unset = UNSET,
) -> ErrorBody | Upload | None:
    """Get the result of an upload

     The sample that was stored, and its findings; 422 if it was rejected.

    Args:
        clone_id (str):
        role (UploadRole):
        name (str):
        upload_id (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | Upload
    """

    return (
        await asyncio_detailed(
            clone_id=clone_id,
            role=role,
            name=name,
            client=client,
            upload_id=upload_id,
        )
    ).parsed
