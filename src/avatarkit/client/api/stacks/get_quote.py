from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...types import Response, UNSET
from ... import errors

from ...models.error_body import ErrorBody
from ...models.get_quote_quality import GetQuoteQuality
from ...models.get_quote_resolution import GetQuoteResolution
from ...models.get_quote_test import GetQuoteTest
from ...models.quote import Quote
from ...types import UNSET, Unset
from typing import cast


def _get_kwargs(
    *,
    stack: str | Unset = UNSET,
    script: str | Unset = UNSET,
    seconds: float | Unset = UNSET,
    trainings: int | Unset = UNSET,
    videos: int | Unset = UNSET,
    dubs: int | Unset = UNSET,
    quality: GetQuoteQuality | Unset = UNSET,
    resolution: GetQuoteResolution | Unset = UNSET,
    test: GetQuoteTest | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["stack"] = stack

    params["script"] = script

    params["seconds"] = seconds

    params["trainings"] = trainings

    params["videos"] = videos

    params["dubs"] = dubs

    json_quality: str | Unset = UNSET
    if not isinstance(quality, Unset):
        json_quality = quality.value

    params["quality"] = json_quality

    json_resolution: str | Unset = UNSET
    if not isinstance(resolution, Unset):
        json_resolution = resolution.value

    params["resolution"] = json_resolution

    json_test: str | Unset = UNSET
    if not isinstance(test, Unset):
        json_test = test.value

    params["test"] = json_test

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/quote",
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ErrorBody | Quote | None:
    if response.status_code == 200:
        response_200 = Quote.from_dict(response.json())

        return response_200

    if response.status_code == 400:
        response_400 = ErrorBody.from_dict(response.json())

        return response_400

    if response.status_code == 401:
        response_401 = ErrorBody.from_dict(response.json())

        return response_401

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
) -> Response[ErrorBody | Quote]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient | Client,
    stack: str | Unset = UNSET,
    script: str | Unset = UNSET,
    seconds: float | Unset = UNSET,
    trainings: int | Unset = UNSET,
    videos: int | Unset = UNSET,
    dubs: int | Unset = UNSET,
    quality: GetQuoteQuality | Unset = UNSET,
    resolution: GetQuoteResolution | Unset = UNSET,
    test: GetQuoteTest | Unset = UNSET,
) -> Response[ErrorBody | Quote]:
    """Estimate a month's cost

     Computed from dated price entries; nothing is sent to a provider.

    Args:
        stack (str | Unset):
        script (str | Unset):
        seconds (float | Unset):
        trainings (int | Unset):
        videos (int | Unset):
        dubs (int | Unset):
        quality (GetQuoteQuality | Unset):
        resolution (GetQuoteResolution | Unset):
        test (GetQuoteTest | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | Quote]
    """

    kwargs = _get_kwargs(
        stack=stack,
        script=script,
        seconds=seconds,
        trainings=trainings,
        videos=videos,
        dubs=dubs,
        quality=quality,
        resolution=resolution,
        test=test,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient | Client,
    stack: str | Unset = UNSET,
    script: str | Unset = UNSET,
    seconds: float | Unset = UNSET,
    trainings: int | Unset = UNSET,
    videos: int | Unset = UNSET,
    dubs: int | Unset = UNSET,
    quality: GetQuoteQuality | Unset = UNSET,
    resolution: GetQuoteResolution | Unset = UNSET,
    test: GetQuoteTest | Unset = UNSET,
) -> ErrorBody | Quote | None:
    """Estimate a month's cost

     Computed from dated price entries; nothing is sent to a provider.

    Args:
        stack (str | Unset):
        script (str | Unset):
        seconds (float | Unset):
        trainings (int | Unset):
        videos (int | Unset):
        dubs (int | Unset):
        quality (GetQuoteQuality | Unset):
        resolution (GetQuoteResolution | Unset):
        test (GetQuoteTest | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | Quote
    """

    return sync_detailed(
        client=client,
        stack=stack,
        script=script,
        seconds=seconds,
        trainings=trainings,
        videos=videos,
        dubs=dubs,
        quality=quality,
        resolution=resolution,
        test=test,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
    stack: str | Unset = UNSET,
    script: str | Unset = UNSET,
    seconds: float | Unset = UNSET,
    trainings: int | Unset = UNSET,
    videos: int | Unset = UNSET,
    dubs: int | Unset = UNSET,
    quality: GetQuoteQuality | Unset = UNSET,
    resolution: GetQuoteResolution | Unset = UNSET,
    test: GetQuoteTest | Unset = UNSET,
) -> Response[ErrorBody | Quote]:
    """Estimate a month's cost

     Computed from dated price entries; nothing is sent to a provider.

    Args:
        stack (str | Unset):
        script (str | Unset):
        seconds (float | Unset):
        trainings (int | Unset):
        videos (int | Unset):
        dubs (int | Unset):
        quality (GetQuoteQuality | Unset):
        resolution (GetQuoteResolution | Unset):
        test (GetQuoteTest | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | Quote]
    """

    kwargs = _get_kwargs(
        stack=stack,
        script=script,
        seconds=seconds,
        trainings=trainings,
        videos=videos,
        dubs=dubs,
        quality=quality,
        resolution=resolution,
        test=test,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient | Client,
    stack: str | Unset = UNSET,
    script: str | Unset = UNSET,
    seconds: float | Unset = UNSET,
    trainings: int | Unset = UNSET,
    videos: int | Unset = UNSET,
    dubs: int | Unset = UNSET,
    quality: GetQuoteQuality | Unset = UNSET,
    resolution: GetQuoteResolution | Unset = UNSET,
    test: GetQuoteTest | Unset = UNSET,
) -> ErrorBody | Quote | None:
    """Estimate a month's cost

     Computed from dated price entries; nothing is sent to a provider.

    Args:
        stack (str | Unset):
        script (str | Unset):
        seconds (float | Unset):
        trainings (int | Unset):
        videos (int | Unset):
        dubs (int | Unset):
        quality (GetQuoteQuality | Unset):
        resolution (GetQuoteResolution | Unset):
        test (GetQuoteTest | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | Quote
    """

    return (
        await asyncio_detailed(
            client=client,
            stack=stack,
            script=script,
            seconds=seconds,
            trainings=trainings,
            videos=videos,
            dubs=dubs,
            quality=quality,
            resolution=resolution,
            test=test,
        )
    ).parsed
