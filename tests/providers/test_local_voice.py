# ruff: noqa: RUF001 - other scripts are what is refused
"""The local provider's voice: what is measured in a sample, and what it does to the speech."""

import json
from pathlib import Path

import numpy as np
import pytest

from avatarkit.errors import MediaRejected, Unsupported
from avatarkit.providers.local import audio, render, speech, voice
from avatarkit.providers.local.text import check_text

DEMO = Path(render.__file__).parents[2] / "data" / "demo"
SCRIPT = "Today is a fine day for a walk along the river, and we have time."


def median_f0(samples: np.ndarray) -> float:
    f0 = voice.track_pitch(samples, voice.RATE)
    return float(np.median(f0[f0 > 0]))


def tone(frequency: float, seconds: float, rate: int = 24_000) -> np.ndarray:
    """A buzz with ten harmonics: as voiced as a voice."""
    time = np.arange(int(seconds * rate)) / rate
    waves = [np.sin(2 * np.pi * frequency * k * time) / k for k in range(1, 11)]
    return (0.1 * np.sum(waves, axis=0)).astype(np.float32)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("voice")
    render.train_voice([DEMO / "voice.wav"], folder / "trained")
    return folder / "trained"


@pytest.mark.parametrize("frequency", [90, 140, 220, 330])
def test_pitch_is_measured_to_two_per_cent(frequency):
    assert median_f0(tone(frequency, 2)) == pytest.approx(frequency, rel=0.02)


def test_a_stored_profile_is_read_back_unchanged(trained):
    assert render.load_voice(trained) == voice.train([DEMO / "voice.wav"])


def test_a_profile_is_small_and_plain_json(trained):
    (file,) = trained.iterdir()
    assert file.stat().st_size < 4096
    assert json.loads(file.read_text())["version"] == 1


def test_shaping_moves_the_pitch_to_the_sample(trained):
    profile = render.load_voice(trained)
    plain = median_f0(render.synthesize(SCRIPT).samples)
    shaped = median_f0(render.synthesize(SCRIPT, profile).samples)
    assert abs(shaped - profile.median_f0) < 0.2 * abs(plain - profile.median_f0)


def test_shaping_moves_the_spectrum_to_the_sample(trained):
    profile = render.load_voice(trained)
    audible = slice(3, 44)

    def distance(samples: np.ndarray) -> float:
        difference = np.array(voice.analyse(samples).spectrum) - np.array(profile.spectrum)
        return float(np.std(difference[audible]))

    long_script = f"{SCRIPT} {SCRIPT}"
    plain = distance(render.synthesize(long_script).samples)
    assert distance(render.synthesize(long_script, profile).samples) < 0.85 * plain


def test_the_stored_base_voice_is_the_one_that_speaks():
    base = voice.base_profile()
    assert median_f0(render.synthesize(SCRIPT).samples) == pytest.approx(base.median_f0, rel=0.1)


def test_several_samples_are_joined_at_equal_level(tmp_path):
    audio.write_wav(tmp_path / "low.wav", tone(100, 2), 24_000)
    audio.write_wav(tmp_path / "quiet.wav", 0.05 * tone(120, 2), 24_000)
    joined = voice.train([tmp_path / "low.wav", tmp_path / "quiet.wav"])
    assert joined.voiced_seconds == pytest.approx(4, abs=0.3)
    assert joined.median_f0 == pytest.approx(np.sqrt(100 * 120), rel=0.03)


def test_a_telephone_recording_does_not_dull_the_voice(tmp_path):
    """Above the sample's bandwidth the built-in voice stays as it is."""
    phone = audio.Resampler(audio.Sound.of(tone(120, 3), 24_000), 8000).take(24_000)
    audio.write_wav(tmp_path / "phone.wav", phone, 8000)
    assert voice.train([tmp_path / "phone.wav"]).bandwidth < 4000


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.zeros(48_000), "silent"),
        (0.1 * np.random.default_rng(1).standard_normal(72_000), "only 0.0 s of a voice"),
        (tone(120, 0.7), "only 0.* s of a voice"),
    ],
    ids=["silence", "noise", "too short"],
)
def test_a_sample_without_enough_voice_is_rejected(tmp_path, samples, message):
    audio.write_wav(tmp_path / "sample.wav", samples.astype(np.float32), 24_000)
    with pytest.raises(MediaRejected, match=message):
        voice.train([tmp_path / "sample.wav"])


def test_a_rejected_sample_leaves_no_folder_behind(tmp_path):
    audio.write_wav(tmp_path / "sample.wav", np.zeros(48_000, np.float32), 24_000)
    with pytest.raises(MediaRejected):
        render.train_voice([tmp_path / "sample.wav"], tmp_path / "trained")
    assert [path.name for path in tmp_path.iterdir()] == ["sample.wav"]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Привет, мир!", None),
        ("你好，世界", None),
        ("مرحبا بالعالم", None),
        ("Γειά σου κόσμε", None),
        ("Hello world", "de"),
        ("Hola, gracias por la comida, está muy buena.", None),
        ("Das ist nicht mein Haus, danke.", None),
    ],
)
def test_other_languages_are_refused_with_those_it_speaks(text, language):
    with pytest.raises(Unsupported, match="speaks: en"):
        check_text(text, language)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Hello world", "en"),
        ("Hello world", "en-GB"),
        ("Zoë ate a crème brûlée at the café on 3 May.", None),
        ("Call 555-1234!", None),
        ("Die hard fans, unite.", None),
    ],
)
def test_english_is_accepted(text, language):
    check_text(text, language)


@pytest.mark.parametrize("text", ["", "  \n", "😀🎉", "?! ... --"])
def test_a_script_with_nothing_to_say_is_rejected(text):
    with pytest.raises(MediaRejected, match="at least one word"):
        check_text(text)


def test_phonemes_are_in_order_and_inside_the_sound():
    said = render.synthesize("One. Two. Three.")
    starts = [phoneme.start for phoneme in said.phonemes]
    assert starts == sorted(starts)
    assert said.phonemes[-1].end <= said.seconds


def test_a_long_script_is_spoken_sentence_by_sentence():
    seen = []
    speaker = speech.Speaker()
    speaker.speak("This is one sentence. " * 4 + "and, on, " * 60, check=seen.append)
    assert len(seen) >= 5  # three sentences, and the long rest in pieces
    assert seen == sorted(seen)


def test_without_durations_the_sound_still_comes(monkeypatch):
    """Another build of the speech network has no phoneme times; the mouth then follows sound."""
    monkeypatch.setattr(speech, "DURATIONS", "/no_such_tensor")
    said = speech.Speaker().speak("Hello there.")
    assert said.phonemes is None
    assert said.seconds > 0.8


def test_speech_is_levelled_and_never_clips(trained):
    for profile in (None, render.load_voice(trained)):
        samples = render.synthesize(SCRIPT, profile).samples
        loud = samples[np.abs(samples) > 0.01]
        assert np.abs(samples).max() <= 0.951
        assert np.sqrt(np.mean(loud**2)) == pytest.approx(0.1, rel=0.25)


def test_speech_becomes_a_wav_file(tmp_path):
    said = render.synthesize("Hello.")
    (tmp_path / "said.wav").write_bytes(render.wav(said))
    samples, rate = audio.read_audio(tmp_path / "said.wav", 24_000)
    assert rate == 24_000
    np.testing.assert_allclose(samples, said.samples, atol=1e-4)


def test_speaking_can_be_cancelled():
    with pytest.raises(render.Cancelled):
        render.synthesize("One. Two.", cancelled=lambda: True)
