"""Faces beyond the usual one: each is trained, speaks, and is neither torn nor smeared."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import av
import cv2
import numpy as np
import pytest

from avatarkit.providers.local import render
from avatarkit.providers.local.facemesh import FaceMesh

from . import faces
from .lipsync import Measurement, measure

pytestmark = pytest.mark.once

SCRIPT = "My baby bear wants apples."
#: Hair over the upper lip hides half of an opening.
LEAST_OPENING = {"beard": 0.015}


#: CI sees one face of each difficulty: hair around the lips, lines across the face, dark and light.
OFTEN = {"beard", "glasses", "dark skin", "light skin"}


def kinds(*names: str) -> list:
    """Parameters of a test: faces by name."""
    return [
        pytest.param(name, marks=() if name in OFTEN else pytest.mark.thorough) for name in names
    ]


class Shown(NamedTuple):
    """A face as it was given, and the video in which it speaks."""

    picture: np.ndarray
    frames: list[np.ndarray]
    lips: Measurement


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """Trains and films a face when it is first asked for."""
    folder: Path = tmp_path_factory.mktemp("faces")
    made: dict[str, Shown] = {}

    def film(name: str) -> Shown:
        if name not in made:
            picture, video = faces.portrait(name), folder / f"{name}.mp4"
            picture.save(folder / f"{name}.png")
            render.train_face(folder / f"{name}.png", folder / name)
            render.render_video(folder / name, video, script=SCRIPT)
            with av.open(str(video)) as container:
                frames = [one.to_ndarray(format="rgb24") for one in container.decode(video=0)]
            made[name] = Shown(np.asarray(picture), frames, measure(video))
        return made[name]

    return film


@pytest.mark.parametrize("name", kinds(*faces.FACES))
def test_every_kind_of_face_speaks(shown, name):
    lips = shown(name).lips
    assert np.ptp(lips.opening) >= LEAST_OPENING.get(name, 0.03)
    assert lips.correlation() >= 0.6
    assert abs(lips.best_lag()) <= 1


def sharpest(pixels: np.ndarray, where: np.ndarray) -> float:
    """Steepest edges within a mask: a tear or a seam is steeper than what a picture shows."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    slope = np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))
    return float(np.percentile(slope[where], 99.5))


@pytest.mark.parametrize("name", kinds("beard", "age", "headscarf", "dark skin"))
def test_no_edge_around_the_mouth_is_sharper_than_in_the_picture(shown, name):
    picture, frames, _ = shown(name)
    points = faces.drawing()[1]
    jaw = points[list(faces.JAW)]
    around = np.zeros(picture.shape[:2], np.uint8)
    cv2.fillPoly(around, [np.rint(np.concatenate([jaw, points[[454, 1, 234]]])).astype(int)], 1)
    lips = points[list(faces.LIPS)]
    middle = lips.mean(axis=0)
    opened = middle + (lips - middle) * np.array([1.3, 2.2])  # and what an open mouth shows
    cv2.fillPoly(around, [np.rint(opened).astype(int)], 0)
    before = sharpest(picture, around > 0)
    assert max(sharpest(frame, around > 0) for frame in frames) <= 1.15 * before


def rims(pixels: np.ndarray) -> int:
    """Count the black pieces of glasses: one, as long as nothing is torn."""
    dark = (pixels.max(axis=2) < 90).astype(np.uint8)
    points = FaceMesh().find(faces.Image.fromarray(pixels)).points[:, :2]
    low, high = points[70, 1], points[4, 1]
    left, right = points[[127, 356], 0]
    inside = np.zeros_like(dark)
    inside[int(low) : int(high), int(left) : int(right)] = 1
    _, _, found, _ = cv2.connectedComponentsWithStats(dark * inside, connectivity=8)
    across = found[1:, cv2.CC_STAT_WIDTH]
    return int((across > 0.25 * (right - left)).sum())


@pytest.mark.parametrize("name", kinds("glasses", "thick glasses"))
def test_glasses_stay_in_one_piece(shown, name):
    picture, frames, _ = shown(name)
    assert rims(picture) == 1
    assert {rims(frame) for frame in frames[::4]} == {1}


def test_a_tear_would_be_seen():
    whole = np.asarray(faces.portrait("glasses"))
    torn = whole.copy()
    torn[:, 250:256] = torn[:, 236:237]  # the bridge is gone
    assert rims(torn) != 1
    bearded = np.asarray(faces.portrait("beard"))
    cut = bearded.copy()
    cut[330:] = np.roll(bearded, 30, axis=1)[330:] // 2
    everywhere = np.ones(whole.shape[:2], bool)
    everywhere[:325] = everywhere[335:] = False
    assert sharpest(cut, everywhere) > 1.15 * sharpest(bearded, everywhere)


def test_teeth_are_as_white_in_a_dark_face(shown):
    def brightest(name: str) -> float:
        _, frames, lips = shown(name)
        frame = frames[int(lips.opening.argmax())]
        mouth = FaceMesh().find(faces.Image.fromarray(frame)).points[[78, 308, 13, 14], :2]
        (left, top), (right, bottom) = mouth.min(axis=0).astype(int), mouth.max(axis=0).astype(int)
        return float(np.percentile(frame[top : bottom + 1, left:right].min(axis=2), 90))

    assert brightest("dark skin") >= 0.55 * brightest("light skin")
