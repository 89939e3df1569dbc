from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...types import Response, UNSET
from ... import errors

from ...models.error_body import ErrorBody
from ...models.upload_chunk_tus_resumable import UploadChunkTusResumable
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
    upload_id: str | Unset = UNSET,
    tus_resumable: UploadChunkTusResumable,
    upload_offset: int,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    headers["Tus-Resumable"] = str(tus_resumable)

    headers["Upload-Offset"] = str(upload_offset)

    params: dict[str, Any] = {}

    params["upload_id"] = upload_id

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "patch",
        "url": "/clones/{clone_id}/uploads/{role}/{name}".format(
            clone_id=quote(str(clone_id), safe=""),
            role=quote(str(role), safe=""),
            name=quote(str(name), safe=""),
        ),
        "params": params,
    }

    _kwargs["content"] = body.payload
    headers["Content-Type"] = "application/offset+octet-stream"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Any | ErrorBody | None:
    if response.status_code == 204:
        response_204 = cast(Any, None)
        return response_204

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

    if response.status_code == 412:
        response_412 = ErrorBody.from_dict(response.json())

        return response_412

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
) -> Response[Any | ErrorBody]:
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
    upload_id: str | Unset = UNSET,
    tus_resumable: UploadChunkTusResumable,
    upload_offset: int,
) -> Response[Any | ErrorBody]:
    """Continue an upload (tus)

     After the last byte, a voice or footage is validated and stored as a sample; see `getUpload`.

    Args:
        clone_id (str):
        role (UploadRole):
        name (str):
        upload_id (str | Unset):
        tus_resumable (UploadChunkTusResumable):
        upload_offset (int):
        body (File):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | ErrorBody]
    """

    kwargs = _get_kwargs(
        clone_id=clone_id,
        role=role,
        name=name,
        body=body,
        upload_id=upload_id,
        tus_resumable=tus_resumable,
        upload_offset=upload_offset,
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
    upload_id: str | Unset = UNSET,
    tus_resumable: UploadChunkTusResumable,
    upload_offset: int,
) -> Any | ErrorBody | None:
    """Continue an upload (tus)

     After the last byte, a voice or footage is validated and stored as a sample; see `getUpload`.

    Args:
        clone_id (str):
        role (UploadRole):
        name (str):
        upload_id (str | Unset):
        tus_resumable (UploadChunkTusResumable):
        upload_offset (int):
        body (File):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | ErrorBody
    """

    return sync_detailed(
        clone_id=clone_id,
        role=role,
        name=name,
        client=client,
        body=body,
        upload_id=upload_id,
        tus_resumable=tus_resumable,
        upload_offset=upload_offset,
    ).parsed


async def asyncio_detailed(
    clone_id: str,
    role: UploadRole,
    name: str,
    *,
    client: AuthenticatedClient | Client,
    body: File,
    upload_id: str | Unset = UNSET,
    tus_resumable: UploadChunkTusResumable,
    upload_offset: int,
) -> Response[Any | ErrorBody]:
    """Continue an upload (tus)

     After the last byte, a voice or footage is validated and stored as a sample; see `getUpload`.

    Args:
        clone_id (str):
        role (UploadRole):
        name (str):
        upload_id (str | Unset):
        tus_resumable (UploadChunkTusResumable):
        upload_offset (int):
        body (File):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | ErrorBody]
    """

    kwargs = _get_kwargs(
        clone_id=clone_id,
        role=role,
        name=name,
        body=body,
        upload_id=upload_id,
        tus_resumable=tus_resumable,
        upload_offset=upload_offset,
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
    upload_id: str | Unset = UNSET,
    tus_resumable: UploadChunkTusResumable,
    upload_offset: int,
) -> Any | ErrorBody | None:
    """Continue an upload (tus)

     After the last byte, a voice or footage is validated and stored as a sample; see `getUpload`.

    Args:
        clone_id (str):
        role (UploadRole):
        name (str):
        upload_id (str | Unset):
        tus_resumable (UploadChunkTusResumable):
        upload_offset (int):
        body (File):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | ErrorBody
    """

    return (
        await asyncio_detailed(
            clone_id=clone_id,
            role=role,
            name=name,
            client=client,
            body=body,
            upload_id=upload_id,
            tus_resumable=tus_resumable,
            upload_offset=upload_offset,
        )
    ).parsed
