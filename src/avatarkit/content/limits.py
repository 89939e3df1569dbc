"""Limits of decoding that several modules share; none needs a decoder to be installed."""

from __future__ import annotations

from typing import Final

#: Pixels of one frame or still, so that no file of few bytes may ask for a gigabyte.
MAX_PIXELS: Final = 64_000_000
#: Pixels of a JPEG, which its decoder shrinks while it reads.
MAX_JPEG_PIXELS: Final = 120_000_000
#: Level of the loudest moment, of full scale, below which sound counts as silent: -80 dB, three
#: steps of 16 bits. Quiet speech above it is still speech; the engine evens out levels.
SILENT: Final = 1e-4
WINDOW_SECONDS: Final = 0.05
