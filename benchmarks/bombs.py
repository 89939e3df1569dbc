"""Files of few bytes that ask a decoder for much memory or time, and what they take in the sandbox.

Prints the table of ``docs/reference/bombs.md``: peak memory of the decoding process above its
idle state, and time until the answer. Run it as ``python benchmarks/bombs.py``; with ``--check`` a
bomb above 512 MB or 20 seconds is a failure. ``--fuzz 5000`` probes so many damaged files as well.
"""

from __future__ import annotations

import argparse
import io
import random
import struct
import sys
import tempfile
import threading
import time
import zlib
from collections import Counter
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import av
import numpy as np
from PIL import Image

from avatarkit.content import sandbox
from avatarkit.intake.probe_apart import probe
from avatarkit.models import SampleRole

VOICE, FOOTAGE = SampleRole.VOICE, SampleRole.FOOTAGE
MEMORY, SECONDS = 512, 20.0
DEMO = Path(str(files("avatarkit") / "data/demo"))

# -- MP4 ------------------------------------------------------------------------------------------


def box(kind, *bodies):
    body = b"".join(bodies)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def full(kind, *bodies):
    return box(kind, bytes(4), *bodies)


def words(*numbers):
    return struct.pack(f">{len(numbers)}I", *numbers)


def track(samples=1, *, size=1, stts=None, ctts=b"", chunks=(64,), per_chunk=None):
    """A track of JPEG pictures whose tables claim what they are told to."""
    entry = box(b"jpeg", bytes(6), b"\0\1", bytes(16), struct.pack(">HH", 64, 64), bytes(50))
    table = [
        full(b"stsd", words(1), entry),
        full(b"stts", stts or words(1, samples, 1)),
        *([full(b"ctts", ctts)] if ctts else []),
        full(b"stsc", words(1, 1, samples if per_chunk is None else per_chunk, 1)),
        full(b"stsz", words(size, samples)),
        full(b"stco", words(len(chunks), *chunks)),
    ]
    media = [
        full(b"mdhd", words(0, 0, 1000, samples & 0x7FFFFFFF, 0)),
        full(b"hdlr", bytes(4), b"vide", bytes(13)),
        box(b"minf", full(b"vmhd", bytes(8)), box(b"stbl", *table)),
    ]
    return box(b"trak", full(b"tkhd", words(0, 0, 1), bytes(68)), box(b"mdia", *media))


def mp4(*boxes, extra=b""):
    start = box(b"ftyp", b"isom", bytes(4))
    header = full(b"mvhd", words(0, 0, 1000, 1000), bytes(80))
    return start + box(b"mdat", bytes(4096)) + box(b"moov", header, *boxes) + extra


def fragments(count, samples):
    """Fragments whose runs claim samples without bytes."""
    run = full(b"trun", words(samples))
    head = full(b"tfhd", words(1))
    return box(b"moof", full(b"mfhd", words(1)), box(b"traf", head, run)) * count


def compressed_header():
    """QuickTime's compressed ``moov``, which says to become two gigabytes."""
    body = zlib.compress(bytes(1 << 20), 9)
    inner = box(b"cmov", box(b"dcom", b"zlib"), box(b"cmvd", words(2_000_000_000), body))
    return box(b"ftyp", b"qt  ", bytes(4)) + box(b"moov", inner) + box(b"mdat", bytes(4096))


# -- pictures -------------------------------------------------------------------------------------


def zeros(megabytes):
    """So many zeros as a zlib stream, quickly: one block, repeated."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    last = zlib.compressobj(9, zlib.DEFLATED, -15).flush()
    adler = ((megabytes << 20) % 65521) << 16 | 1
    return b"\x78\xda" + block * megabytes + last + struct.pack(">I", adler)


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(*chunks, size=(64, 64)):
    rows = zlib.compress(bytes((1 + 3 * size[0]) * size[1]), 9)
    header = struct.pack(">IIBBBBB", *size, 8, 2, 0, 0, 0)
    parts = [chunk(b"IHDR", header), *chunks, chunk(b"IDAT", rows), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def lying_png():
    return png().replace(words(64, 64), words(46_000, 46_000), 1)


def animated_png(frames):
    size = (2048, 2048)
    rows = zlib.compress(bytes((1 + 3 * size[0]) * size[1]), 9)
    control = struct.pack(">IIIIHHBB", *size, 0, 0, 1, 30, 0, 0)
    later = [
        piece
        for number in range(1, 2 * frames, 2)
        for piece in (
            chunk(b"fcTL", words(number) + control),
            chunk(b"fdAT", words(number + 1) + rows),
        )
    ]
    first = [chunk(b"acTL", words(frames + 1, 0)), chunk(b"fcTL", words(0) + control)]
    plain = png(*first, size=size)
    return plain[:-12] + b"".join(later) + plain[-12:]


def scans(side, count):
    """A progressive JPEG whose last scan is repeated."""
    file = io.BytesIO()
    Image.new("L", (side, side), 90).save(file, "JPEG", progressive=True)
    data = file.getvalue()
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * count + b"\xff\xd9"


def saved(kind, size, **more):
    file = io.BytesIO()
    Image.new("RGB", size, (90, 120, 90)).save(file, kind, **more)
    return file.getvalue()


def frames_of(kind, size, count):
    file = io.BytesIO()
    pictures = [Image.new("P", size, number % 250) for number in range(count)]
    pictures[0].save(file, kind, save_all=True, append_images=pictures[1:], duration=20)
    return file.getvalue()


def lying_webp():
    """A lossless WebP whose header says 16,384 x 16,384 pixels."""
    body = b"\x2f" + struct.pack("<I", 0x0FFFFFFF) + bytes(64)
    inner = b"WEBPVP8L" + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
    return b"RIFF" + struct.pack("<I", len(inner)) + inner


def segments(count):
    whole = saved("JPEG", (64, 64))
    return whole[:2] + b"\xff\xef\0\2" * count + whole[2:]


def profile_jpeg():
    """255 segments of a colour profile, which no picture of one pixel needs."""
    plain = saved("JPEG", (64, 64))
    segments = b"".join(
        b"\xff\xe2"
        + struct.pack(">H", 65_535)
        + b"ICC_PROFILE\0"
        + bytes((part, 255))
        + bytes(65_519)
        for part in range(1, 256)
    )
    return plain[:2] + segments + plain[2:]


def entities(depth):
    """An SVG whose text doubles with each entity."""
    doubled = "".join(f'<!ENTITY e{n + 1} "&e{n};&e{n};">' for n in range(depth))
    head = f'<!DOCTYPE svg [<!ENTITY e0 "a">{doubled}]>'
    return f'{head}<svg xmlns="http://www.w3.org/2000/svg"><text>&e{depth};</text></svg>'.encode()


# -- sound ----------------------------------------------------------------------------------------


def wav(rate, channels, data, bits=8):
    width = channels * bits // 8
    form = struct.pack("<HHIIHH", 1, channels, rate, rate * width & 0xFFFFFFFF, width, bits)
    body = (
        b"WAVEfmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", len(data)) + data
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


def crc(value, data, polynomial, bits):
    top = 1 << (bits - 1)
    for byte in data:
        value ^= byte << (bits - 8)
        for _ in range(8):
            value = (value << 1 ^ polynomial if value & top else value << 1) & ((1 << bits) - 1)
    return value


def flac(frames):
    """Constant frames: each says in 30 bytes that 65,536 moments of eight channels are silent."""
    info = struct.pack(">HH", 65_535, 65_535) + bytes(6)
    info += struct.pack(">Q", 48_000 << 44 | 7 << 41 | 15 << 36) + bytes(16)
    head = b"\xff\xf8\x70\x78\0\xff\xff"
    frame = head + bytes([crc(0, head, 0x07, 8)]) + b"\0\0\0" * 8
    frame += struct.pack(">H", crc(0, frame, 0x8005, 16))
    return b"fLaC\x80\0\0\x22" + info + frame * frames


def comments(count):
    """A FLAC file whose comments are many."""
    entry = struct.pack("<I", 3) + b"a=b"
    body = struct.pack("<I", 0) + struct.pack("<I", count) + entry * count
    plain = flac(4)
    return (
        plain[:4]
        + b"\0"
        + plain[5:42]
        + b"\x84"
        + struct.pack(">I", len(body))[1:]
        + body
        + plain[42:]
    )


def pages(count):
    """Ogg pages without packets, of streams that are all new."""
    return b"".join(
        b"OggS\0\x02"
        + bytes(8)
        + struct.pack("<III", number, 0, 0)
        + b"\1\x13"
        + b"\x01vorbis"
        + bytes(12)
        for number in range(count)
    )


def tagged_mp3():
    """Compressed ID3 frames, each of which says to become 256 MB."""
    packed = zeros(14)
    body = b""
    for _ in range(16):
        size = len(packed) + 4
        safe = bytes((size >> shift) & 0x7F for shift in (21, 14, 7, 0))
        told = bytes((14 << 20 >> shift) & 0x7F for shift in (21, 14, 7, 0))
        body += b"TXXX" + safe + b"\0\x09" + told + packed
    size = bytes((len(body) >> shift) & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\4\0\0" + size + body + (b"\xff\xfb\x90\0" + bytes(413)) * 20


# -- Matroska -------------------------------------------------------------------------------------


def ebml(kind, *bodies):
    body = b"".join(bodies)
    return bytes.fromhex(kind) + struct.pack(">Q", 1 << 56 | len(body)) + body


def matroska(*parts, compressed=False):
    head = ebml("1A45DFA3", ebml("4282", b"webm"), ebml("4287", b"\2"), ebml("4285", b"\2"))
    pixels = ebml("E0", ebml("B0", b"\x40"), ebml("BA", b"\x40"))
    packed = ebml("6D80", ebml("6240", ebml("5033", b"\0"), ebml("5034", ebml("4254", b"\0"))))
    about = [
        ebml("D7", b"\1"),
        ebml("73C5", b"\1"),
        ebml("83", b"\1"),
        ebml("86", b"V_MJPEG"),
        pixels,
    ]
    tracks = ebml("1654AE6B", ebml("AE", *about, *([packed] if compressed else [])))
    return head + ebml(
        "18538067", ebml("1549A966", ebml("2AD7B1", b"\x0f\x42\x40")), tracks, *parts
    )


def packed_blocks(count, megabytes):
    block = ebml("A3", b"\x81\0\0\x80", zeros(megabytes))
    return matroska(ebml("1F43B675", ebml("E7", b"\0"), *[block] * count), compressed=True)


def endless():
    return matroska(bytes.fromhex("1F43B67501" + "FF" * 7 + "A301" + "FE" * 7))


def cues(count):
    point = ebml("BB", ebml("B3", b"\1"), ebml("B7", ebml("F7", b"\1"), ebml("F1", b"\1")))
    return matroska(ebml("1C53BB6B", *[point] * count), ebml("1F43B675", ebml("E7", b"\0")))


def clip(codec="mpeg4", size=(320, 240), frames=30):
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as out:
        stream = out.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for number in range(frames):
            picture = np.full((size[1], size[0], 3), number % 200, np.uint8)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        out.mux(stream.encode())
    return file.getvalue()


@dataclass(frozen=True)
class Bomb:
    """A small file; ``what`` it claims or makes a decoder do."""

    name: str
    what: str
    make: object
    role: SampleRole = FOOTAGE


MANY = 60_000_000
BOMBS = (
    Bomb("index.mp4", "a sample table of 60 million samples", lambda: mp4(track(MANY))),
    Bomb("index4.mp4", "four such tables", lambda: mp4(*[track(MANY)] * 4), VOICE),
    Bomb("tracks.mp4", "5,000 tracks", lambda: mp4(*[track()] * 5000)),
    Bomb(
        "times.mp4",
        "times for 4 billion samples",
        lambda: mp4(
            track(
                4000, stts=words(500, *[0xFFFFFFF, 1] * 500), ctts=words(500, *[0xFFFFFFF, 1] * 500)
            )
        ),
    ),
    Bomb(
        "chunks.mp4",
        "200,000 chunks of 2 billion samples",
        lambda: mp4(track(4000, chunks=[64] * 200_000, per_chunk=0x7FFFFFFF)),
    ),
    Bomb(
        "fragments.mp4",
        "runs of 100 million samples",
        lambda: mp4(track(0), extra=fragments(20, 10**8)),
    ),
    Bomb(
        "runs.mp4",
        "20,000 runs of 500,000 samples",
        lambda: mp4(track(0), extra=fragments(20_000, 500_000)),
    ),
    Bomb("header.mov", "a compressed header of 2 GB", compressed_header),
    Bomb("text.png", "text (zTXt) of 2 GB", lambda: png(chunk(b"zTXt", b"a\0\0" + zeros(2048)))),
    Bomb(
        "texts.png",
        "8 texts (iTXt) of 256 MB",
        lambda: png(*[chunk(b"iTXt", b"a\0\1\0\0\0" + zeros(256))] * 8),
    ),
    Bomb(
        "profile.png",
        "a colour profile (iCCP) of 2 GB",
        lambda: png(chunk(b"iCCP", b"a\0\0" + zeros(2048))),
    ),
    Bomb("pixels.png", "64 megapixels", lambda: png(size=(8000, 8000))),
    Bomb("huge.png", "2 gigapixels", lying_png),
    Bomb("frames.png", "an animation of 200 times 4 megapixels", lambda: animated_png(200)),
    Bomb("scans.jpg", "20,000 scans", lambda: scans(3000, 20_000)),
    Bomb("few-scans.jpg", "190 scans of 64 megapixels", lambda: scans(7990, 190)),
    Bomb("chunks.png", "3 million chunks", lambda: png(chunk(b"abCd", b"") * 3_000_000)),
    Bomb("segments.jpg", "3 million segments", lambda: segments(3_000_000)),
    Bomb("profile.jpg", "a colour profile in 255 segments", profile_jpeg),
    Bomb("frames.gif", "60 frames of 4 megapixels", lambda: frames_of("GIF", (2048, 2048), 60)),
    Bomb("huge.webp", "a lossless header of 268 megapixels", lying_webp),
    Bomb("pixels.webp", "64 megapixels", lambda: saved("WEBP", (8000, 8000), lossless=True)),
    Bomb(
        "deflate.tiff",
        "40 megapixels, deflated",
        lambda: saved("TIFF", (6400, 6400), compression="tiff_deflate"),
    ),
    Bomb("blocks.webm", "compressed blocks of 256 MB", lambda: packed_blocks(8, 256), FOOTAGE),
    Bomb("cues.webm", "an index of 100,000 cues", lambda: cues(100_000)),
    Bomb("nested.webm", "elements that say to hold 2^56 bytes", endless),
    Bomb(
        "hertz.wav", "2 million seconds at 1 Hz", lambda: wav(1, 1, b"\x80\x90" * 1_000_000), VOICE
    ),
    Bomb(
        "channels.wav",
        "65,535 channels at 4 GHz",
        lambda: wav(0xFFFFFFFF, 0xFFFF, bytes(2_000_000)),
        VOICE,
    ),
    Bomb("constant.flac", "2.6 billion moments of silence", lambda: flac(40_000), VOICE),
    Bomb("comments.flac", "2 million comments", lambda: comments(2_000_000), VOICE),
    Bomb("pages.ogg", "20,000 streams", lambda: pages(20_000), VOICE),
    Bomb("tags.mp3", "compressed tags of 14 MB", tagged_mp3, VOICE),
    Bomb(
        "hls.mp4",
        "a playlist that names a local file",
        lambda: b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n",
    ),
    Bomb(
        "net.m4a",
        "a playlist that names an address",
        lambda: b"#EXTM3U\nhttp://127.0.0.1:9/a.ts\n",
        VOICE,
    ),
    Bomb(
        "concat.mp4", "a list of files to join", lambda: b"ffconcat version 1.0\nfile /etc/passwd\n"
    ),
    Bomb("picture.svg", "entities that double 30 times", lambda: entities(30)),
)


# -- measuring ------------------------------------------------------------------------------------


def status(pid, name):
    """Kilobytes of a process; None if it has ended."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    return int(text.partition(f"{name}:")[2].split()[0]) if f"{name}:" in text else None


class Peak:
    """Highest resident memory of the decoding processes while the block runs, beyond their idle."""

    def __enter__(self):
        probe(DEMO / "portrait.jpg")
        while not sandbox.MEDIA.children:  # that was the last job of the process
            probe(DEMO / "portrait.jpg")
        self._idle = {pid: status(pid, "VmRSS") or 0 for pid in sandbox.MEDIA.children}
        self._usual = max(self._idle.values())
        for pid in self._idle:
            Path(f"/proc/{pid}/clear_refs").write_text("5")
        self.megabytes, self._done = 0.0, threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def _watch(self):
        while True:
            for pid in sandbox.MEDIA.children:
                if peak := status(pid, "VmHWM"):
                    idle = self._idle.get(pid, self._usual)  # of a child that came later
                    self.megabytes = max(self.megabytes, (peak - idle) / 1024)
            if self._done.wait(0.002):
                return

    def __exit__(self, *_):
        self._done.set()
        self._thread.join()


def explode(bomb, folder):
    """Size in kB, peak in MB, seconds, and the flaws of a bomb."""
    path = Path(folder, bomb.name)
    path.write_bytes(bomb.make())
    with Peak() as peak:
        began = time.monotonic()
        facts = probe(path, role=bomb.role, stills=3 if bomb.role is FOOTAGE else 0)
        seconds = time.monotonic() - began
    said = "; ".join(f"{flaw.code}" for flaw in facts.flaws) or "accepted"
    return path.stat().st_size / 1000, peak.megabytes, seconds, said


# -- damaged files --------------------------------------------------------------------------------


def seeds():
    """Whole files, small ones, of many types."""
    yield "voice.wav", (DEMO / "voice.wav").read_bytes()[:60_000]
    yield "clip.mp4", clip()
    yield "plain.png", saved("PNG", (200, 200))
    yield "plain.jpg", saved("JPEG", (300, 200))
    yield "steps.jpg", saved("JPEG", (300, 200), progressive=True)
    yield "plain.webp", saved("WEBP", (200, 200))
    yield "plain.tiff", saved("TIFF", (50, 50))
    yield "moving.gif", frames_of("GIF", (64, 64), 5)
    yield "sound.flac", flac(50)
    yield "cues.webm", cues(50)
    yield from ((bomb.name, bomb.make()) for bomb in BOMBS if bomb.name in SMALL)


SMALL = {"index.mp4", "fragments.mp4", "header.mov", "nested.webm", "tags.mp3", "times.mp4"}


def damaged(whole, source):
    """A file with a few changes: bytes, sizes, pieces that are lost or repeated."""
    data = bytearray(whole)
    for _ in range(source.choice([1, 3, 10, 100])):
        place = source.randrange(len(data))
        match source.randrange(5):
            case 0:
                data[place] = source.randrange(256)
            case 1:
                size = source.choice([0, 1, 0x7FFFFFFF, 0xFFFFFFFF, source.randrange(1 << 32)])
                data[place : place + 4] = struct.pack(source.choice([">I", "<I"]), size)
            case 2:
                del data[place : place + source.randrange(64)]
            case 3:
                piece = data[place : place + source.randrange(256)]
                data[place:place] = piece * source.choice([1, 20])
            case _:
                data[place : place + 8] = source.choice([bytes(8), b"\xff" * 8])
        if not data:
            return b"\0"
    return bytes(data)


def fuzz(count, folder, seed=7):
    """Probe damaged files: exceptions by type, highest memory in MB, longest time in seconds."""
    source, wholes = random.Random(seed), tuple(seeds())
    raised, said, slowest = Counter(), Counter(), 0.0
    with Peak() as peak:
        for number in range(count):
            name, whole = wholes[number % len(wholes)]
            path = Path(folder, name)
            path.write_bytes(damaged(whole, source))
            role = source.choice([VOICE, FOOTAGE, None])
            began = time.monotonic()
            try:
                facts = probe(path, role=role, stills=source.choice([0, 3]))
                said.update(flaw.code for flaw in facts.flaws if flaw.code.startswith("decoding"))
            except Exception as error:  # noqa: BLE001 - each is a finding
                raised[f"{type(error).__name__}: {error}"] += 1
            slowest = max(slowest, time.monotonic() - began)
    return raised, said, peak.megabytes, slowest


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="exit with 1 above a bar")
    parser.add_argument("--only", default="", help="names of bombs that contain this")
    parser.add_argument("--fuzz", type=int, default=0, help="number of damaged files")
    options = parser.parse_args()
    wrong = False
    with tempfile.TemporaryDirectory() as folder:
        print("| file | kB | claims | peak, MB | seconds | answer |\n|---|---:|---|---:|---:|---|")
        for bomb in BOMBS:
            if options.only in bomb.name:
                size, peak, seconds, said = explode(bomb, folder)
                row = f"{size:.0f} | {bomb.what} | {peak:.0f} | {seconds:.1f}"
                print(f"| `{bomb.name}` | {row} | {said} |", flush=True)
                wrong = wrong or peak > MEMORY or seconds > SECONDS
        if options.fuzz:
            raised, said, peak, slowest = fuzz(options.fuzz, folder)
            print(f"\n{options.fuzz} damaged files: {peak:.0f} MB, {slowest:.1f} s, {dict(said)}")
            print("raised:", dict(raised) or "nothing")
            wrong = wrong or bool(raised) or peak > MEMORY or slowest > SECONDS
    sys.exit(wrong and options.check)


if __name__ == "__main__":
    main()
