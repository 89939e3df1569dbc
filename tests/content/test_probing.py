"""Facts of media files as phones, browsers and recorders write them."""

import io
from pathlib import Path

import pytest

pytest.importorskip("av")
pytest.importorskip("PIL")

from avatarkit.content.containers import Foreign, identify
from avatarkit.content.probing import probe_media

INPUTS = Path(__file__).parents[1] / "inputs"

#: Name, kind, media type, size as shown in pixels, seconds.
FILES = [
    ("v_list_comment_data.wav", "audio", "audio/wav", None, 3.0),
    ("v_crc.mp3", "audio", "audio/mpeg", None, 3.03),
    ("c_quicktime_no_ftyp.mov", "video", "video/quicktime", (300, 300), 3.0),
    ("c_shrinks.webm", "video", "video/webm", (320, 320), 2.8),
    ("c_anamorphic.mp4", "video", "video/mp4", (301, 300), 2.2),
    ("c_fade_in.mp4", "video", "video/mp4", (300, 300), 5.0),
    ("c_mediarecorder.webm", "video", "video/webm", (300, 300), 2.21),
    ("p_motion_photo_90k.jpg", "image", "image/jpeg", (320, 320), None),
    ("p_ultrahdr_512.jpg", "image", "image/jpeg", (512, 512), None),
    ("p_animated.webp", "image", "image/webp", (336, 336), None),
    ("p_iphone.heic", "image", "image/heic", (336, 336), None),
]


@pytest.mark.parametrize(("name", "kind", "media_type", "size", "seconds"), FILES)
def test_a_file_from_the_world_is_playable_and_measured_as_shown(
    name, kind, media_type, size, seconds
):
    facts = probe_media(INPUTS / name)
    assert (facts.problem, facts.kind, facts.media_type) == ("", kind, media_type)
    assert (facts.width, facts.height) == (size or (None, None))
    assert facts.seconds == (pytest.approx(seconds, abs=0.01) if seconds else None)


def test_an_upload_without_its_end_is_cut_off():
    assert probe_media(INPUTS / "c_truncated.mp4").problem == "is cut off"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"<!DOCTYPE html><html>", "web-page"),
        (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "xml"),
        (b'{"error": "expired"}', "json"),
        (b"#EXTM3U\n", "playlist"),
        (bytes(5_000), "unknown"),
        (b"\xff\xff\xff\xff" * 99, "unknown"),
    ],
)
def test_what_is_no_media_file_is_named(content, code):
    found = identify(io.BytesIO(content), len(content))
    assert isinstance(found, Foreign)
    assert found.code == code
