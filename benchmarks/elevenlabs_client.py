"""CPU and memory of a clone and speech, against the official client of ElevenLabs.

Each side runs in a process of its own: it imports itself, clones a voice from two recordings of
4 MiB, then has it say a sentence ten times, at the same loopback server. The client is installed
for this alone; where it is not, nothing is measured. Run it as
``python benchmarks/elevenlabs_client.py``.
"""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from pathlib import Path

from loopback import vendor
from measures import Bar, alone, arguments, report

OURS = """
import asyncio, resource, sys, time
from pathlib import Path
from pydantic import SecretStr
from avatarkit._files import chunks
from avatarkit.interfaces import ProviderSettings
from avatarkit.models import Media, SpeechRequest, VoiceRequest
from avatarkit.providers.elevenlabs import ElevenLabs

def recording(path):
    size = path.stat().st_size
    return Media(name=path.name, media_type="audio/mpeg", size=size, sha256="0" * 64,
                 open=lambda: chunks(path))

async def main(url, *paths):
    client = ElevenLabs(ProviderSettings(api_key=SecretStr("a-key"), base_url=url))
    imported = time.process_time()
    samples = tuple(recording(Path(path)) for path in paths)
    voice = await client.clone_voice(VoiceRequest(token="Ana", samples=samples))
    for _ in range(10):
        request = SpeechRequest(token="t", voice_id=voice.id, text="Hello, I am Ana's twin.")
        speech = await client.synthesize(request)
        assert len(b"".join([chunk async for chunk in speech.audio])) > 100_000
    return imported
"""

THEIRS = """
import asyncio, resource, sys, time
from pathlib import Path
from elevenlabs.client import AsyncElevenLabs

async def main(url, *paths):
    client = AsyncElevenLabs(api_key="a-key", base_url=url)
    imported = time.process_time()
    files = [(Path(path).name, open(path, "rb"), "audio/mpeg") for path in paths]
    voice = await client.voices.ivc.create(name="Ana", files=files)
    for _ in range(10):
        speech = client.text_to_speech.convert(
            voice.voice_id, text="Hello, I am Ana's twin.", model_id="eleven_multilingual_v2",
            output_format="mp3_44100_128")
        assert len(b"".join([chunk async for chunk in speech])) > 100_000
    return imported
"""

END = """
imported = asyncio.run(main(*sys.argv[1:]))
all_of_it = time.process_time()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(all_of_it * 1e3, (all_of_it - imported) * 1e3, peak)
"""

SIDES = {"the official client": THEIRS, "avatarkit": OURS}
FIGURES = {
    "from start to end": "ms of CPU",
    "the calls alone": "ms of CPU",
    "memory at its peak": "MiB",
}


def main():
    options = arguments(__doc__, rounds=7).parse_args()
    if importlib.util.find_spec("elevenlabs") is None:
        print("not measured: the official client (elevenlabs) is not installed")
        return
    with vendor() as url, tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, f"{name}.mp3") for name in ("one", "two")]
        for path in paths:
            path.write_bytes(b"\xff\xfb" + bytes(4 << 20))
        rounds = [
            {side: alone(code + END, url, *paths) for side, code in SIDES.items()}
            for _ in range(options.rounds + 1)  # the first one compiles
        ]
    theirs, ours = SIDES
    missed = False
    for place, (figure, unit) in enumerate(FIGURES.items()):
        told = [
            {f"{figure}, {side}": numbers[place] for side, numbers in r.items()} for r in rounds[1:]
        ]
        bar = Bar(f"{figure}, {ours}", f"{figure}, {theirs}", 1.0)
        missed |= report(told, [bar], unit, check=options.check)
    sys.exit(missed)


if __name__ == "__main__":
    main()
