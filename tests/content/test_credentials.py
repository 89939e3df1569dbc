"""Marking: what stands in a stored video, read back by others' readers."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import json
import struct
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import anyio
import pytest

from avatarkit import AvatarKit, errors
from avatarkit.config.settings import Settings
from avatarkit.content import credentials
from avatarkit.content.credentials import AI_MADE, SIDECAR, Marking, Signer, disclosure
from avatarkit.content.marks import read_marks
from avatarkit.content.results import Expected, check
from avatarkit.content.watermark import watermarker_from
from avatarkit.content.xmp import stated as says
from avatarkit.media.folder import FolderStore
from avatarkit.providers.fake import Fake, FakeVendor, filmed, portrait
from avatarkit.repositories.memory import MemoryRepository
from avatarkit.testing import FakeClock
from demo import DEMO, trained
from results import mp3, wav

pytestmark = pytest.mark.anyio
KEY = "results/v1/video-video.mp4"


@pytest.fixture(scope="session")
def clip():
    av, np = pytest.importorskip("av"), pytest.importorskip("numpy")
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as out:
        stream = out.add_stream("libx264", rate=10)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        for i in range(5):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((64, 64, 3), i, np.uint8))))
        out.mux(stream.encode())
    return file.getvalue()


@pytest.fixture(scope="session")
def signer():
    pytest.importorskip("c2pa")
    return made_signer()


def made_signer():
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    now = dt.datetime.now(dt.UTC)
    root, leaf = (ec.generate_private_key(ec.SECP256R1()) for _ in "ab")

    def name(common):
        words = {NameOID.ORGANIZATION_NAME: "Test", NameOID.COMMON_NAME: common}
        return x509.Name([x509.NameAttribute(oid, text) for oid, text in words.items()])

    def certificate(common, public, *, authority):
        usage = [not authority, False, False, False, False, authority, authority, False, False]
        made = (
            x509.CertificateBuilder(name("root"), name(common), public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(x509.BasicConstraints(authority, None), critical=True)
            .add_extension(x509.KeyUsage(*usage), critical=True)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(root.public_key()),
                critical=False,
            )
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        )
        if not authority:
            mail = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
            made = made.add_extension(mail, critical=False)
        signed = made.sign(root, hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.PEM).decode()

    key = leaf.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    chain = certificate("leaf", leaf.public_key(), authority=False)
    chain += certificate("root", root.public_key(), authority=True)
    return Signer(certificates=chain, key=key.decode())


@pytest.fixture
def store(tmp_path):
    return FolderStore(tmp_path / "media")


async def stream(data):
    for at in range(0, len(data), 1000):
        yield data[at : at + 1000]


async def put(marking, store, data, media_type="video/mp4", key=KEY):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "result"
        path.write_bytes(data)
        return await marking.put(store, key, path, media_type)


async def kept(store, data, signer=None, media_type="video/mp4", key=KEY):
    """What the store gives back of what it was given."""
    stored = await put(Marking(signer), store, data, media_type, key)
    body = b"".join([chunk async for chunk in store.open(key)])
    assert (stored.size, stored.sha256) == (len(body), hashlib.sha256(body).hexdigest())
    return body


async def sidecar(store, key=KEY):
    return json.loads(b"".join([chunk async for chunk in store.open(key + SIDECAR)]))


def read_credentials(body, media_type="video/mp4"):
    """Whether C2PA's reader finds them valid, the active manifest, and all of them."""
    import c2pa

    with c2pa.Reader(media_type, io.BytesIO(body)) as reader:
        told = json.loads(reader.json())
        return reader.get_validation_state(), told["manifests"][told["active_manifest"]], told


def actions(manifest):
    return next(a for a in manifest["assertions"] if a["label"].startswith("c2pa.actions"))["data"][
        "actions"
    ]


def xmp(body):
    """The XMP packet, as FFmpeg finds it; and the pictures must still decode."""
    import av

    with av.open(io.BytesIO(body), options={"export_xmp": "1"}) as video:
        assert len(list(video.decode(video=0))) == 5
        return video.metadata.get("xmp", "")


# -- with a signer ----------------------------------------------------------------------------


async def test_content_credentials_outlive_our_store(store, clip, signer):
    state, manifest, _ = read_credentials(await kept(store, clip, signer))
    assert state == "Valid"
    assert actions(manifest) == [{"action": "c2pa.created", "digitalSourceType": AI_MADE}]
    assert manifest["claim_generator_info"][0]["name"] == "avatarkit"
    assert (await sidecar(store))["carried_by"] == "c2pa"


async def test_a_changed_video_is_found_out(store, clip, signer):
    body = bytearray(await kept(store, clip, signer))
    body[body.index(b"mdat") + 40] ^= 1
    assert read_credentials(bytes(body))[0] == "Invalid"


async def test_a_vendors_own_manifest_is_kept_as_an_ingredient(store, clip, signer):
    theirs = await kept(store, clip, made_signer(), key="results/vendor/video.mp4")
    own = read_credentials(theirs)[2]["active_manifest"]
    state, manifest, told = read_credentials(await kept(store, theirs, signer))
    assert state == "Valid"
    (ingredient,) = manifest["ingredients"]
    assert (ingredient["relationship"], ingredient["active_manifest"]) == ("parentOf", own)
    assert own in told["manifests"]
    (action,) = actions(manifest)
    assert (action["action"], action["digitalSourceType"]) == ("c2pa.opened", AI_MADE)


async def test_a_key_may_stay_with_who_signs(store, clip, signer):
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, utils

    key = serialization.load_pem_private_key(signer.key.encode(), None)

    alone = []

    def sign(data):
        alone.append(credentials._ONE_AT_A_TIME.locked())
        r, s = utils.decode_dss_signature(key.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32) + s.to_bytes(32)

    elsewhere = Signer(certificates=signer.certificates, key=sign)
    assert read_credentials(await kept(store, clip, elsewhere))[0] == "Valid"
    assert set(alone) == {True}  # one file at a time is held in memory


async def test_what_cannot_be_signed_now_is_not_stored(store, clip, signer):
    marks = Marking(replace(signer, timestamps="http://127.0.0.1:9"))
    with pytest.raises(errors.StorageError, match="Content Credentials"):
        await put(marks, store, clip)
    assert await store.stat(KEY) is None


async def test_a_damaged_video_is_marked_without_a_signature(store, signer):
    damaged = b"\0\0\0\x10ftypisom\0\0\0\0" + b"\0\0\0\x10moov\0\0\xff\xfftrak"
    assert (await kept(store, damaged, signer)).startswith(damaged)
    assert (await sidecar(store))["carried_by"] == "xmp"


@pytest.mark.parametrize(
    "bad", [{"key": "no key"}, {"certificates": "none"}, {"algorithm": "md5"}, {"key": ""}]
)
def test_a_bad_signer_is_refused_at_once(signer, bad):
    given = {"certificates": signer.certificates, "key": signer.key} | bad
    with pytest.raises(errors.ConfigError):
        Marking(Signer(**given))


def test_a_signer_shows_no_key(signer):
    assert "PRIVATE" not in repr(signer)


def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "c2pa", None)
    with pytest.raises(errors.ConfigError, match=r"avatarkit-sdk\[c2pa\]"):
        Marking(Signer(certificates="", key=""))


def test_a_signer_is_read_from_files(tmp_path, signer):
    for name, text in (("chain.pem", signer.certificates), ("key.pem", signer.key)):
        (tmp_path / name).write_text(text)
    environ = {
        "AVATARKIT_C2PA_CERTIFICATES": str(tmp_path / "chain.pem"),
        "AVATARKIT_C2PA_KEY": str(tmp_path / "key.pem"),
    }
    assert Signer.from_env(environ) == signer


@pytest.mark.parametrize(
    "environ",
    [
        {"AVATARKIT_C2PA_KEY": "key.pem"},
        {"AVATARKIT_C2PA_KEY": "nowhere", "AVATARKIT_C2PA_CERTIFICATES": "nowhere"},
    ],
)
def test_half_a_signer_is_refused(environ):
    with pytest.raises(errors.ConfigError):
        Signer.from_env(environ)


# -- without one ------------------------------------------------------------------------------


async def test_without_a_signer_the_file_says_it_in_xmp(store, clip):
    body = await kept(store, clip)
    assert body.startswith(clip)
    assert AI_MADE in xmp(body)
    assert (await sidecar(store))["carried_by"] == "xmp"


async def test_the_sidecar_speaks_of_these_bytes(store, clip):
    body = await kept(store, clip)
    told = await sidecar(store)
    assert told["digital_source_type"] == AI_MADE
    assert (told["sha256"], told["size"]) == (hashlib.sha256(body).hexdigest(), len(body))


@pytest.mark.parametrize(
    ("piece", "count", "stated"),
    [
        (b"<x:xmpmeta", 400_000, False),
        (b"<x:xmpmeta></x:xmpmeta", 200_000, False),
        (b"<x:xmpmeta" + AI_MADE.encode(), 1, True),
    ],
)
def test_a_file_is_searched_for_packets_once(tmp_path, piece, count, stated):
    path = tmp_path / "result"
    path.write_bytes(piece * count + b"</x:xmpmeta>")
    began = time.process_time()
    assert says(path, AI_MADE.encode()) is stated
    assert time.process_time() - began < 5


async def test_what_is_marked_is_not_marked_again(store, clip):
    once = await kept(store, clip)
    assert await kept(store, once) == once


async def test_a_vendors_manifest_is_left_intact(store, clip, signer):
    theirs = await kept(store, clip, signer, key="results/vendor/video.mp4")
    assert await kept(store, theirs) == theirs
    assert read_credentials(theirs)[0] == "Valid"
    assert (await sidecar(store))["carried_by"] == "vendor-c2pa"


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (b"\x1a\x45\xdf\xa3 webm", "video/webm"),
        (b"not even a box", "video/mp4"),
        (b"\0\0\0\x08ftyp\0\0\0\0mdat to the end", "video/mp4"),
        (b"\0\0\0\x08ftyp\0\0\xff\xffmdat cut", "video/mp4"),
        (b"\0\0\0\x08ftyp\0\0\0", "video/mp4"),
        (b"\0\0\0\x08free", "video/mp4"),
    ],
)
async def test_what_can_hold_no_packet_has_its_sidecar(store, data, media_type):
    assert await kept(store, data, media_type=media_type) == data
    assert (await sidecar(store))["carried_by"] == "sidecar"


async def test_large_boxes_are_read(store):
    data = b"\0\0\0\x08ftyp" + b"\0\0\0\x01mdat" + (20).to_bytes(8) + b"1234"
    assert (await kept(store, data)).startswith(data)
    assert (await sidecar(store))["carried_by"] == "xmp"


async def test_nothing_stays_nothing(store):
    assert await kept(store, b"") == b""
    assert await store.stat(KEY + SIDECAR) is None


async def test_subtitles_pass(store):
    assert await kept(store, b"WEBVTT\n", media_type="text/vtt") == b"WEBVTT\n"
    assert await store.stat(KEY + SIDECAR) is None


PHOTO = (DEMO / "portrait.jpg").read_bytes()
TAGGED = b"ID3\x04\0\0\0\0\0\x0fTSSE\0\0\0\x05\0\0\x03Lavf" + mp3(1)
OTHERS = {
    "WAV": ("audio/wav", wav(1)),
    "MP3": ("audio/mpeg", mp3(1)),
    "tagged MP3": ("audio/mpeg", TAGGED),
    "PNG": ("image/png", portrait()),
    "JPEG": ("image/jpeg", PHOTO),
}


@pytest.mark.parametrize(("media_type", "data"), OTHERS.values(), ids=OTHERS)
async def test_sound_and_pictures_are_signed_too(store, signer, media_type, data):
    body = await kept(store, data, signer, media_type)
    state, manifest, _ = read_credentials(body, media_type)
    assert state == "Valid"
    assert actions(manifest) == [{"action": "c2pa.created", "digitalSourceType": AI_MADE}]
    assert (await sidecar(store))["carried_by"] == "c2pa"
    assert len(body) < len(data) + 20_000  # no second picture of it


@pytest.mark.parametrize(("media_type", "data"), OTHERS.values(), ids=OTHERS)
async def test_without_a_signer_sound_and_pictures_say_it_in_xmp(store, tmp_path, media_type, data):
    pytest.importorskip("av")
    body = await kept(store, data, media_type=media_type)
    assert AI_MADE.encode() in body
    assert await kept(store, body, media_type=media_type) == body
    assert (await sidecar(store))["carried_by"] == "xmp"
    path = tmp_path / "marked"
    path.write_bytes(body)
    found = await check(path, Expected(name="any", media_type=media_type))
    assert found.media_type == media_type


async def test_a_stream_without_a_length_has_its_sidecar(store):
    data = bytearray(wav(1))
    data[4:8] = b"\xff" * 4
    assert await kept(store, bytes(data), media_type="audio/wav") == data
    assert (await sidecar(store))["carried_by"] == "sidecar"


@pytest.mark.parametrize("with_signer", [True, False])
@pytest.mark.parametrize("kind", ["video/mp4", "image/jpeg", "audio/wav"])
async def test_broken_credentials_of_a_vendor_are_reported_and_stay_broken(
    store, clip, signer, caplog, kind, with_signer
):
    data = {"video/mp4": clip, "image/jpeg": PHOTO, "audio/wav": wav(1)}[kind]
    theirs = bytearray(await kept(store, data, made_signer(), kind))
    at = {"video/mp4": theirs.find(b"mdat") + 40}.get(kind, 0) or theirs.find(data[-400:-300]) + 50
    theirs[at] ^= 1
    body = await kept(store, bytes(theirs), signer if with_signer else None, kind)
    assert read_credentials(body, kind)[0] == "Invalid"
    told = await sidecar(store)
    assert (told["carried_by"], told["vendor_credentials"]) == ("sidecar", "invalid")
    assert "credentials.vendor_invalid" in caplog.text


async def test_only_one_file_is_signed_at_a_time(store, clip, signer, monkeypatch):
    running, most = 0, 0
    made = credentials._made

    def counted(given):
        nonlocal running, most
        running += 1
        most = max(most, running)
        try:
            return made(given)
        finally:
            running -= 1

    marks = Marking(signer)
    monkeypatch.setattr(credentials, "_made", counted)
    async with anyio.create_task_group() as tasks:
        for number in range(4):
            tasks.start_soon(put, marks, store, clip, "video/mp4", f"results/{number}/video.mp4")
    assert most == 1


class Watermark:
    """Writes its mark behind the last box."""

    name = "behind"
    box = b"\0\0\0\x0cfreemark"

    def takes(self, media_type):
        return media_type == "video/mp4"

    def mark(self, path, media_type):
        path.write_bytes(path.read_bytes() + self.box)

    def find(self, path, media_type):
        return self.box in path.read_bytes()


async def test_a_watermark_comes_before_the_signature(store, clip, signer):
    stored = await put(Marking(signer, watermarker=Watermark()), store, clip)
    body = b"".join([chunk async for chunk in store.open(stored.key)])
    assert read_credentials(body)[0] == "Valid"
    assert Watermark.box in body
    assert (await sidecar(store))["watermark"] == "behind"


class Faint(Watermark):
    """Leaves no mark that could be found."""

    def mark(self, path, media_type):
        pass


class Silent(Watermark):
    """Finds no sound to mark."""

    def mark(self, path, media_type):
        raise errors.MediaRejected("it has no sound")


@pytest.mark.parametrize("watermark", [Faint(), Silent()])
async def test_a_watermark_that_is_not_in_the_file_is_not_named(store, clip, watermark, caplog):
    await put(Marking(watermarker=watermark), store, clip)
    assert (await sidecar(store))["watermark"] is None
    assert "watermark." in caplog.text


# -- reading marks ----------------------------------------------------------------------------


def layers(path, watermarker=None):
    return {layer.layer: layer.state for layer in read_marks(path, watermarker)}


async def test_every_layer_is_read(store, clip, signer, tmp_path):
    path = tmp_path / "video.mp4"
    path.write_bytes(clip)
    assert set(layers(path, Watermark()).values()) == {"absent"}
    mark = Marking(signer, watermarker=Watermark()).mark(path, "video/mp4")
    path.with_name(f"{path.name}{SIDECAR}").write_text(mark.model_dump_json())
    assert layers(path, Watermark()) == {
        "c2pa": "valid",
        "xmp": "absent",
        "sidecar": "valid",
        "watermark": "valid",
    }
    path.write_bytes(path.read_bytes().replace(b"mdat", b"free"))
    assert (layers(path)["c2pa"], layers(path)["sidecar"]) == ("invalid", "invalid")


def test_a_mark_in_metadata_is_read(clip, tmp_path):
    path = tmp_path / "video.mp4"
    path.write_bytes(clip)
    Marking().mark(path, "video/mp4")
    assert layers(path) == {
        "c2pa": "absent",
        "xmp": "valid",
        "sidecar": "absent",
        "watermark": "unchecked",
    }


@pytest.mark.parametrize("form", ["mp4", "png", "wav"])
@pytest.mark.parametrize("damage", ["changed", "cut", "appended"])
def test_the_mark_of_a_damaged_file_is_broken(clip, tmp_path, signer, form, damage):
    path = tmp_path / f"result.{form}"
    content = {"mp4": clip, "png": portrait(), "wav": wav(2)}[form]
    path.write_bytes(content)
    Marking(signer).mark(path, {"mp4": "video/mp4", "png": "image/png", "wav": "audio/wav"}[form])
    marked = path.read_bytes()
    middle = marked.rindex(content[-40:-30])
    changed = marked[:middle] + bytes([marked[middle] ^ 1]) + marked[middle + 1 :]
    damaged = {"changed": changed, "cut": marked[:-20], "appended": marked + b"x" * 300}
    path.write_bytes(damaged[damage])
    assert layers(path)["c2pa"] == "invalid"


def test_a_sidecar_that_does_not_speak_of_ai_is_no_mark(clip, tmp_path):
    path = tmp_path / "video.mp4"
    path.write_bytes(clip)
    mark = Marking().mark(path, "video/mp4")
    path.with_name(f"{path.name}{SIDECAR}").write_text(
        mark.model_copy(update={"digital_source_type": "digitalCapture"}).model_dump_json()
    )
    assert layers(path)["sidecar"] == "absent"


@pytest.mark.parametrize("content", [None, b"<html></html>", b""])
def test_what_is_no_media_has_no_marks(tmp_path, content):
    path = tmp_path / "video.mp4"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(errors.MediaRejected):
        read_marks(path)


@pytest.mark.parametrize("name", ["nowhere:Watermark", "json:Nothing", "perfect"])
def test_an_unknown_watermarker_is_refused(name):
    with pytest.raises(errors.ConfigError, match="AVATARKIT_WATERMARKER"):
        watermarker_from({"AVATARKIT_WATERMARKER": name})


def test_the_extra_of_the_watermark_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "perth", None)
    with pytest.raises(errors.ConfigError, match="watermark"):
        watermarker_from({"AVATARKIT_WATERMARKER": "perth"})


def test_a_warning_of_perth_about_its_own_imports_is_not_shown(tmp_path, monkeypatch, recwarn):
    (tmp_path / "perth.py").write_text("import warnings; warnings.warn('pkg_resources is old')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "perth", raising=False)
    assert watermarker_from({"AVATARKIT_WATERMARKER": "perth"}) is not None
    sys.modules.pop("perth")
    assert [str(warning.message) for warning in recwarn] == []


def test_no_watermarker_is_the_default():
    assert watermarker_from({}) is None


def test_speech_keeps_its_watermark_as_mp3(tmp_path):
    pytest.importorskip("perth")
    from avatarkit.content import audio
    from avatarkit.content.watermark import PerthWatermarker

    marker, path = PerthWatermarker(), tmp_path / "speech.wav"
    audio.write([DEMO / "voice.wav"], path, "audio/wav")
    assert not marker.find(path, "audio/wav")
    marker.mark(path, "audio/wav")
    audio.write([path], tmp_path / "speech.mp3", "audio/mpeg")
    assert marker.find(tmp_path / "speech.mp3", "audio/mpeg")


# -- in the kit -------------------------------------------------------------------------------


class House:
    def __init__(self, folder, clip, monkeypatch):
        self.clock = FakeClock()
        self.vendor = FakeVendor(clock=self.clock)
        monkeypatch.setattr(self.vendor, "fetched", lambda link: (clip, None))
        self.media = FolderStore(folder / "media")
        self.given = {
            "repository": MemoryRepository(clock=self.clock),
            "media": self.media,
            "providers": {"fake": Fake(vendor=self.vendor)},
            "clock": self.clock,
        }

    async def video(self, **more):
        settings = more.pop("settings", Settings())
        async with AvatarKit("fake", **self.given, settings=settings, **more) as kit:
            training = await trained(kit)
            return await kit.speak(training.id, "Hello.")

    async def body(self, video):
        return b"".join([c async for c in self.media.open(video.file("video").key)])

    async def saved(self, video, path, **more):
        async with AvatarKit("fake", **self.given, settings=Settings(), **more) as kit:
            return (await kit.save(video, path)).read_bytes()


@pytest.fixture
def house(tmp_path, clip, monkeypatch):
    return House(tmp_path, clip, monkeypatch)


async def test_the_kit_marks_without_being_asked(house):
    video = await house.video()
    assert AI_MADE in xmp(await house.body(video))
    assert (await sidecar(house.media, video.file("video").key))["carried_by"] == "xmp"


async def test_the_kit_signs_with_what_the_environment_names(house, tmp_path, signer):
    for name, text in (("chain.pem", signer.certificates), ("key.pem", signer.key)):
        (tmp_path / name).write_text(text)
    environ = {
        "AVATARKIT_C2PA_CERTIFICATES": str(tmp_path / "chain.pem"),
        "AVATARKIT_C2PA_KEY": str(tmp_path / "key.pem"),
    }
    video = await house.video(settings=Settings(environ=environ))
    assert read_credentials(await house.body(video))[0] == "Valid"


async def test_marking_is_off_only_explicitly(house, clip):
    assert await house.body(await house.video(marking=None)) == clip


async def test_save_hands_out_what_is_marked_as_it_is(house, tmp_path):
    video = await house.video()
    assert await house.saved(video, tmp_path / "out.mp4") == await house.body(video)


async def test_save_marks_what_was_stored_without(house, tmp_path):
    video = await house.video(marking=None)
    assert AI_MADE in xmp(await house.saved(video, tmp_path / "out.mp4"))
    assert [p.name for p in tmp_path.glob("*out*")] == ["out.mp4"]


async def test_save_marks_nothing_where_marking_is_off(house, tmp_path, clip):
    video = await house.video(marking=None)
    assert await house.saved(video, tmp_path / "out.mp4", marking=None) == clip


async def test_save_lays_a_sidecar_beside_what_can_hold_no_mark(house, tmp_path, monkeypatch):
    endless = filmed(1).replace(struct.pack(">I4s", 3854, b"mdat"), b"\0\0\0\0mdat")
    monkeypatch.setattr(house.vendor, "fetched", lambda link: (endless, None))
    video = await house.video()
    assert await house.saved(video, tmp_path / "out.mp4") == endless
    told = json.loads((tmp_path / f"out.mp4{SIDECAR}").read_text())
    assert told["digital_source_type"] == AI_MADE


async def test_a_damaged_sidecar_is_none(house, tmp_path):
    video = await house.video()
    key = video.file("video").key + SIDECAR
    await house.media.put(key, stream(b"{"), "application/json")
    assert AI_MADE in xmp(await house.saved(video, tmp_path / "out.mp4"))


async def test_the_sidecar_goes_with_the_results(house):
    video = await house.video()
    async with AvatarKit("fake", **house.given, settings=Settings(), worker=False) as kit:
        await kit.delete(video.id)
        for _ in range(5):
            await kit.admin.tick()
    assert await house.media.stat(video.file("video").key + SIDECAR) is None


@pytest.mark.slow
async def test_the_local_provider_s_videos_are_marked(tmp_path):
    for needed in ("av", "onnxruntime", "hibari"):
        pytest.importorskip(needed)
    given = {"repository": "memory://", "media": tmp_path / "media"}
    async with AvatarKit("local", **given, settings=Settings(root=tmp_path)) as kit:
        training = await trained(kit)
        video = await kit.speak(training.id, "Hi.")
        saved = await kit.save(video, tmp_path / "hi.mp4")
    import av

    with av.open(str(saved), options={"export_xmp": "1"}) as read:
        assert AI_MADE in read.metadata["xmp"]
        assert read.streams.audio


# -- the label --------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["pt", "pt-BR", "PT_br"])
def test_the_label_is_there_in_the_language(language):
    assert disclosure(language).startswith("Este vídeo")


@pytest.mark.parametrize("form", ["text", "spoken", "icon"])
def test_every_label_is_another(form):
    assert len({disclosure(language, form) for language in credentials.DISCLOSURES}) >= 12


def test_a_recording_has_a_spoken_notice_and_a_picture_has_an_icon():
    assert disclosure("en", "spoken").startswith("This recording")
    icon = ET.fromstring(disclosure("de", "icon"))
    assert "KI" in "".join(icon.itertext())


def test_an_unknown_language_is_refused_with_the_list():
    with pytest.raises(errors.Unsupported, match="en, es, fr"):
        disclosure("tlh")
