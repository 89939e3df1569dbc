"""``kit.prices``: quotes before paying, costs and budgets afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

from .. import errors, lazily
from .._lifetime import Lifetime, while_open

with lazily():
    from .. import interfaces, models, pricing
    from ..intake import arguments
    from ..stacks import registry

if TYPE_CHECKING:
    from ..intake.arguments import Id, RecordId
    from ..interfaces import Balance, Repository
    from ..lifecycle.durations import Durations
    from ..models import Operation, VideoSettings
    from ..stacks.provider_pool import ProviderPool
    from ..stacks.ranking import Offer, Stacks, StackSelector

#: Maximum characters of a script to quote; longer than any vendor's limit.
MAX_SCRIPT = 1_000_000


@while_open
class KitPrices:
    """Quote work, compare stacks, and read costs, balances and budgets."""

    def __init__(
        self,
        lifetime: Lifetime,
        *,
        repository: Repository,
        pool: ProviderPool,
        selector: StackSelector,
        durations: Durations,
        budgets: Sequence[pricing.Budget],
        store: str | None,
    ) -> None:
        self._lifetime = lifetime
        self._repository = repository
        self._pool = pool
        self._selector = selector
        self._durations = durations
        self._budgets = budgets
        self._store = store

    def quote(
        self,
        *,
        script: str | None = None,
        seconds: float | None = None,
        trainings: int = 1,
        videos_per_month: int = 1,
        dubs_per_month: int = 0,
        settings: VideoSettings | None = None,
        store: str | None = None,
        stack: str | Mapping[Operation, str] | None = None,
        prices: pricing.Prices | None = None,
        choose: pricing.Choice = MappingProxyType({}),
    ) -> pricing.Quote:
        """Quote a month's work on the stack, like ``pricing.quote``. Sends nothing.

        Raises ``Unsupported`` for ``settings`` that the provider of the videos does not have.
        ``store`` is by default the kit's own media store, if its address is known.

        Without ``prices``: the shipped rows, those of the stack's providers, and those of the file
        that ``AVATARKIT_PRICES`` names.
        """
        chosen = self._selector.first(arguments.stack("stack", stack))
        asked = arguments.settings("settings", settings)
        if maker := chosen.roles.get(models.Operation.VIDEO):
            interfaces.require_pictures(self._pool.class_of(maker), asked, self._pool.usable)
        return pricing.quote(
            chosen,
            script=None if script is None else arguments.text("script", script, most=MAX_SCRIPT),
            seconds=arguments.number("seconds", seconds),
            trainings=arguments.count("trainings", trainings),
            videos_per_month=arguments.count("videos_per_month", videos_per_month),
            dubs_per_month=arguments.count("dubs_per_month", dubs_per_month),
            settings=asked,
            store=arguments.optional("store", store) or self._store,
            prices=_prices(prices) or self._pool.prices(chosen.roles.values()),
            choose=_choice(choose),
        )

    def compare(
        self,
        workload: pricing.Workload | None = None,
        *,
        stacks: Sequence[str] | None = None,
        prices: pricing.Prices | None = None,
        choose: pricing.Choice = MappingProxyType({}),
    ) -> pricing.Comparison:
        """Compare a month's work on all stacks that can do it, like ``pricing.compare``.

        Without a workload: a training and a minute of video, in the kit's own media store.
        """
        found = (
            [
                registry.Stack(row.stack, row.roles)
                for row in registry.stacks()
                if row.problem is None
            ]
            if stacks is None
            else [self._selector.first(stack) for stack in _stacks(stacks)]
        )
        names = [name for stack in found for name in stack.roles.values()]
        given = arguments.optional_instance("workload", workload, pricing.Workload)
        work = given or pricing.Workload(store=self._store)
        rows = _prices(prices) or self._pool.prices(names)
        return pricing.compare(found, work, rows, _choice(choose))

    async def offers(self, stack: Stacks | None = None) -> list[Offer]:
        """The stacks that can be used here, in the order in which ``train`` tries them."""
        wanted = arguments.stacks("stack", stack)
        return self._selector.offers(wanted, await self._durations.took())

    async def costs(
        self,
        record_id: RecordId | None = None,
        *,
        prices: pricing.Prices | None = None,
        choose: pricing.Choice = MappingProxyType({}),
    ) -> list[pricing.Cost]:
        """The cost of each accepted call as its vendor reported it, beside the earlier quote."""
        wanted = arguments.optional("record_id", record_id)
        given, chosen = _prices(prices), _choice(choose)
        entries = await self._repository.ledger(wanted)
        ids = dict.fromkeys(entry.record_id for entry in entries)
        records = {id_: await self._repository.get(id_) for id_ in ids}
        rows = given or self._pool.prices(entry.provider for entry in entries)
        return [pricing.cost(entry, records[entry.record_id], rows, chosen) for entry in entries]

    async def balances(
        self, stack: Stacks | None = None
    ) -> dict[str, Balance | errors.AvatarKitError]:
        """The balance of each provider's account by name, or the error of its request.

        Asks the vendors, free of charge. A provider that costs money and has no such call gets
        ``Unsupported``; one that costs nothing is left out. A difference of two balances includes
        everything else that the account did.
        """
        asked = self._selector.asked(arguments.stacks("stack", stack))
        paid = dict.fromkeys(
            name
            for one in asked
            for operation, name in one.roles.items()
            if operation not in self._pool.capabilities(name).free
        )
        found: dict[str, Balance | errors.AvatarKitError] = {}
        for name in paid:
            try:
                found[name] = await self._balance(name)
            except errors.AvatarKitError as error:
                found[name] = error
        return found

    async def _balance(self, name: str) -> Balance:
        # The class tells it without a key.
        if not issubclass(self._pool.class_of(name), interfaces.TellsBalance):
            raise errors.Unsupported(
                f"{name} has no documented call that tells the balance: see its web app"
            )
        provider = cast("interfaces.TellsBalance", self._pool.provider(name))
        with interfaces.own_code(name, "balance"):
            told = cast("object", await provider.balance())
        if not isinstance(told, interfaces.Balance):
            raise errors.BadReply("it told no Balance", provider=name, operation="balance")
        return told

    async def spending(self) -> pricing.Spending:
        """The expected cost of this month's records of all users, in US dollars."""
        now = (await self._repository.now()).wall
        since, until = pricing.month(now)
        return pricing.Spending.of(now, await self._repository.held(since, until, None))

    async def budgets(self, user_id: Id | None = None) -> list[pricing.BudgetUse]:
        """This month's use of each budget; per-user budgets only with a ``user_id``."""
        user = arguments.optional("user_id", user_id)
        now = (await self._repository.now()).wall
        since, until = pricing.month(now)
        return [
            pricing.BudgetUse.of(
                budget,
                now,
                await self._repository.held(since, until, user if budget.per == "user" else None),
            )
            for budget in self._budgets
            if budget.per == "project" or user is not None
        ]


def _prices(given: object) -> pricing.Prices | None:
    return arguments.optional_instance("prices", given, pricing.Prices)


def _choice(given: object) -> pricing.Choice:
    """Return the chosen plans and variants by provider."""
    if not isinstance(given, Mapping):
        raise errors.ConfigError("choose must map providers to names of plans: {'heygen': ['Pro']}")
    pairs = cast("Mapping[object, object]", given).items()
    return {arguments.name("choose", key): arguments.names("choose", names) for key, names in pairs}


def _stacks(given: object) -> list[str | Mapping[Operation, str]]:
    """Return the stacks to compare; one alone needs no list."""
    one_or_more = arguments.stacks("stacks", given)
    if one_or_more is None:
        return []
    return [one_or_more] if isinstance(one_or_more, str | Mapping) else [*one_or_more]
