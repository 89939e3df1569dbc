from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...types import Response, UNSET
from ... import errors

from ...models.delete_upload_tus_resumable import DeleteUploadTusResumable
from ...models.error_body import ErrorBody
from ...models.upload_role import UploadRole
from ...types import UNSET, Unset
from typing import cast


def _get_kwargs(
    clone_id: str,
    role: UploadRole,
    name: str,
    *,
    upload_id: str | Unset = UNSET,
    tus_resumable: DeleteUploadTusResumable,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    headers["Tus-Resumable"] = str(tus_resumable)

    params: dict[str, Any] = {}

    params["upload_id"] = upload_id

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "delete",
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
    upload_id: str | Unset = UNSET,
    tus_resumable: DeleteUploadTusResumable,
) -> Response[Any | ErrorBody]:
    """Delete an upload (tus)

     A sample that was made of it remains.

    Args:
        clone_id (str):
        role (UploadRole):
        name (str):
        upload_id (str | Unset):
        tus_resumable (DeleteUploadTusResumable):

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
        upload_id=upload_id,
        tus_resumable=tus_resumable,
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
    tus_resumable: DeleteUploadTusResumable,
) -> Any | ErrorBody | None:
    """Delete an upload (tus)

     A sample that was made of it remains.

    Args:
        clone_id (str):
        role (UploadRole):
        name (str):
        upload_id (str | Unset):
        tus_resumable (DeleteUploadTusResumable):

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
        upload_id=upload_id,
        tus_resumable=tus_resumable,
    ).parsed


async def asyncio_detailed(
    clone_id: str,
    role: UploadRole,
    name: str,
    *,
    client: AuthenticatedClient | Client,
    upload_id: str | Unset = UNSET,
    tus_resumable: DeleteUploadTusResumable,
) -> Response[Any | ErrorBody]:
    """Delete an upload (tus)

     A sample that was made of it remains.

    Args:
        clone_id (str):
        role (UploadRole):
        name (str):
        upload_id (str | Unset):
        tus_resumable (DeleteUploadTusResumable):

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
        upload_id=upload_id,
        tus_resumable=tus_resumable,
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
    tus_resumable: DeleteUploadTusResumable,
) -> Any | ErrorBody | None:
    """Delete an upload (tus)

     A sample that was made of it remains.

    Args:
        clone_id (str):
        role (UploadRole):
        name (str):
        upload_id (str | Unset):
        tus_resumable (DeleteUploadTusResumable):

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
            upload_id=upload_id,
            tus_resumable=tus_resumable,
        )
    ).parsed
