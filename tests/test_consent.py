"""What is demanded of consent, and what is said where it is missing."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from avatarkit import consent
from avatarkit.cli.app import app
from avatarkit.errors import ConsentRequired
from avatarkit.models import Consent, ConsentRule
from avatarkit.registry import usable

EVIDENCE = {"acme": (ConsentRule(demands="evidence", text="a recording", since="2026-11-01"),)}
ANA = Consent(subject="Ana Lima")


def listed(*arguments):
    result = CliRunner().invoke(app, ["consent", "requirements", *arguments, "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)["requirements"]


def test_a_consent_with_a_subject_is_enough_where_nothing_more_is_demanded():
    assert consent.require(ANA, {"acme": ()}) == ANA


@pytest.mark.parametrize("given", [None, Consent(), Consent(subject=" ")])
def test_a_consent_of_nobody_is_none_whatever_the_provider_demands(given):
    with pytest.raises(ConsentRequired):
        consent.require(given, {})


def test_evidence_is_asked_for_by_the_name_of_who_demands_it():
    with pytest.raises(ConsentRequired, match="acme demands evidence"):
        consent.require(ANA, EVIDENCE)


def test_where_nobody_real_is_shown_no_evidence_is_needed():
    drawn = Consent.not_a_real_person("a drawing")
    assert consent.require(drawn, EVIDENCE) == drawn


def test_an_action_is_no_reason_to_refuse():
    rules = {"acme": (ConsentRule(demands="action", text="read a text"),)}
    assert consent.require(ANA, rules) == ANA


def test_the_requirements_begin_with_ours():
    assert [r.provider for r in consent.requirements(EVIDENCE)] == ["avatarkit", "acme"]


def test_the_command_line_lists_all_providers_rules():
    demanded = {name for name, provider in usable().items() if provider.consent_rules}
    assert {row["provider"] for row in listed()} == demanded | {"avatarkit"}


def test_the_command_line_lists_the_rules_of_one_stack():
    providers = {row["provider"] for row in listed("--stack=elevenlabs+d-id")}
    assert providers == {"avatarkit", "elevenlabs", "d-id"}


@pytest.mark.parametrize("name", sorted(usable()))
def test_every_rule_of_a_provider_has_its_source_and_its_day(name):
    rules = usable()[name].consent_rules
    assert all(rule.source and rule.since for rule in rules)


@pytest.mark.parametrize("name", sorted(usable()))
def test_every_limit_of_a_provider_has_its_source_and_its_day(name):
    assert all(limit.source and limit.since for limit in usable()[name].limits)
