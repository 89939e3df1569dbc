"""The prose check passes, and finds what it is for."""

from __future__ import annotations

import pytest

import prose


@pytest.mark.parametrize("part", prose.COVERED)
def test_the_prose_has_none_of_the_usual_mistakes(part):
    assert "\n".join(prose.CHECKS[part]()) == ""


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ('"""Where it lives."""', "m.py:1: docstring begins with 'Where'"),
        ('def f():\n    """\n    Whether it is so."""', "m.py:2: docstring begins with 'Whether'"),
        ('raise ValueError("start it anew")', "m.py:1: the word 'anew'"),
        ('f"{1} is known to nobody"', "m.py:1: the word 'nobody'"),
        ('"""Folder of the database."""\nx = "whatever"', ""),
    ],
)
def test_a_mistake_in_the_source_is_listed_by_its_place(source, told, tmp_path, monkeypatch):
    monkeypatch.setattr(prose, "ROOT", tmp_path)
    (tmp_path / "src").mkdir()
    (tmp_path / "src/m.py").write_text(source)
    assert "\n".join(prose.of_src()).removeprefix("src/") == told


@pytest.mark.parametrize(
    ("page", "told"),
    [
        ("# What counts\n\nWho asks?\n", ""),
        ("Text.\nIt ends. Who asks\nis told.\n", "docs/p.md:2: begins with 'Who'"),
        ("```sh\nWhat is this\n```\n", ""),
        ("This is the dearest.\n", "docs/p.md:1: the word 'dearest'"),
    ],
)
def test_a_mistake_on_a_page_is_listed_by_its_place(page, told, tmp_path, monkeypatch):
    monkeypatch.setattr(prose, "ROOT", tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/p.md").write_text(page)
    assert "\n".join(prose.of_docs()) == told
