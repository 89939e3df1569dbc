"""Answers and deliveries that a broken vendor could send: never an error that is not avatarkit's.

The full number runs in ``nox -s proof``.
"""

from __future__ import annotations

import random

import anyio
import pytest

from avatarkit import errors
from avatarkit.webhooks import Delivery
from providers import mutations


@pytest.mark.parametrize("seed", range(4))
def test_no_mutated_answer_or_delivery_raises_an_untyped_error(seed):
    assert anyio.run(mutations.run, 350, 150, seed) == {}


def test_mutations_change_what_they_are_given():
    dice = random.Random(1)
    whole = {"id": "v1", "items": [{"status": "done"}]}
    made = {mutations.mutated(dice, whole) for _ in range(200)}
    assert len(made) > 60
    assert sum(b"NaN" in body for body in made) > 0


@pytest.mark.parametrize("body", [b"[" * 65 + b"]" * 65, b'{"a":' * 65 + b"1" + b"}" * 65])
def test_a_delivery_that_is_nested_too_deep_is_rejected(body):
    with pytest.raises(errors.WebhookRejected, match="JSON"):
        Delivery(body, {}).json()
