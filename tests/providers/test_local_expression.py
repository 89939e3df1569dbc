"""Expression of local portraits: seeded, bound to the speech, and seen in the decoded pictures."""

import av
import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

from avatarkit.providers.local import expression, render
from avatarkit.providers.local.eyes import Eyes
from avatarkit.providers.local.facemesh import FaceMesh
from avatarkit.providers.local.head import Head, Movement
from avatarkit.providers.local.speech import Phoneme

FPS = 25


@pytest.fixture(scope="module")
def photograph():
    return np.asarray(Image.fromarray(astronaut()))


@pytest.fixture(scope="module")
def landmarks(photograph):
    return FaceMesh().find(Image.fromarray(photograph)).points


def seen(pixels):
    return FaceMesh().find(Image.fromarray(pixels)).points


@pytest.fixture(scope="module")
def moved(photograph, landmarks):
    """The photograph's landmarks, found again after each movement alone."""
    head = Head(landmarks, (512, 512))
    left, top, right, bottom = head.box

    def move(**weights):
        pixels = photograph.copy()
        field = head.field(Movement(**weights))
        pixels[top:bottom, left:right] = head.move(pixels[top:bottom, left:right], field)
        return seen(pixels)

    return move


def test_raised_brows_leave_the_eyes_where_they_are(moved, landmarks):
    raised = moved(brows=1.5)
    brows, lids = [105, 334, 66, 296], [145, 374, 33, 263]
    up = landmarks[brows, 1] - raised[brows, 1]
    assert up.mean() > 0.8
    assert np.abs(raised[lids, :2] - landmarks[lids, :2]).max() < 1.2


def test_a_turned_head_has_parallax(moved, landmarks):
    """The nose moves further than the cheeks, and the outline stays."""
    turned = moved(yaw=0.12) - moved(yaw=-0.12)
    nose, outline = turned[[1, 4, 5], 0].mean(), turned[[234, 454], 0].mean()
    assert nose > 4
    assert nose > 2.5 * abs(outline)


def test_the_background_stays_when_the_head_moves(photograph, landmarks):
    head = Head(landmarks, (512, 512))
    left, top, right, bottom = head.box
    field = head.field(Movement(roll=0.02, right=0.02, down=0.02, yaw=0.06, pitch=0.05, brows=1))
    moved = head.move(photograph[top:bottom, left:right], field)
    assert np.abs(field).max() > 2
    difference = np.abs(moved.astype(int) - photograph[top:bottom, left:right])
    border = np.ones(difference.shape[:2], bool)
    border[6:-6, 6:-6] = False
    assert difference[border].max() <= 12
    assert difference[border].mean() < 0.5


def test_no_movement_changes_nothing(photograph, landmarks):
    head = Head(landmarks, (512, 512))
    left, top, right, bottom = head.box
    same = head.move(photograph[top:bottom, left:right], head.field(Movement()))
    np.testing.assert_array_equal(same, photograph[top:bottom, left:right])


def test_the_gaze_moves_the_iris_and_not_the_lids(photograph, landmarks):
    left, right = photograph.copy(), photograph.copy()
    eyes = Eyes(landmarks, (512, 512))
    eyes.draw(left, (-0.09, 0.0), 0)
    eyes.draw(right, (0.09, 0.0), 0)

    def iris(pixels):
        box = landmarks[[33, 133, 159, 145], :2]
        low, high = box.min(axis=0).astype(int), box.max(axis=0).astype(int)
        dark = 255 - pixels[low[1] : high[1], low[0] : high[0]].mean(axis=2)
        weights = (dark - np.percentile(dark, 60)).clip(0)
        return (weights.sum(axis=0) * np.arange(weights.shape[1])).sum() / weights.sum()

    assert iris(right) - iris(left) > 0.5
    changed = np.abs(left.astype(int) - right).max(axis=2)
    assert not changed[: int(landmarks[[159, 386], 1].min()) - 2].any()


def looks(phonemes=None, seed=7, seconds=12.0):
    times = np.arange(int(seconds * FPS)) / FPS
    level = np.clip(np.sin(2 * np.pi * times) + 0.4, 0, 1) * ((times % 4) < 3)
    return expression.looks(level, FPS, phonemes, np.random.default_rng(seed))


def test_one_seed_gives_one_performance():
    assert looks() == looks()
    assert looks(seed=8) != looks()


def test_questions_raise_the_brows():
    asked = [Phoneme("a", 5.0, 5.9), Phoneme("?", 5.9, 6.0)]
    told = [Phoneme("a", 5.0, 5.9), Phoneme(".", 5.9, 6.0)]
    frame = int(5.7 * FPS)
    difference = looks(asked)[frame].movement.brows - looks(told)[frame].movement.brows
    assert difference > 0.8


def test_stresses_nod_and_raise_the_brows():
    mark = expression.STRESS
    stresses = [Phoneme(mark, at, at + 0.02) for at in np.arange(1, 11, 1.0)]
    quiet, stressed = looks([Phoneme("a", 1, 2)]), looks(stresses)
    brows = [b.movement.brows - a.movement.brows for a, b in zip(quiet, stressed, strict=True)]
    assert sum(value > 0.3 for value in brows) >= 6


def test_without_phonemes_the_loud_syllables_count_as_stresses():
    level = np.zeros(100)
    level[[20, 60]] = 1
    assert list(expression.rhythm(None, level, FPS).stresses) == [20 / FPS, 60 / FPS]


def test_movements_stay_within_what_a_photograph_bears():
    for seed in range(12):
        for look in looks(seed=seed, seconds=30):
            assert abs(look.movement.yaw) < 0.12
            assert abs(look.movement.pitch) < 0.12
            assert abs(look.movement.roll) < 0.04
            assert -0.6 < look.movement.brows < 2.4
            assert 0 <= look.smile <= 0.8


def test_no_frame_jumps_but_the_eyes():
    moves = np.array([look.movement for look in looks(seconds=30)])
    assert np.abs(np.diff(moves[:, :5], axis=0)).max() < 0.025


@pytest.fixture(scope="module")
def video(tmp_path_factory, photograph):
    folder = tmp_path_factory.mktemp("video")
    Image.fromarray(photograph).save(folder / "portrait.png")
    render.train_face(folder / "portrait.png", folder / "face")
    script = "Did you really see the old map? I never thought that we could find it. Well done!"
    render.render_video(folder / "face", folder / "video.mp4", script=script)
    mesh, points, found = FaceMesh(), None, []
    with av.open(str(folder / "video.mp4")) as container:
        for frame in container.decode(video=0):
            image = frame.to_image()
            face = mesh.find(image) if points is None else mesh.track(image, points)
            points = face.points
            found.append(points)
    return np.array(found)


def test_head_and_brows_move_in_the_decoded_video(video):
    eyes = np.linalg.norm(video[:, 263, :2] - video[:, 33, :2], axis=1).mean()
    nose = video[:, 1, 0] - video[:, [234, 454], 0].mean(axis=1)
    assert np.ptp(nose) / eyes > 0.03
    lids = video[:, [159, 386], 1].mean(axis=1)
    brows = lids - video[:, [105, 334], 1].mean(axis=1)
    assert np.ptp(brows) / eyes > 0.02


def test_the_same_video_is_made_twice(tmp_path, photograph):
    Image.fromarray(photograph).save(tmp_path / "portrait.png")
    render.train_face(tmp_path / "portrait.png", tmp_path / "face")
    for name in ("one.mp4", "two.mp4"):
        render.render_video(tmp_path / "face", tmp_path / name, script="Good morning.")
    frames = []
    for name in ("one.mp4", "two.mp4"):
        with av.open(str(tmp_path / name)) as container:
            frames.append([f.to_ndarray(format="gray") for f in container.decode(video=0)])
    for one, two in zip(*frames, strict=True):
        np.testing.assert_array_equal(one, two)
