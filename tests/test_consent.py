"""What is demanded of consent, and what is said where it is missing."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import pytest
from typer.testing import CliRunner

from avatarkit import AvatarKit, Status, consent
from avatarkit.cli.app import app
from avatarkit.config.settings import Settings
from avatarkit.errors import ConfigError, ConsentRequired, NotFound
from avatarkit.lifecycle.apply import apply
from avatarkit.lifecycle.events import Failed
from avatarkit.media.folder import FolderStore
from avatarkit.models import Consent, ConsentRule, Operation
from avatarkit.providers.fake import Fake, FakeVendor, Fault, filmed, spoken
from avatarkit.repositories.memory import MemoryRepository
from avatarkit.stacks.registry import usable
from avatarkit.testing import FakeClock

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


# -- revocation and expiry --------------------------------------------------------------------

DEMO = Path(str(files("avatarkit") / "data" / "demo"))
WHO = {"user_id": "ana", "clone_id": "ana-1"}
GIVEN = {**WHO, "voice": [DEMO / "voice.wav"], "footage": DEMO / "portrait.jpg"}


class House:
    """Everything that outlives a kit."""

    def __init__(self, folder):
        self.clock = FakeClock()
        self.vendor = FakeVendor(clock=self.clock)
        self.repository = MemoryRepository(clock=self.clock)
        self.given = {
            "repository": self.repository,
            "media": FolderStore(folder / "media"),
            "providers": {"fake": Fake(vendor=self.vendor)},
            "clock": self.clock,
            "settings": Settings(),
        }

    def kit(self, **more):
        return AvatarKit("fake", **self.given, **more)


@pytest.fixture
def house(tmp_path):
    return House(tmp_path)


async def trained(kit, consent=ANA):
    training = await kit.train(**GIVEN, consent=consent)
    async for _ in kit.watch(training.id):
        pass
    return await kit.get(training.id)


@pytest.mark.anyio
async def test_after_revocation_no_video_is_made(house):
    async with house.kit() as kit:
        training = await trained(kit)
        await kit.revoke(training.consent_id)
        with pytest.raises(ConsentRequired, match="revoked"):
            await kit.speak(training.id, "Hello.")
    assert not [token for token in house.vendor.accepted if token.endswith("-video")]


@pytest.mark.anyio
async def test_after_revocation_the_same_agreement_trains_nothing(house):
    async with house.kit() as kit:
        training = await trained(kit)
        await kit.revoke(training.consent_id)
        with pytest.raises(ConsentRequired, match="revoked"):
            await kit.train(**GIVEN, consent=ANA)
        again = ANA.model_copy(update={"wording_version": "another year of lessons"})
        assert (await trained(kit, again)).status is Status.COMPLETED


@pytest.mark.anyio
async def test_revocation_cancels_a_running_training_and_the_vendor_forgets_it(house):
    async with house.kit(worker=False) as kit:
        training = await kit.train(**GIVEN, consent=ANA)
        await kit.admin.tick()
        assert (await kit.get(training.id)).status is Status.TRAINING
        await kit.revoke(training.consent_id)
        assert (await kit.get(training.id)).status is Status.CANCELLED
        for _ in range(20):
            await kit.admin.tick()
            house.clock.advance(600.0)
        assert await kit.admin.leftovers(training.id) == []


@pytest.mark.anyio
async def test_another_consents_training_goes_on(house):
    async with house.kit(worker=False) as kit:
        mine = await kit.train(**GIVEN, consent=ANA)
        other = ANA.model_copy(update={"wording_version": "for the other class"})
        theirs = await kit.train(**GIVEN, consent=other)
        await kit.revoke(mine.consent_id)
        assert (await kit.get(theirs.id)).status is Status.PENDING


@pytest.mark.anyio
async def test_a_worker_that_was_not_told_sends_nothing_after_revocation(house):
    async with house.kit(worker=False) as kit:
        training = await kit.train(**GIVEN, consent=ANA)
        await house.repository.revoke_consent(training.consent_id, 1.0)
        await kit.admin.tick()
        stopped = await kit.get(training.id)
    assert (stopped.status, stopped.error_type) == (Status.CANCELLED, "ConsentRequired")
    assert house.vendor.accepted == {}


async def ticked(house, kit, rounds=20):
    for _ in range(rounds):
        await kit.admin.tick()
        house.clock.advance(600.0)


def at_vendor(house):
    return [job.id for job in house.vendor.jobs if not job.deleted]


@pytest.mark.anyio
async def test_a_worker_that_was_not_told_leaves_no_paid_voice_behind(house):
    async with house.kit(worker=False) as kit:
        training = await kit.train(**GIVEN, consent=ANA)
        await kit.admin.tick()  # the voice is paid for
        await house.repository.revoke_consent(training.consent_id, 1.0)
        house.clock.advance(600.0)
        await kit.admin.tick()
        stopped = await kit.get(training.id)
        assert (stopped.status, stopped.error_type) == (Status.CANCELLED, "ConsentRequired")
        await ticked(house, kit)
        assert await kit.admin.leftovers(training.id) == []
    assert (list(house.vendor.accepted), at_vendor(house)) == ([f"ak-{training.id}-voice"], [])


@pytest.mark.anyio
async def test_what_an_erased_person_had_begun_meanwhile_makes_nothing_more(house):
    async with house.kit(worker=False) as kit:
        training = await kit.train(**GIVEN, consent=ANA)
        await kit.admin.tick()
        await house.repository.erase("ana")  # its record was saved after those that were deleted
        await ticked(house, kit)
        stopped = await kit.get(training.id)
    assert (stopped.error_type, "was erased" in stopped.error_message) == ("ConsentRequired", True)
    assert (list(house.vendor.accepted), at_vendor(house)) == ([f"ak-{training.id}-voice"], [])


@pytest.mark.anyio
async def test_revocation_takes_the_paid_voice_of_a_failed_training(house):
    house.vendor.fail_next(Operation.AVATAR, Fault.MODERATION)
    async with house.kit(worker=False) as kit:
        training = await kit.train(**GIVEN, consent=ANA)
        await ticked(house, kit)
        assert (await kit.get(training.id)).status is Status.FAILED
        assert at_vendor(house)
        await kit.revoke(training.consent_id)
        assert [left.pending for left in await kit.admin.leftovers(training.id)] == [True]
        await ticked(house, kit)
        assert (await kit.get(training.id)).status is Status.FAILED
    assert at_vendor(house) == []


@pytest.mark.anyio
async def test_a_lost_voice_of_a_failed_training_goes_when_it_is_found_after_revocation(house):
    house.vendor.fail_next(Operation.VOICE, Fault.LOST_REPLY)
    async with house.kit(worker=False) as kit:
        training = await kit.train(**GIVEN, consent=ANA)
        await kit.admin.tick()
        await house.repository.save(
            training := await kit.get(training.id),
            apply(training, Failed(at=house.clock.now().wall, message="it fails for a reason")),
        )
        await kit.revoke(training.consent_id)
        assert at_vendor(house)
        await ticked(house, kit)
    assert at_vendor(house) == []


@pytest.mark.anyio
async def test_a_completed_training_stays_and_is_named(house):
    async with house.kit() as kit:
        training = await trained(kit)
        named = {h.id for h in await kit.revoke(training.consent_id) if h.kind == "vendor"}
        assert (await kit.get(training.id)).status is Status.COMPLETED
    assert named == set(at_vendor(house)) != set()


@pytest.mark.anyio
async def test_revocation_lists_what_exists_and_where(house, tmp_path):
    (tmp_path / "agrees.mp4").write_bytes(b"I agree")
    consent = Consent(subject="Ana Lima", evidence=str(tmp_path / "agrees.mp4"))
    async with house.kit() as kit:
        training = await trained(kit, consent)
        video = await kit.speak(training.id, "Hello.")
        first = await kit.revoke(training.consent_id)
        again = await kit.revoke(training.consent_id)
    assert first == again
    found = {(h.kind, h.where, h.id) for h in first}
    assert {("record", "repository", r.id) for r in (training, video)} <= found
    assert {("vendor", "fake", o.job.id) for o in (*training.operations, *video.operations)} <= (
        found
    )
    keys = {h.id for h in first if h.kind == "file"}
    assert video.file("video").key in keys
    assert training.voice[0].file.key in keys
    assert any(key.startswith("consents/ana/") for key in keys)


@pytest.mark.anyio
async def test_a_video_that_ends_meanwhile_is_listed_all_the_same(house, monkeypatch):
    async with house.kit(worker=False) as kit:
        training = await kit.train(**GIVEN, consent=ANA)

        withdraw = kit._orchestrator.withdraw

        async def too_late(record):
            completed = record.model_copy(update={"status": Status.COMPLETED, "next_at": None})
            await house.repository.save(record, completed)
            return await withdraw(record)

        monkeypatch.setattr(kit._orchestrator, "withdraw", too_late)
        assert training.id in {h.id for h in await kit.revoke(training.consent_id)}


@pytest.mark.anyio
async def test_an_unknown_consent_cannot_be_revoked(house):
    async with house.kit(worker=False) as kit:
        with pytest.raises(NotFound):
            await kit.revoke("nothing")


@pytest.mark.anyio
async def test_an_expired_consent_makes_nothing_more(house):
    until = house.clock.now().wall + 3600.0
    consent = ANA.model_copy(update={"expires_at": until})
    async with house.kit() as kit:
        training = await trained(kit, consent)
        house.clock.advance(3600.0)
        with pytest.raises(ConsentRequired, match="expired"):
            await kit.speak(training.id, "Hello.")
        with pytest.raises(ConsentRequired, match="expired"):
            await kit.train(**GIVEN, consent=consent)


@pytest.mark.parametrize("now", [9.0, 10.0, 11.0])
def test_a_consent_ends_when_it_says(now):
    until = ANA.model_copy(update={"expires_at": 10.0})
    if now < 10.0:
        consent.require_valid(until, now)
    else:
        with pytest.raises(ConsentRequired, match="expired"):
            consent.require_valid(until, now)


@pytest.mark.parametrize("spelt", ["ana lima", "ANA LIMA", " Ana  Lima ", "Ana\tLima"])
def test_a_name_that_is_spelt_otherwise_makes_no_other_consent(spelt):
    known = consent.identified(Consent(subject="Ana Lima"), "ana")
    again = consent.identified(Consent(subject=spelt), "ana")
    assert (again.id, again.subject) == (known.id, spelt)
    assert consent.identified(Consent(subject="Ana Luma"), "ana").id != known.id


def test_a_revocation_does_not_change_which_consent_it_is():
    given = consent.identified(ANA, "ana")
    assert consent.identified(given.model_copy(update={"revoked_at": 5.0}), "ana").id == given.id


def test_the_command_line_revokes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AVATARKIT_STACK", "fake")
    (tmp_path / "ana.json").write_text('{"subject": "Ana Lima", "purposes": ["lessons"]}')
    samples = (f"--voice={DEMO / 'voice.wav'}", f"--footage={DEMO / 'portrait.jpg'}")

    def run(*arguments, code=0):
        result = CliRunner().invoke(app, [*arguments, "--json"])
        assert result.exit_code == code, result.output
        return json.loads(result.stdout.splitlines()[-1])

    training = run("train", *samples, "--consent=ana.json", "--purpose=Lessons", "--no-wait")
    told = run("consent", "revoke", training["consent_id"])
    assert training["id"] in {row["id"] for row in told["exists"]}
    assert run("status", training["id"])["status"] == "cancelled"


# -- purposes -------------------------------------------------------------------------------------

LESSONS = Consent(subject="Ana Lima", purposes=["Lessons", "internal  news"])


def test_purposes_are_compared_without_case_and_order():
    assert LESSONS.purposes == ("internal news", "lessons")
    assert Consent(subject="Ana", purposes="Lessons").purposes == ("lessons",)
    assert (
        consent.identified(LESSONS, "u").id
        == consent.identified(
            Consent(subject="Ana Lima", purposes=("internal news", "LESSONS")), "u"
        ).id
    )
    with pytest.raises(ConsentRequired, match="a purpose is a few words"):
        Consent(subject="Ana", purposes=["  "])


@pytest.mark.anyio
async def test_each_order_under_a_consent_with_purposes_names_one_of_them(house):
    async with house.kit() as kit:
        clip = Path(__file__).parents[1] / "src/avatarkit/data/fake/video.mp4"
        orders = {
            "train": lambda **more: kit.train(**GIVEN, consent=LESSONS, **more),
            "speak": lambda **more: kit.speak(training.id, "Buy now!", wait=False, **more),
            "dub": lambda **more: kit.dub(
                clip, "de", user_id="ana", clone_id="ana-1", consent=LESSONS, wait=False, **more
            ),
        }
        training = await kit.train(**GIVEN, consent=LESSONS, purpose="lessons")
        _ = [update async for update in kit.watch(training.id)]
        paid = dict(house.vendor.accepted)
        for order in orders.values():
            with pytest.raises(ConsentRequired, match="does not cover 'advertising', but internal"):
                await order(purpose="Advertising")
            with pytest.raises(ConsentRequired, match=r"with purpose= .*--purpose"):
                await order()
        assert dict(house.vendor.accepted) == paid
        for order in orders.values():
            assert (await order(purpose=" Internal News")).purpose == "internal news"


@pytest.mark.anyio
async def test_a_consent_without_purposes_covers_each(house):
    async with house.kit(worker=False) as kit:
        assert (await kit.train(**GIVEN, consent=ANA, purpose="lessons")).purpose == "lessons"
        assert (await kit.train(**GIVEN, consent=ANA)).purpose is None


@pytest.mark.anyio
async def test_a_consent_of_the_future_is_refused(house):
    async with house.kit(worker=False) as kit:
        for late in (house.clock.wall + 86_400, house.clock.wall * 1000):
            later_one = ANA.model_copy(update={"given_at": late})
            with pytest.raises(ConsentRequired, match="given in the future"):
                await kit.train(**GIVEN, consent=later_one)
        soon = ANA.model_copy(update={"given_at": house.clock.wall + 5})
        assert (await kit.train(**GIVEN, consent=soon)).status is Status.PENDING


@pytest.mark.anyio
async def test_recordings_of_a_person_who_revoked_are_not_those_of_a_drawing(house):
    drawn = Consent.not_a_real_person("a cartoon")
    async with house.kit() as kit:
        assert (await trained(kit, drawn)).status is Status.COMPLETED  # not known yet
        training = await trained(kit)
        await kit.revoke(training.consent_id)
        await kit.delete(training.id)
        others = GIVEN | {"clone_id": "another"}
        for given in (GIVEN, others, {"user_id": "ana", "clone_id": GIVEN["clone_id"]}):
            with pytest.raises(ConsentRequired, match="who has revoked the consent"):
                await kit.train(**given, consent=drawn)
        with pytest.raises(ConsentRequired, match="who has revoked the consent"):
            await kit.dub(
                GIVEN["footage"], "de", user_id="ana", clone_id="x", consent=drawn, wait=False
            )
        again = ANA.model_copy(update={"wording_version": "2"})
        assert (await kit.train(**GIVEN, consent=again)).status is Status.PENDING


@pytest.mark.anyio
@pytest.mark.parametrize("also", ["revoke", "delete", "erase"])
async def test_another_user_does_not_get_round_a_revocation_and_is_not_told_of_it(house, also):
    drawn = Consent.not_a_real_person("a cartoon")
    stranger = GIVEN | {"user_id": "ben", "clone_id": "b"}
    async with house.kit() as kit:
        training = await trained(kit)
        await kit.revoke(training.consent_id)
        if also == "delete":
            await kit.delete(training.id)
        if also == "erase":
            await kit.erase("ana")
        for sent in (
            kit.train(**stranger, consent=drawn),
            kit.train(**stranger | {"user_id": "cleo", "clone_id": "c"}, consent=drawn),
            kit.dub(GIVEN["footage"], "de", user_id="ben", clone_id="x", consent=drawn, wait=False),
        ):
            with pytest.raises(ConsentRequired, match="no real person is not accepted") as caught:
                await sent
            assert "revoked" not in str(caught.value)
            assert "ana" not in str(caught.value)
        assert (await kit.train(**stranger, consent=ANA)).status is Status.PENDING


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("user", "told"), [("ana", "who has revoked"), ("ben", "no real person is not accepted")]
)
@pytest.mark.parametrize("own", [False, True], ids=["of a catalogue", "trained"])
async def test_the_recording_of_a_person_who_revoked_drives_no_drawn_avatar(house, user, told, own):
    drawn = Consent.not_a_real_person("a cartoon")
    cartoon = {"user_id": user, "clone_id": "cartoon", "consent": drawn}
    async with house.kit() as kit:
        training = await trained(kit)
        if own:
            given = {"voice": [spoken("I am a cartoon.")], "footage": filmed(2)}
            drawing = await kit.train(**cartoon, **given)
            async for _ in kit.watch(drawing.id):
                pass
            cartoon = {"training_id": drawing.id}
        else:
            cartoon["avatar"] = "stock-rosa"
        await kit.revoke(training.consent_id)
        (voice,) = GIVEN["voice"]
        with pytest.raises(ConsentRequired, match=told):
            await kit.speak(**cartoon, audio=voice, wait=False)


NAIVE = datetime(2026, 11, 1, tzinfo=UTC).replace(tzinfo=None)


@pytest.mark.parametrize("field", ["given_at", "expires_at", "revoked_at"])
@pytest.mark.parametrize(
    "wrong",
    ["tomorrow", float("nan"), float("inf"), -float("inf"), True, NAIVE, [1]],
    ids=repr,
)
def test_a_time_of_a_consent_is_a_moment(field, wrong):
    with pytest.raises(ConfigError, match=f"Consent: {field}: "):
        Consent(subject="Ana", **{field: wrong})


def test_a_time_of_a_consent_may_be_a_datetime():
    given = datetime(2026, 11, 1, 12, tzinfo=UTC)
    assert Consent(subject="Ana", given_at=given).given_at == given.timestamp()


@pytest.mark.parametrize("field", ["given_at", "expires_at", "revoked_at"])
@pytest.mark.parametrize("at", [1e308, -1e308, -1.0, 1_790_000_000_000.0])
def test_a_time_that_no_calendar_has_is_no_time_of_a_consent(field, at):
    with pytest.raises(ConfigError, match=f"Consent: {field}"):
        Consent(subject="Ana Lima", **{field: at})
