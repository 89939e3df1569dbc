"""Scripts as they are sent: without comments and indentation, and otherwise the same."""

from __future__ import annotations

import pytest

from avatarkit.server.static_files import sent


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("// A comment.\nlet a = 1;\n", "let a = 1;\n"),
        ("  let a = 1; // why\n", "let a = 1; // why\n"),
        ("/**\n * @param {string} a\n */\n\nconst f = (a) => a;\n", "const f = (a) => a;\n"),
        ("/** @type {A} */ (b).c();\n\n  /** One. */\n  d();\n", "(b).c();\nd();\n"),
        ("f(/** @type {A[]} */ (b), /** @type {C} */ (d));\n", "f((b), (d));\n"),
        ('const u = "https://a/**/b"; // c\n', 'const u = "https://a/**/b"; // c\n'),
        ("const s = `\n  p { color: red; }\n`;\n", "const s = `\np { color: red; }\n`;\n"),
        ("a = b\n  / c / 2;\n", "a = b\n/ c / 2;\n"),
    ],
)
def test_a_script_is_sent_without_its_comments(script, expected):
    assert sent(script) == expected
    assert sent(expected) == expected
