"""Commands about money: quote, compare, prices, costs and budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .session import Panel, Session, command

if TYPE_CHECKING:
    from ..models import VideoSettings
    from ..pricing import Prices, Workload

PricesFile = Annotated[
    Path | None,
    typer.Option(
        "--prices", metavar="FILE", help="Your own price file; by default AVATARKIT_PRICES."
    ),
]
Choose = Annotated[
    list[str] | None,
    typer.Option(metavar="PROVIDER=NAME", help="Plan or variant that you have; repeatable."),
]
SETTINGS = "Video settings"
Resolution = Annotated[
    str | None, typer.Option(metavar="SIZE", help="360p to 1440p, or 4k.", rich_help_panel=SETTINGS)
]
Quality = Annotated[
    str | None,
    typer.Option(metavar="WORD", help="draft, standard or best.", rich_help_panel=SETTINGS),
]
Test = Annotated[
    bool, typer.Option("--test", help="Free or watermarked, to try.", rich_help_panel=SETTINGS)
]
Store = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Media store: s3, supabase, folder; by default yours."),
]
MaxCost = Annotated[
    str | None,
    typer.Option(metavar="AMOUNT", help='Maximum expected cost in US dollars, such as "2.00".'),
]
AllowUnknown = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PROVIDER",
        help="Allow this provider even if its price is unknown; repeatable.",
    ),
]


def cost_limit(max_cost: str | None, allow_unknown: Sequence[str] | None) -> dict[str, Any]:
    """Return the limit as arguments of ``kit.train`` and ``kit.speak``."""
    from ..pricing.money import money

    limit = None if max_cost is None else money(max_cost)
    return {"max_cost": limit, "allow_unknown": allow_unknown or ()}


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    command(app, "quote", Panel.MONEY)(_quote)
    command(app, "compare", Panel.MONEY)(_compare)
    command(app, "prices", Panel.MONEY)(_prices)
    command(app, "costs", Panel.MONEY)(_costs)
    command(app, "budget", Panel.MONEY)(_budget)


def _today() -> date:
    return datetime.now(UTC).date()


def _loaded(file: Path | None) -> Prices:
    """Load the price entries of the package, of installed providers, and of the user's file."""
    from ..config.settings import Settings
    from ..pricing import Prices
    from ..stacks.registry import usable

    own = file or Settings.from_env().environ.get("AVATARKIT_PRICES")
    return Prices.load(plugins=usable().values(), file=own)


def video_settings(**given: Any) -> VideoSettings:
    """Build the settings from flags; raises ``ConfigError`` that names a wrong one."""
    from ..models import VideoSettings

    return VideoSettings(**given)


def _store() -> str:
    """Name the media store of the settings, as price entries do."""
    from ..config import addresses
    from ..config.settings import Settings

    settings = Settings.from_env()
    return addresses.billed_as(settings.media, settings.environ)


def _chosen(pairs: Sequence[str] | None) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for pair in pairs or ():
        provider, equals, name = pair.partition("=")
        if not (provider and equals and name):
            raise typer.BadParameter(f"{pair!r} is not PROVIDER=NAME", param_hint="--choose")
        found.setdefault(provider, []).append(name)
    return found


async def _quote(
    session: Session,
    text: Annotated[str | None, typer.Argument(metavar="TEXT", help="Text of each video.")] = None,
    *,
    seconds: Annotated[
        float | None, typer.Option(help="Length of each video; by default 60.")
    ] = None,
    trainings: Annotated[int, typer.Option(help="Avatars a month.")] = 1,
    videos: Annotated[int, typer.Option(help="Videos a month.")] = 1,
    dubs: Annotated[int, typer.Option(help="Dubbed videos a month.")] = 0,
    resolution: Resolution = None,
    quality: Quality = None,
    test: Test = False,
    store: Store = None,
    choose: Choose = None,
    prices_file: PricesFile = None,
) -> None:
    """Estimate monthly cost on one stack.

    Example: `avatarkit quote --stack heygen --videos 20 --seconds 90`
    """
    from ..config.settings import Settings
    from ..interfaces import require_pictures
    from ..models import Operation
    from ..pricing import quote
    from ..stacks.registry import Stack, load, usable
    from . import price_tables

    stack = Stack.parse(session.stack or Settings.from_env().stack)
    settings = video_settings(resolution=resolution, quality=quality, test=test)
    if maker := stack.roles.get(Operation.VIDEO):
        require_pictures(load(maker), settings, lambda: usable().values())
    found = quote(
        stack,
        script=text,
        seconds=seconds,
        trainings=trainings,
        videos_per_month=videos,
        dubs_per_month=dubs,
        settings=settings,
        store=store or _store(),
        prices=_loaded(prices_file),
        choose=_chosen(choose),
    )
    price_tables.show_quote(session.out, found, _today())


async def _compare(
    session: Session,
    *,
    avatars: Annotated[int, typer.Option(help="Avatars trained a month.")] = 1,
    minutes: Annotated[float, typer.Option(help="Minutes of video a month.")] = 1,
    video_seconds: Annotated[float, typer.Option(help="Length of each video.")] = 60,
    only: Annotated[
        list[str] | None, typer.Option(metavar="STACK", help="Compare this stack; repeatable.")
    ] = None,
    store: Store = None,
    choose: Choose = None,
    prices_file: PricesFile = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print comma-separated values.")] = False,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw cost by volume to a .png, .svg or .pdf."),
    ] = None,
) -> None:
    """Compare monthly cost on all stacks.

    Example: `avatarkit compare --avatars 100 --minutes 200 --only heygen --only elevenlabs+d-id`
    """
    from ..pricing import compare
    from ..stacks.registry import Stack, stacks
    from . import price_tables

    prices = _loaded(prices_file)
    if as_csv and session.out.as_json:
        raise typer.BadParameter("give either --csv or --json")
    picked = _chosen(choose)
    rows = stacks() if only is None else ()
    asked = [Stack.parse(name) for name in only or ()]
    asked += [Stack(row.stack, row.roles) for row in rows if row.problem is None]
    workload = replace(_workload(avatars, minutes, video_seconds), store=store or _store())
    found = compare(asked, workload, prices, picked)
    if as_csv:
        session.out.result(None, price_tables.comparison_csv(found))
    else:
        price_tables.show_comparison(session.out, found, _today())
    if plot is not None:
        from ..pricing.plot import plot as draw

        draw(found, plot, prices, picked)
        session.out.hint(f"drawn to {plot}")


def _workload(avatars: int, minutes: float, video_seconds: float) -> Workload:
    """Round the minutes up to whole videos."""
    from ..pricing import Workload

    seconds, wanted = Decimal(str(video_seconds)), Decimal(str(minutes)) * 60
    if not (seconds.is_finite() and seconds > 0 and wanted.is_finite()):
        raise typer.BadParameter("lengths are numbers above 0", param_hint="--video-seconds")
    return Workload(trainings=avatars, videos=ceil(wanted / seconds), seconds=seconds)


async def _prices(
    session: Session,
    provider: Annotated[
        str | None, typer.Argument(metavar="PROVIDER", help="Only this provider's.")
    ] = None,
    *,
    prices_file: PricesFile = None,
) -> None:
    """List price entries.

    Example: `avatarkit prices heygen`
    """
    from ..stacks import registry
    from . import price_tables

    found = [p for p in _loaded(prices_file) if provider in (None, p.provider)]
    if provider is not None and not found:
        registry.load(provider)  # raises if there is no such provider
    price_tables.show_prices(session.out, found, _today())


async def _costs(
    session: Session,
    record: Annotated[
        str | None, typer.Argument(metavar="ID", help="Only this training's or video's.")
    ] = None,
    *,
    choose: Choose = None,
    prices_file: PricesFile = None,
    balances: Annotated[
        bool, typer.Option("--balances", help="Also show the balances at the stack's vendors.")
    ] = False,
) -> None:
    """Show vendor-reported cost next to the quote.

    Example: `avatarkit costs $ID --balances`
    """
    from . import price_tables

    prices = _loaded(prices_file)
    async with session.kit(worker=False) as kit:
        found = await kit.prices.costs(record, prices=prices, choose=_chosen(choose))
        left = await kit.prices.balances() if balances else None
    price_tables.show_costs(session.out, found, left)


async def _budget(
    session: Session,
    user: Annotated[str | None, typer.Option(help="Also show this user's budget.")] = None,
) -> None:
    """Show what is spent and reserved of this month's budgets.

    Example: `avatarkit budget --user user-42`
    """
    from . import price_tables

    async with session.kit(worker=False) as kit:
        found = await kit.prices.budgets(user)
    price_tables.show_budgets(session.out, found)
