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
from ...types import File, FileTypes
from ...types import UNSET, Unset
from io import BytesIO
from typing import cast


def _get_kwargs(
    clone_id: str,
    role: UploadRole,
    name: str,
    *,
    body: File,
    stack: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    params: dict[str, Any] = {}

    params["stack"] = stack

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "put",
        "url": "/clones/{clone_id}/uploads/{role}/{name}".format(
            clone_id=quote(str(clone_id), safe=""),
            role=quote(str(role), safe=""),
            name=quote(str(name), safe=""),
        ),
        "params": params,
    }

    _kwargs["content"] = body.payload
    headers["Content-Type"] = "application/octet-stream"

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

    if response.status_code == 409:
        response_409 = ErrorBody.from_dict(response.json())

        return response_409

    if response.status_code == 413:
        response_413 = ErrorBody.from_dict(response.json())

        return response_413

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
    body: File,
    stack: str | Unset = UNSET,
) -> Response[ErrorBody | Upload]:
    """Upload a whole file

     A voice or footage is validated and stored as a sample; evidence and recordings are kept for a day
    until a request names them. Large files: see `createUpload`.

    Args:
        clone_id (str):
        role (UploadRole):
        name (str):
        stack (str | Unset):
        body (File):

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
        body=body,
        stack=stack,
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
    body: File,
    stack: str | Unset = UNSET,
) -> ErrorBody | Upload | None:
    """Upload a whole file

     A voice or footage is validated and stored as a sample; evidence and recordings are kept for a day
    until a request names them. Large files: see `createUpload`.

    Args:
        clone_id (str):
        role (UploadRole):
        name (str):
        stack (str | Unset):
        body (File):

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
        body=body,
        stack=stack,
    ).parsed


async def asyncio_detailed(
    clone_id: str,
    role: UploadRole,
    name: str,
    *,
    client: AuthenticatedClient | Client,
    body: File,
    stack: str | Unset = UNSET,
) -> Response[ErrorBody | Upload]:
    """Upload a whole file

     A voice or footage is validated and stored as a sample; evidence and recordings are kept for a day
    until a request names them. Large files: see `createUpload`.

    Args:
        clone_id (str):
        role (UploadRole):
        name (str):
        stack (str | Unset):
        body (File):

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
        body=body,
        stack=stack,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    clone_id: str,
    role: UploadRole,
    name: str,
    *,
    client: AuthenticatedClient | Client,
    body: File,
    stack: str | Unset = UNSET,
) -> ErrorBody | Upload | None:
    """Upload a whole file

     A voice or footage is validated and stored as a sample; evidence and recordings are kept for a day
    until a request names them. Large files: see `createUpload`.

    Args:
        clone_id (str):
        role (UploadRole):
        name (str):
        stack (str | Unset):
        body (File):

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
            body=body,
            stack=stack,
        )
    ).parsed
