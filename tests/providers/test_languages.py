"""Languages are found in each vendor's own list."""

from __future__ import annotations

import pytest

from avatarkit.errors import Unsupported
from avatarkit.providers.languages import dialect, named
from avatarkit.providers.vendor_data import vendor_data

#: In the style of HeyGen's list.
NAMES = [
    *("English", "English (United States)", "English (UK)", "English (Australia)"),
    *("Spanish", "Spanish (Spain)", "Spanish (Argentina)", "Spanish (Mexico)"),
    *("Portuguese (Brazil)", "Portuguese (Portugal)", "Thai (Thailand)", "Persian (Iran)"),
    *("Vietnamese (Vietnam)", "Bengali (Bangladesh)", "Urdu (Pakistan)", "Catalan"),
    *("Swahili (Kenya)", "Filipino (Philippines)", "Norwegian Bokmål (Norway)", "German"),
    *("German (Austria)", "Arabic (Egypt)", "Arabic (Saudi Arabia)", "Chinese (Taiwan)"),
    "Chinese (Mandarin, Simplified)",
]
HEYGEN = vendor_data("heygen")


@pytest.mark.parametrize(
    ("tag", "name"),
    [
        ("th-TH", "Thai (Thailand)"),
        ("th", "Thai (Thailand)"),
        ("vi-VN", "Vietnamese (Vietnam)"),
        ("fa", "Persian (Iran)"),
        ("bn", "Bengali (Bangladesh)"),
        ("ur-IN", "Urdu (Pakistan)"),  # the only one there is
        ("ca", "Catalan"),
        ("ca-ES", "Catalan"),
        ("sw", "Swahili (Kenya)"),
        ("fil", "Filipino (Philippines)"),
        ("nb", "Norwegian Bokmål (Norway)"),
        ("es-AR", "Spanish (Argentina)"),
        ("es_mx", "Spanish (Mexico)"),
        ("es", "Spanish"),
        ("es-CO", "Spanish"),
        ("en-AU", "English (Australia)"),
        ("en-GB", "English (UK)"),
        ("de-AT", "German (Austria)"),
        ("ar-EG", "Arabic (Egypt)"),
        ("ar", "Arabic (Egypt)"),
        ("pt", "Portuguese (Brazil)"),
        ("zh", "Chinese (Mandarin, Simplified)"),
        ("zh-Hans-CN", "Chinese (Mandarin, Simplified)"),
        ("zh-Hant", "Chinese (Taiwan)"),
        ("norwegian bokmal (norway)", "Norwegian Bokmål (Norway)"),
    ],
)
def test_a_language_is_found_by_its_tag(tag, name):
    assert named(tag, NAMES, "heygen", HEYGEN) == name


@pytest.mark.parametrize("tag", ["pt-AO", "ar-MA", "xx", "tlh-KX", ""])
def test_a_region_that_the_vendor_lacks_is_not_another_one(tag):
    with pytest.raises(Unsupported, match="it knows: "):
        named(tag, NAMES, "heygen", HEYGEN)


@pytest.mark.parametrize(
    ("tag", "wanted"),
    [("es", "es-ES"), ("pt", "pt-BR"), ("pt_PT", "pt-PT"), ("zh-Hant", "zh-Hant"), ("xx", "xx")],
)
def test_a_language_gets_the_region_where_it_is_spoken_most(tag, wanted):
    assert dialect(tag) == wanted
