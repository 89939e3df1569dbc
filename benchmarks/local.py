"""Speed and memory of the local provider's videos, against encoding alone and an older version.

Run it as ``python benchmarks/local.py [--baseline CHECKOUT/src] [--memory] [--demo]``. The CPU of a
process counts, and ratios within a round; wall times are shown, and mean little on a busy machine.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measures import Bar, arguments, report

SENTENCE = "Please bring my map to the boat, everybody: the weather is fine today. "
HERE = Path(__file__).parents[1] / "src"
#: Prints CPU, wall and the speech's CPU seconds for one second of video: in a new process, or warm.
RENDER = """
import sys, time
from pathlib import Path
from avatarkit.providers.local import load_engine
face, out, script, first = *map(Path, sys.argv[1:3]), sys.argv[3], sys.argv[4] == "first"
def timed():
    cpu, wall = time.process_time(), time.perf_counter()
    made = load_engine().render_video(face, out, script=script)
    return (time.process_time() - cpu) / made.seconds, (time.perf_counter() - wall) / made.seconds
if not first:
    timed()
cpu, wall = timed()
began = time.process_time()
said = load_engine().synthesize(script)
print(cpu, wall, (time.process_time() - began) / said.seconds)
"""
#: Prints CPU seconds to encode one second of a video that exists.
ENCODE = """
import sys, time
from pathlib import Path
import av
from avatarkit.providers.local import audio, paste, video
source = Path(sys.argv[1])
samples, _ = audio.read_audio(source, video.AUDIO_RATE)
with av.open(str(source)) as container:
    frames = [paste.Frame.from_video(frame) for frame in container.decode(video=0)]
sound = audio.Resampler(audio.Sound.of(samples, video.AUDIO_RATE), video.AUDIO_RATE)
cpu = time.process_time()
with video.VideoWriter(source.with_name("again.mp4"), size=frames[0].size, fps=25) as writer:
    for frame in frames:
        writer.write(frame, sound)
print((time.process_time() - cpu) / len(frames) * 25)
"""
#: Prints the highest memory of a process that made one video, in MB, and the video's seconds.
MEMORY = """
import resource, sys
from pathlib import Path
from avatarkit.providers.local import load_engine
face, out, script = *map(Path, sys.argv[1:3]), sys.argv[3]
made = load_engine().render_video(face, out, script=script)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, made.seconds)
"""
TRAIN = """
import sys
from pathlib import Path
from avatarkit.providers.local import load_engine
load_engine().train_face(*map(Path, sys.argv[1:3]))
"""
BARS = (
    Bar("portrait 512, CPU without speech", "encoding portrait 512, CPU", 3),
    Bar("portrait 720, CPU without speech", "encoding portrait 720, CPU", 3),
    Bar("clip 512, CPU", "portrait 512, CPU", 1.3),
    Bar("handheld 512, CPU to draw", "portrait 512, CPU to draw", 1.3),
)
SIDES = ("portrait-512", "portrait-720", "clip-512", "handheld-512")
OLDER = (
    Bar("portrait 512, CPU", "older: portrait 512, CPU", 1.1),
    Bar("clip 512, CPU", "older: clip 512, CPU", 1.1),
)


def alone(source, code, *given):
    """Numbers that a new interpreter prints that runs this code with the package of ``source``."""
    command = [sys.executable, "-c", code, *map(str, given)]
    env = {**os.environ, "PYTHONPATH": str(source)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    if done.returncode:
        sys.exit(done.stderr)
    return [float(number) for number in done.stdout.split()]


def footage(folder):
    """Write portraits and a moving clips of a photograph that scikit-image brings along."""
    import av
    import numpy as np
    from PIL import Image, ImageDraw, ImageFilter
    from skimage.data import astronaut

    photograph = Image.fromarray(astronaut())
    for size in (512, 720):
        photograph.resize((size, size)).save(folder / f"portrait-{size}.png")
    around = Image.new("L", photograph.size)
    ImageDraw.Draw(around).ellipse((110, 10, 340, 300), fill=255)
    around = around.filter(ImageFilter.GaussianBlur(20))
    # a camera that stands before a head that moves, and one that moves itself: of the latter each
    # pixel changes, which is twice the work for the encoder alone
    for name, moving in (("clip-512", around), ("handheld-512", None)):
        with av.open(str(folder / f"{name}.mp4"), "w") as container:
            stream = container.add_stream("libx264", rate=25, options={"crf": "15"})
            stream.width = stream.height = 512
            for number in range(75):
                turn = 2 * np.sin(number / 12)
                frame = photograph.rotate(turn, Image.Resampling.BICUBIC, center=(224, 200))
                shown = Image.composite(frame, photograph, moving) if moving else frame
                for packet in stream.encode(av.VideoFrame.from_image(shown)):
                    container.mux(packet)
            for packet in stream.encode():
                container.mux(packet)


def measured(folder, source, prefix, sides, script):
    """CPU and wall of each side, of a warm process."""
    found, walls = {}, {}
    for side in sides:
        face, film = folder / f"{prefix}{side}", folder / f"{prefix}{side}.mp4"
        cpu, wall, speech = alone(source, RENDER, face, film, script, "warm")
        name = f"{prefix}{side.replace('-', ' ')}"
        found[f"{name}, CPU"], walls[f"{name}, wall"] = cpu, wall
        found[f"{name}, CPU without speech"] = cpu - speech
    return found, walls


def one_round(folder, baseline):
    """All figures of one round: seconds for one second of video."""
    script = SENTENCE * 2
    found, walls = measured(folder, HERE, "", SIDES, script)
    for side in SIDES:
        name = side.replace("-", " ")
        encoding = found[f"encoding {name}, CPU"] = alone(HERE, ENCODE, folder / f"{side}.mp4")[0]
        found[f"{name}, CPU to draw"] = found[f"{name}, CPU without speech"] - encoding
    first = alone(HERE, RENDER, folder / "portrait-512", folder / "first.mp4", script, "first")
    walls["portrait 512, first in its process, wall"] = first[1]
    if baseline:
        older, old_walls = measured(
            folder, baseline, "older: ", ("portrait-512", "clip-512"), script
        )
        found, walls = {**found, **older}, {**walls, **old_walls}
    return {**found, **walls}


def memory(folder, source, prefix=""):
    """Print the memory of videos of about 10 seconds and 5 minutes."""
    peaks = []
    for repeats in (2, 65):
        face, film = folder / f"{prefix}portrait-512", folder / "long.mp4"
        peak, seconds = alone(source, MEMORY, face, film, SENTENCE * repeats)
        peaks.append(peak)
        print(f"{prefix}{seconds:6.0f} s of video: at most {peak:.0f} MB")
    print(f"{prefix}difference {peaks[1] - peaks[0]:.0f} MB, bar 50")
    return peaks[1] - peaks[0] > 50


def demo():
    """Print the time of ``avatarkit demo`` from start to file."""
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "PYTHONPATH": str(HERE)}
        began = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "avatarkit", "demo"],
            cwd=folder,
            env=env,
            check=True,
            capture_output=True,
        )
        print(f"avatarkit demo: {time.perf_counter() - began:.1f} s, bar 7 on two idle cores")


def main():
    parser = arguments(__doc__, rounds=3)
    parser.add_argument("--baseline", type=Path, help="src of an older checkout")
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--demo", action="store_true")
    options = parser.parse_args()
    versions = {"": HERE} | ({"older: ": options.baseline} if options.baseline else {})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        footage(folder)
        for prefix, source in versions.items():
            for path in [*folder.glob("*-512.*"), *folder.glob("*-720.png")]:
                if path.suffix in {".png", ".mp4"} and not path.stem.startswith("older"):
                    alone(source, TRAIN, path, folder / f"{prefix}{path.stem}")
        rounds = [one_round(folder, options.baseline) for _ in range(options.rounds)]
        bars = BARS + (OLDER if options.baseline else ())
        missed = report(rounds, bars, "s", check=options.check)
        if options.memory:
            for prefix, source in versions.items():
                missed = (memory(folder, source, prefix) and not prefix) or missed
    if options.demo:
        demo()
    sys.exit(missed and options.check)


if __name__ == "__main__":
    main()
