"""Elements on pages of others: properties, tokens, languages, servers, types and the package."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import avatarkit.server
from avatarkit.server.static_files import sent

from .conftest import TOKEN, answer, shown, until
from .test_component import EVENTS, RECORD, told  # noqa: F401 - a fixture

STATIC = Path(avatarkit.server.__file__).parent / "static"
ROOT = Path(__file__).parents[2]
ELEMENTS = sorted(path.stem for path in STATIC.glob("avatar-*.js"))
LANGUAGES = ("de", "es", "fr", "ar", "zh", "ja")


@pytest.fixture
def plain(page, local):
    """An empty page, on which elements have not been loaded."""
    empty = {"body": "<!doctype html><title>t</title>", "content_type": "text/html"}
    page.route("**/empty.html", lambda r: r.fulfill(**empty))
    page.goto(f"{local.url}/empty.html")
    return page


def load(page, element):
    page.evaluate(f"import('/static/{element}.js')")
    page.evaluate(f"customElements.whenDefined('{element}').then(() => null)")


# -- properties -----------------------------------------------------------------------------------


@pytest.mark.parametrize("nothing", ["null", "undefined", "''"])
@pytest.mark.parametrize("element", ["avatar-training", "avatar-speak", "avatar-gallery"])
def test_no_id_is_no_request(plain, element, nothing):
    load(plain, element)
    asked = []
    plain.on("request", lambda r: asked.append(r.url))
    plain.evaluate(f"""() => {{
        const made = document.createElement("{element}");
        made.trainingId = {nothing};
        document.body.append(made);
    }}""")
    assert (
        plain.evaluate(f"document.querySelector('{element}').getAttribute('training-id')") is None
    )
    plain.wait_for_timeout(50)
    assert not [url for url in asked if "/trainings/" in url]


@pytest.mark.parametrize("element", ["avatar-training", "avatar-gallery", "avatar-list"])
def test_properties_that_were_set_before_the_script_had_loaded_count(plain, element):
    sent = []
    plain.route("**/trainings**", lambda r: sent.append(r.request.headers) or r.abort())
    plain.route("**/trainings/**", lambda r: sent.append(r.request.headers) or r.abort())
    plain.evaluate(f"""() => {{
        const made = document.createElement("{element}");
        made.token = "early";
        made.trainingId = "t1";
        made.strings = {{ nothing: "¶" }};
        document.body.append(made);
    }}""")
    load(plain, element)
    until(lambda: plain.wait_for_timeout(20) or sent)
    assert sent[0]["authorization"] == "Bearer early"
    made = f"document.querySelector('{element}')"
    assert plain.evaluate(f"{made}.strings") == {"nothing": "¶"}
    assert plain.evaluate(f"Object.hasOwn({made}, 'token')") is False


def test_equal_strings_in_a_fresh_object_change_nothing(page, told):  # noqa: F811
    avatar = told({})
    shown(avatar, "Training your avatar... 40%")
    streams = []
    page.on("request", lambda r: streams.append(r.url) if r.url.endswith("/events") else None)
    avatar.evaluate("e => { e.strings = { title: 'A' }; }")
    shown(avatar, "A")
    before = len(streams)
    avatar.evaluate("""e => {
        e.first = e.shadowRoot.firstElementChild;
        for (let n = 0; n < 10; n++) e.strings = { title: "A" };
    }""")
    page.wait_for_timeout(50)
    assert len(streams) == before
    assert avatar.evaluate("e => e.first === e.shadowRoot.firstElementChild")


# -- tokens ---------------------------------------------------------------------------------------


def test_get_token_is_asked_at_first_and_again_after_a_401(plain):
    load(plain, "avatar-training")
    seen = []

    def stream(route):
        token = route.request.headers.get("authorization")
        seen.append(token)
        if token == "Bearer t2":
            route.fulfill(body=answer(RECORD), headers=EVENTS)
        else:
            route.fulfill(status=401, json={"error": {"message": "expired"}})

    plain.route("**/trainings/t1/events", stream)
    plain.evaluate("""() => {
        let n = 0;
        const made = document.createElement("avatar-training");
        made.getToken = async () => `t${++n}`;
        made.trainingId = "t1";
        document.body.append(made);
    }""")
    shown(plain.locator("avatar-training"), "Training your avatar... 40%")
    assert seen[:2] == ["Bearer t1", "Bearer t2"]


@pytest.mark.parametrize("element", ["avatar-training", "avatar-list", "avatar-create"])
def test_a_page_is_told_that_the_user_is_signed_out(plain, element):
    load(plain, element)
    heard = plain.evaluate(f"""() => new Promise((done) => {{
        document.addEventListener("avatar-unauthorized", (event) => done(event.target.localName));
        const made = document.createElement("{element}");
        made.trainingId = "t1";
        document.body.append(made);
    }})""")
    assert heard == element
    words = plain.locator(element).evaluate("e => e.shadowRoot.textContent")
    assert "You are not signed in." in words
    assert "Bearer" not in words.replace("Details for operators", "").partition("send ")[0]


# -- languages ------------------------------------------------------------------------------------


_TEXT = r'^  (\w+):\s+((?:"(?:[^"\\]|\\.)*"(?: \+\n +)?)+),$'


def texts(language):
    """The texts of a language, by name, in quotes."""
    source = (STATIC / "strings" / f"{language}.js").read_text(encoding="utf-8")
    return dict(re.findall(_TEXT, source, re.MULTILINE))


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_has_every_text_and_its_values(language):
    english, own = texts("en"), texts(language)
    assert len(english) > 240
    assert set(own) == set(english)
    values = {name: sorted(set(re.findall(r"\{\w+\}", text))) for name, text in english.items()}
    assert {n: sorted(set(re.findall(r"\{\w+\}", t))) for n, t in own.items()} == values


@pytest.mark.parametrize("file", sorted(path.name for path in STATIC.glob("*-strings.js")))
def test_texts_that_come_with_an_element_are_in_each_language(file):
    source = (STATIC / file).read_text(encoding="utf-8")
    tables = re.findall(r"^  (\w+): \{\n(.*?)^  \},$", source, re.MULTILINE | re.DOTALL)
    assert [language for language, _ in tables] == ["en", *LANGUAGES]
    found = [
        dict(re.findall(r'^    (\w+): ("(?:[^"\\]|\\.)*"),$', t, re.MULTILINE)) for _, t in tables
    ]
    values = [{n: sorted(re.findall(r"\{\w+\}", t)) for n, t in own.items()} for own in found]
    assert values == [values[0]] * len(tables)
    assert len(values[0]) > 15


def test_the_wording_of_a_consent_is_the_librarys():
    from avatarkit.models import WORDING

    english = texts("en")
    assert json.loads(english["wording"]) == WORDING[1]
    assert json.loads(english["wording_version"]) == WORDING[0]
    versions = {texts(language)["wording_version"] for language in ("en", *LANGUAGES)}
    assert len(versions) == 1 + len(LANGUAGES)  # each text is another wording


@pytest.mark.parametrize(("tag", "text"), [("de", "Bereit"), ("ar-EG", "جاهز"), ("xx", "Ready")])
def test_the_language_is_that_of_the_page(plain, tag, text):
    ready = {**RECORD, "status": "completed", "name": "A", "stack": "s"}
    listed = {"data": [ready], "has_more": False, "cursor": None}
    plain.route("**/trainings?**", lambda r: r.fulfill(json=listed))
    plain.evaluate(f"document.documentElement.lang = '{tag}'")
    load(plain, "avatar-list")
    plain.evaluate("document.body.append(document.createElement('avatar-list'))")
    plain.locator("avatar-list .chip").filter(has_text=text).wait_for()


# -- servers, types and the package ---------------------------------------------------------------


def tool(name):
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def run(*command, cwd):
    done = subprocess.run(
        command, cwd=cwd, check=False, capture_output=True, text=True, timeout=180
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def tsc(tmp_path_factory):
    """The TypeScript compiler, which npm fetches."""
    folder = tmp_path_factory.mktemp("tsc")
    npm = tool("npm")
    asked = [npm, "install", "--silent", "--no-audit", "--prefix", str(folder), "typescript@7"]
    if subprocess.run(asked, cwd=folder, check=False, timeout=180).returncode:
        pytest.skip("typescript could not be fetched by npm")
    return str(folder / "node_modules" / ".bin" / "tsc")


@pytest.mark.parametrize("as_sent", [False, True])
def test_the_modules_can_be_imported_where_there_is_no_page(tmp_path, as_sent):
    """As they stand, and without comments and indentation, as the server sends them."""
    folder = STATIC
    if as_sent:
        folder = tmp_path / "sent"
        shutil.copytree(STATIC, folder)
        for script in folder.rglob("*.js"):
            script.write_text(sent(script.read_text()))
    module = (folder / "index.js").as_uri()
    script = f"console.log(Object.keys(await import('{module}')).length)"
    told_of = run(tool("node"), "--input-type=module", "-e", script, cwd=tmp_path)
    assert int(told_of) > len(ELEMENTS)


def test_the_types_are_those_of_the_scripts(tsc, tmp_path):
    sys.path.insert(0, str(ROOT / "docs"))
    import make_elements

    make_elements.types(tsc, tmp_path)
    made = {path.relative_to(tmp_path): path.read_text() for path in tmp_path.rglob("*.d.ts")}
    kept = STATIC / "types"
    assert made == {path.relative_to(kept): path.read_text() for path in kept.rglob("*.d.ts")}
    assert (STATIC / "custom-elements.json").read_text() == make_elements.manifest()


def test_the_folder_is_a_package_whose_types_are_understood(tsc, tmp_path):
    run(tool("npm"), "pack", "--silent", str(STATIC), cwd=tmp_path)
    shutil.unpack_archive(next(tmp_path.glob("*.tgz")), tmp_path, "gztar", filter="data")
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "package").rename(tmp_path / "node_modules" / "avatarkit-elements")
    (tmp_path / "use.tsx").write_text("""
import { AvatarTraining, Client } from "avatarkit-elements";
import type {} from "avatarkit-elements/elements";
const made: AvatarTraining = document.createElement("avatar-training");
made.trainingId = null;
made.getToken = async () => "token";
made.strings = { title: "Titel" };
made.addEventListener("avatar-change", ({ detail }) => detail.progress.toFixed());
new Client("/avatars/").trainings({ limit: 1 }).then(({ items }) => items[0].status);
export const shown = <avatar-training trainingId={null} src="/avatars/" />;
// @ts-expect-error: a number is no token
made.token = 1;
""")
    options = ["--strict", "--noEmit", "--jsx", "preserve", "--target", "es2024", "--types", ""]
    options += ["--module", "esnext", "--moduleResolution", "bundler", "use.tsx"]
    run(tsc, *options, cwd=tmp_path)


@pytest.mark.parametrize("element", ELEMENTS)
def test_the_manifest_knows_each_element(element):
    known = json.loads((STATIC / "custom-elements.json").read_text())
    tags = {d["tagName"] for module in known["modules"] for d in module["declarations"]}
    assert element in tags


def test_a_token_of_a_page_is_in_no_address(plain):
    load(plain, "avatar-list")
    urls = []
    plain.on("request", lambda r: urls.append(r.url))
    plain.evaluate(
        """(token) => {
        const made = document.createElement("avatar-list");
        made.token = token;
        document.body.append(made);
    }""",
        TOKEN,
    )
    plain.get_by_role("button", name="New avatar").first.wait_for()
    assert not [url for url in urls if TOKEN in url]
