from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...types import Response, UNSET
from ... import errors

from ...models.get_upload_offset_tus_resumable import GetUploadOffsetTusResumable
from ...models.upload_role import UploadRole
from ...types import UNSET, Unset


def _get_kwargs(
    clone_id: str,
    role: UploadRole,
    name: str,
    *,
    upload_id: str | Unset = UNSET,
    tus_resumable: GetUploadOffsetTusResumable,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    headers["Tus-Resumable"] = str(tus_resumable)

    params: dict[str, Any] = {}

    params["upload_id"] = upload_id

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "head",
        "url": "/clones/{clone_id}/uploads/{role}/{name}".format(
            clone_id=quote(str(clone_id), safe=""),
            role=quote(str(role), safe=""),
            name=quote(str(name), safe=""),
        ),
        "params": params,
    }

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Any | None:
    if response.status_code == 204:
        return None

    if response.status_code == 400:
        return None

    if response.status_code == 401:
        return None

    if response.status_code == 404:
        return None

    if response.status_code == 412:
        return None

    if response.status_code == 421:
        return None

    if response.status_code == 429:
        return None

    if response.status_code == 500:
        return None

    if response.status_code == 503:
        return None

    if client.raise_on_unexpected_status:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    else:
        return None


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[Any]:
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
    tus_resumable: GetUploadOffsetTusResumable,
) -> Response[Any]:
    """Get the offset of an upload (tus)

     The upload continues there. Offset and length are equal for a complete file.

    Args:
        clone_id (str):
        role (UploadRole):
        name (str):
        upload_id (str | Unset):
        tus_resumable (GetUploadOffsetTusResumable):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any]
    """

    kwargs = _get_kwargs(
        clone_id=clone_id,
        role=role,
        name=name,
        upload_id=upload_id,
        tus_resumable=tus_resumable,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


async def asyncio_detailed(
    clone_id: str,
    role: UploadRole,
    name: str,
    *,
    client: AuthenticatedClient | Client,
    upload_id: str | Unset = UNSET,
    tus_resumable: GetUploadOffsetTusResumable,
) -> Response[Any]:
    """Get the offset of an upload (tus)

     The upload continues there. Offset and length are equal for a complete file.

    Args:
        clone_id (str):
        role (UploadRole):
        name (str):
        upload_id (str | Unset):
        tus_resumable (GetUploadOffsetTusResumable):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any]
    """

    kwargs = _get_kwargs(
        clone_id=clone_id,
        role=role,
        name=name,
        upload_id=upload_id,
        tus_resumable=tus_resumable,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)
