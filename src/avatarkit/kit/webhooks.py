"""``kit.webhooks``: deliveries of vendors, from the HTTP request to the log."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast, get_args

from .. import errors, lazily
from .._lifetime import Lifetime, while_open

with lazily():
    from .. import interfaces, webhooks
    from ..intake import arguments

if TYPE_CHECKING:
    from ..intake.arguments import Id
    from ..interfaces import LogEntry, LogPage, Outcome, Repository
    from ..lifecycle.deliveries import Deliveries
    from ..stacks.provider_pool import ProviderPool
    from ..webhooks import Delivery, Registered


@while_open
class KitWebhooks:
    """Receive webhook deliveries, replay them, and register addresses at vendors."""

    def __init__(
        self,
        lifetime: Lifetime,
        *,
        repository: Repository,
        pool: ProviderPool,
        deliveries: Deliveries,
    ) -> None:
        self._lifetime = lifetime
        self._repository = repository
        self._pool = pool
        self._deliveries = deliveries

    async def receive(
        self, provider: str, delivery: Delivery, *, token: str | None = None, apply: bool = True
    ) -> LogEntry | None:
        """Check a webhook delivery, keep it, and apply it; None if it was kept before.

        ``token`` is the ``job`` parameter of our callback address. With ``apply=False`` the
        delivery is only kept, so that the vendor gets its answer at once; ``apply`` does the
        rest. Raises ``WebhookRejected`` for a forged, stale or malformed delivery.
        """
        return await self._deliveries.take(
            arguments.name("provider", provider),
            arguments.instance("delivery", delivery, webhooks.Delivery),
            None if token is None else arguments.text("token", token),
            apply=arguments.flag("apply", apply),
        )

    async def apply(self, limit: int = 64) -> int:
        """Apply kept deliveries, at most ``limit``; return how many are settled."""
        return await self._deliveries.sweep(arguments.limit(limit))

    async def replay(self, provider: str, event_id: str) -> LogEntry:
        """Apply a kept delivery once more, which is idempotent; raises ``NotFound``."""
        return await self._deliveries.apply(await self.get(provider, event_id))

    async def get(self, provider: str, event_id: str) -> LogEntry:
        """A kept delivery; raises ``NotFound``."""
        provider = arguments.name("provider", provider)
        event_id = arguments.text("event_id", event_id, most=500, lines=False)
        entry = await self._repository.get_webhook(provider, event_id)
        if entry is None:
            raise errors.NotFound(f"there is no delivery {event_id!r} of {provider}")
        return entry

    async def register(self, provider: str, address: str) -> Registered | None:
        """Register ``address`` at a provider; None if its API has no such call."""
        provider = arguments.name("provider", provider)
        address = arguments.text("address", address, most=2000, lines=False)
        # The class tells it without a key.
        if not issubclass(self._pool.class_of(provider), webhooks.Registers):
            return None
        registers = cast("webhooks.Registers", self._pool.provider(provider))
        with interfaces.own_code(provider, "register_webhook"):
            return await registers.register_webhook(address)

    async def list(
        self,
        *,
        user_id: Id | None = None,
        provider: str | None = None,
        outcome: Outcome | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> LogPage:
        """A page of deliveries, newest first; ``user_id`` keeps those about that user's records."""
        if outcome is not None:
            arguments.kind("outcome", outcome, *get_args(interfaces.Outcome))
        return await self._repository.webhooks(
            user_id=arguments.optional("user_id", user_id),
            provider=None if provider is None else arguments.name("provider", provider),
            outcome=outcome,
            cursor=arguments.cursor(cursor),
            limit=arguments.limit(limit),
        )
