"""Makes the demo material, the README's animation and a constant of the local provider.

    python docs/make_demo.py portrait     # src/avatarkit/data/demo/portrait.jpg
    python docs/make_demo.py voice        # src/avatarkit/data/demo/voice.wav
    python docs/make_demo.py animation    # docs/_static/demo.webp
    python docs/make_demo.py base-voice   # providers/local/models/heart_voice.json

Needs ``pip install -e ".[local]"``. Each command gives the same bytes again on one machine.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from draw_portrait import draw_portrait

from avatarkit.providers.local import audio, render, speech, voice
from avatarkit.providers.local.video import read_frames

ROOT = Path(__file__).parent.parent
DEMO = ROOT / "src" / "avatarkit" / "data" / "demo"
ANIMATION = ROOT / "docs" / "_static" / "demo.webp"

VOICE_SCRIPT = (
    "Hello, this is a short sample of a voice. It was made for the demo, and nobody has to be "
    "asked for it. It is a little deeper than the voice it was made from."
)
ANIMATION_SCRIPT = "Hi! I was made on your own machine, without a key."
BASE_SCRIPT = (
    "The quick brown fox jumps over the lazy dog near the river bank. "
    "She had your dark suit in greasy wash water all year. "
    "We should meet again on Thursday to talk about the new plan."
)
ANIMATION_SIDE = 360
ANIMATION_FPS = 12.5


def make_portrait() -> None:
    """Draw the portrait."""
    draw_portrait().save(DEMO / "portrait.jpg", quality=90, optimize=True)


def make_voice() -> None:
    """Say the sample in a voice that is clearly another than the built-in one."""
    base = voice.base_profile()
    tilt = np.linspace(3.5, -4.5, len(base.spectrum))  # darker
    target = replace(
        base,
        pitch=base.pitch + float(np.log(0.66)),
        spectrum=tuple(float(level) for level in np.array(base.spectrum) + tilt),
    )
    said = render.synthesize(VOICE_SCRIPT, target)
    audio.write_wav(DEMO / "voice.wav", said.samples, speech.RATE)


def make_animation() -> None:
    """Let the portrait speak, and keep every second frame as an animated picture."""
    ANIMATION.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        face, voice_dir, video = (Path(folder) / name for name in ("face", "voice", "video.mp4"))
        render.train_face(DEMO / "portrait.jpg", face)
        render.train_voice([DEMO / "voice.wav"], voice_dir)
        render.render_video(face, video, script=ANIMATION_SCRIPT, voice_dir=voice_dir)
        frames = list(read_frames(video, fps=25))
    small = [frame.resize((ANIMATION_SIDE, ANIMATION_SIDE)) for frame in frames[::2]]
    small[0].save(
        ANIMATION,
        save_all=True,
        append_images=small[1:],
        duration=round(1000 / ANIMATION_FPS),
        loop=0,
        quality=80,
        method=6,
    )


def make_base_voice() -> None:
    """Measure the built-in voice."""
    said = speech.Speaker().speak(BASE_SCRIPT)
    voice.analyse(said.samples).save(voice.BASE_PROFILE)


COMMANDS: dict[str, Callable[[], None]] = {
    "portrait": make_portrait,
    "voice": make_voice,
    "animation": make_animation,
    "base-voice": make_base_voice,
}

if __name__ == "__main__":
    for name in sys.argv[1:] or sys.exit(__doc__):
        COMMANDS[name]()
