"""Boxes of MP4: one walker, which stops at what cannot be."""

import struct

import pytest

from avatarkit.content.boxes import boxes, reader
from avatarkit.content.containers import id3_length

pytestmark = pytest.mark.once


def box(kind, body=b"", *, size=None, wide=False):
    length = 8 + 8 * wide + len(body) if size is None else size
    if wide:
        return struct.pack(">I4sQ", 1, kind, length) + body
    return struct.pack(">I4s", length, kind) + body


def walked(data):
    return [
        (one.kind, one.start, one.end, one.open, one.damaged)
        for one in boxes(reader(data), 0, len(data))
    ]


def test_boxes_of_both_lengths_follow_each_other():
    data = box(b"ftyp", b"isom") + box(b"free") + box(b"mdat", b"xx", wide=True) + box(b"moov")
    assert walked(data) == [
        (b"ftyp", 8, 12, False, False),
        (b"free", 20, 20, False, False),
        (b"mdat", 36, 38, False, False),
        (b"moov", 46, 46, False, False),
    ]


def test_a_box_without_a_length_reaches_to_the_end():
    assert walked(box(b"free") + box(b"mdat", b"abc", size=0)) == [
        (b"free", 8, 8, False, False),
        (b"mdat", 16, 19, True, False),
    ]


@pytest.mark.parametrize("size", [100, 2**31, 2**32 - 1])
def test_a_box_that_is_cut_off_states_where_it_would_end(size):
    assert walked(box(b"mdat", b"abc", size=size)) == [(b"mdat", 8, size, False, False)]


@pytest.mark.parametrize(
    "wrong",
    [
        box(b"free", size=2),
        box(b"free", size=7),
        box(b"free", size=0, wide=True),
        box(b"free", size=15, wide=True),
        struct.pack(">I4s", 1, b"free"),  # its long length is missing
    ],
)
def test_a_box_shorter_than_its_head_is_the_last(wrong):
    *before, last = walked(box(b"ftyp") + wrong)
    assert [kind for kind, *_ in before] == [b"ftyp"]
    assert last[4] is True


@pytest.mark.parametrize("rest", [b"", b"\0", b"\0\0\0\x10moo"])
def test_less_than_a_head_is_no_box(rest):
    assert [kind for kind, *_ in walked(box(b"ftyp") + rest)] == [b"ftyp"]


@pytest.mark.parametrize(
    ("head", "length"),
    [
        (b"ID3\x04\0\0\0\0\0\x05", 15),
        (b"ID3\x04\0\x10\0\0\x01\0", 10 + 128 + 10),
        (b"ID3\x03\0\0\x7f\x7f\x7f\x7f", 10 + 2**28 - 1),
        (b"ID3\x04\0\0\x80\0\0\0", None),
        (b"ID3\x04\0\0\0\0\0", None),
        (b"3DI\x04\0\0\0\0\0\x05", None),
        (b"", None),
    ],
)
def test_a_tag_of_id3_states_its_length(head, length):
    assert id3_length(head) == length
