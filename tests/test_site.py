"""The site's files: addresses, buttons, figures and weight, and a repository address that is stated once."""

import html.parser
import json
import re
import shutil
import subprocess
import sys

import nbformat
import pytest
import yaml

import bookpages
import repository
from conftest import CHAPTERS, ROOT
from notebook_rules import WIDGET_VIEW, explorers


class _Tags(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))


def tags(path):
    return _Tags(path.read_text(encoding="utf-8")).tags


def pages(site):
    return [path for path in site.rglob("*.html") if "_static" not in path.parts]


def test_nothing_is_loaded_from_another_host(site):
    for page in pages(site):
        for tag, attributes in tags(page):
            loads = attributes.get("src") if tag != "a" else None
            if tag == "link" and attributes.get("rel") != "canonical":
                loads = attributes.get("href")
            assert not re.match(r"(https?:)?//", loads or ""), (page.name, loads)
    for sheet in site.rglob("*.css"):
        assert not re.search(r"url\(\s*['\"]?https?://|@import\s+['\"]https?://", sheet.read_text(errors="ignore")), (
            sheet
        )


def test_a_page_that_loads_from_elsewhere_is_a_warning(tmp_path, monkeypatch):
    class App:
        outdir = tmp_path

        class builder:
            format = "html"

    (tmp_path / "page.html").write_text(
        '<script src="https://cdn.example/x.js"></script><link rel="stylesheet" href="//x/y.css">'
    )
    warned = []
    monkeypatch.setattr(bookpages.logger, "warning", lambda *words, **_: warned.append(words[2]))
    bookpages._clean_pages(App, None)
    assert warned == ["https://cdn.example/x.js", "//x/y.css"]


def test_every_picture_has_alt_text(site):
    for page in pages(site):
        for tag, attributes in tags(page):
            # Icons of the theme's buttons are decoration: their alt is empty on purpose, their button has a label.
            if tag == "img" and "_images" in attributes["src"]:
                assert len(attributes.get("alt", "")) >= 20, (page.name, attributes)


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_every_chapter_has_its_buttons(site, chapter):
    links = [
        attributes.get("href", "") for tag, attributes in tags(site / "chapters" / f"{chapter.stem}.html") if tag == "a"
    ]
    path = repository.address().removeprefix("https://github.com/")
    assert f"https://colab.research.google.com/github/{path}/blob/main/chapters/{chapter.name}" in links
    assert f"{repository.address()}/edit/main/chapters/{chapter.name}" in links
    assert any(link.startswith(f"{repository.address()}/issues/new") for link in links)
    assert any(link.endswith(f"_sources/chapters/{chapter.name}") for link in links), "download"
    assert (site / "_sources" / "chapters" / chapter.name).read_bytes() == chapter.read_bytes()


def test_every_page_is_described_once(site):
    for path in pages(site):
        if path.parent.name == "slides":
            continue
        found = [at["content"] for tag, at in tags(path) if tag == "meta" and at.get("name") == "description"]
        assert len(found) == 1 and len(found[0]) > 60, path


def test_landing_page_has_a_card_and_an_icon(site):
    found = tags(site / "index.html")
    meta = {
        attributes.get("property") or attributes.get("name"): attributes.get("content")
        for tag, attributes in found
        if tag == "meta"
    }
    assert meta["og:title"] == "Inside AlexNet" and len(meta["description"]) > 50
    base = f"https://{repository.forms(repository.address())['site']}/"
    assert meta["og:image"].startswith(base)
    assert (site / meta["og:image"].removeprefix(base)).read_bytes()[:4] == b"\x89PNG"
    assert any(tag == "link" and "icon" in attributes.get("rel", "") for tag, attributes in found)


def test_repository_address_is_stated_once():
    """Every address of the form of ours is ours, wherever it stands."""
    _, name = repository.address().split("/")[-2:]
    allowed = set(repository.forms(repository.address()).values())
    pattern = re.compile(rf"github\.com/[\w.-]+/{name}\b|/(?:github|gh)/[\w.-]+/{name}/|[\w-]+\.github\.io/{name}\b")
    stray = {
        (path.name, found)
        for path in repository.files()
        for found in pattern.findall(path.read_text(encoding="utf-8"))
        if found not in allowed
    }
    assert stray == set()


def test_the_book_moves_to_a_fork(tmp_path):
    copy = tmp_path / "fork"
    for path in repository.files():
        target = copy / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    repository.move("https://github.com/some-teacher/my.alexnet_course.git", copy)
    assert repository.address(copy) == "https://github.com/some-teacher/my.alexnet_course"
    left = subprocess.run(
        ["grep", "-rlE", "inside-alexnet/inside-alexnet", copy], capture_output=True, text=True
    ).stdout
    # This test and nothing else may still name the old address.
    assert [line.rsplit("/", 1)[1] for line in left.split()] == ["test_site.py"]
    for chapter in CHAPTERS:
        cells = json.loads((copy / "chapters" / chapter.name).read_text())["cells"]
        assert "github.com/some-teacher/my.alexnet_course/archive" in str(cells)
    with pytest.raises(ValueError, match="not of the form"):
        repository.move("git@github.com:me/book", copy)


def test_the_explorers_modules_lie_in_the_site_as_in_the_package(site):
    def modules(folder):
        """The contents of all files by name, but of the assets, some of which the build makes."""
        paths = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
        return {name: path.read_bytes() for name, path in paths.items() if not name.startswith("assets/")}

    assert modules(site / "explorers") == modules(bookpages.FRONT)
    assert "mount.mjs" in modules(site / "explorers")


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_a_page_holds_the_explorers_of_its_notebook(site, chapter):
    page = (site / "chapters" / f"{chapter.stem}.html").read_text()
    stored = explorers(json.loads(chapter.read_text()))
    assert page.count('class="alexnet-explorer"') == len(stored)
    for output in stored:
        assert output in page, "the state and the fallback arrive as they are stored"
        (module,) = re.findall(r'data-module="([^"]*)"', output)
        assert (site / "explorers" / f"{module}.mjs").exists()


@pytest.mark.parametrize("builder", ["html", "singlehtml"])
def test_the_html_of_a_widget_wins_over_the_widget(builder, tmp_path):
    """A notebook saved in Jupyter holds both; without a kernel only the HTML shows anything."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text())["sphinx"]["config"]
    name = "nb_mime_priority_overrides"
    (tmp_path / "conf.py").write_text(
        f"extensions = ['myst_nb']\nnb_execution_mode = 'off'\n{name} = {config[name]!r}\n"
    )
    output = nbformat.v4.new_output(
        "display_data", {WIDGET_VIEW: {"model_id": "0f" * 16}, "text/html": "<i>picture</i>"}
    )
    cell = nbformat.v4.new_code_cell("show()", outputs=[output], execution_count=1)
    heading = nbformat.v4.new_markdown_cell("# Page")
    nbformat.write(nbformat.v4.new_notebook(cells=[heading, cell]), tmp_path / "index.ipynb")
    command = [sys.executable, "-m", "sphinx", "-q", "-b", builder, tmp_path, tmp_path / "built"]
    subprocess.run(command, check=True)
    page = (tmp_path / "built" / "index.html").read_text()
    assert "<i>picture</i>" in page and "widget-view" not in page


def test_every_icon_on_a_page_is_kept(site):
    """The icons' fonts and styles are thinned out; what a page names must still have its rule and its glyph."""
    from fontTools.ttLib import TTFont

    (css,) = site.glob("_static/vendor/fontawesome/*/css/all.min.css")
    rules = {}
    for names, point in re.findall(r'((?:\.fa-[a-z0-9-]+:before,?)+)\{content:"\\([0-9a-f]+)"', css.read_text()):
        rules |= dict.fromkeys(re.findall(r"\.fa-([a-z0-9-]+):before", names), int(point, 16))
    points = set()
    for font in site.glob("_static/vendor/fontawesome/*/webfonts/*.woff2"):
        points |= set(TTFont(font).getBestCmap())
        assert font.stat().st_size < 20_000, f"{font.name} is whole again"
    named = set()
    for page in site.rglob("*.html"):
        named |= set(re.findall(r'<i class="fa[a-z-]* fa-([a-z-]+)', page.read_text()))
    assert "github" in named
    for name in named:
        assert rules[name] in points, name


def stated(page):
    """The policy of a page: {directive: its values}."""
    (policy,) = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', page)
    return {name: values for name, *values in (rule.split() for rule in policy.split(";"))}


def test_every_page_states_a_strict_policy_before_anything_runs(site):
    for path in pages(site):
        page = path.read_text(encoding="utf-8")
        policy = stated(page)
        assert policy["default-src"] == ["'self'"], path
        # Reveal.js writes style sheets into its speaker's window, which has the policy of its deck.
        deck = path.parent.name == "slides"
        assert policy["style-src"] == ["'self'", "'unsafe-inline'"][: 1 + deck], path
        assert policy["object-src"] == policy["base-uri"] == ["'none'"], path
        known = {value for value in policy["script-src"] if value.startswith("'sha256-")}
        assert set(policy["script-src"]) == {"'self'", *known}, path
        assert {value for values in policy.values() for value in values} <= {
            *known, "'self'", "'none'", "data:", "blob:", "'unsafe-inline'",
        }, path  # fmt: skip
        loose = {name for name, values in policy.items() if "'unsafe-inline'" in values}
        assert loose <= ({"style-src"} if deck else {"style-src-attr"}), path
        assert page.index("Content-Security-Policy") < min(page.index(tag) for tag in ("<script", "<link", "<title")), (
            path
        )
        assert not re.search(r"<[a-z]+\b[^>]*\son[a-z]+=", re.sub(r"<script.*?</script>", "", page, flags=re.S)), path


def test_a_policy_knows_scripts_by_their_content():
    page = "<html><head><meta charset='utf-8'><script>a = 1</script></head><body onload='b()'>{}</body></html>"
    policy = stated(bookpages.secure(page))
    # As another program computes it: `printf 'a = 1' | openssl dgst -sha256 -binary | base64`
    assert policy["script-src"] == ["'self'", "'sha256-tbwf/ZCRL7GL7259gJCRksemSSiWMgFW1n+68QTGVEo='"]
    assert "style-src-attr" not in policy and "onload" not in bookpages.secure(page)
    assert bookpages.secure(bookpages.secure(page)) == bookpages.secure(page)
    assert stated(bookpages.secure(page.format('<i style="top: 0">')))["style-src-attr"] == ["'unsafe-inline'"]
    with pytest.raises(ValueError, match="no place for its policy"):
        bookpages.secure("<p>no head</p>")


def test_formulas_are_set_when_the_site_is_built(site):
    """In the HTML, with MathML for those who listen; no page loads MathJax."""
    chapter = (site / "chapters" / "34-softmax-and-cross-entropy.html").read_text(encoding="utf-8")
    formulas = chapter.count("<mjx-container")
    assert formulas > 100 and chapter.count("<mjx-assistive-mml") == formulas
    for path in pages(site):
        page = path.read_text(encoding="utf-8")
        assert not re.search(r"mathjax[^\"]*\.js|window\.MathJax", page), path
        assert not re.search(r'class="math[^>]*>\s*\\[(\[]', page), path
    assert list((site / "mathjax" / "output" / "chtml" / "fonts").rglob("*.woff"))


def test_a_formula_that_cannot_be_set_is_a_warning(tmp_path, monkeypatch):
    class App:
        outdir = doctreedir = tmp_path

        class builder:
            format = "html"

    (tmp_path / "_static").mkdir()
    page = tmp_path / "page.html"
    warned = []
    monkeypatch.setattr(bookpages.logger, "warning", lambda *words, **_: warned.append(words[1]))
    for wrong in (r"\frac{1}", r"\frobnicate"):
        page.write_text(rf'<head></head><span class="math notranslate">\({wrong}\)</span>')
        bookpages._set_formulas(App, None)
        assert wrong in warned.pop()
    page.write_text(r'<head></head><span class="math notranslate">\(a &lt; b\)</span>')
    bookpages._set_formulas(App, None)
    assert warned == [] and "<mo>&lt;</mo>" in page.read_text() and r'data-tex="\(a &lt; b\)"' in page.read_text()


def test_a_page_has_one_style_sheet_with_every_rule_that_it_can_use(site):
    import tinycss2

    for path in pages(site):
        links = [at for tag, at in tags(path) if tag == "link" and at.get("rel") == "stylesheet"]
        # That of Reveal.js is switched on by the deck's script.
        (sheet,) = [at["href"] for at in links if "media" not in at]
        assert re.search(r"\.bd-sidebar|\.slide", (path.parent / sheet).resolve().read_text(encoding="utf-8"))
    rules = tinycss2.parse_stylesheet(
        ".used,.unused{top:0}.unused .used{top:1}.used:not(.unused){top:2}@media print{.unused{top:3}.used{top:4}}"
        "@media screen{.unused{top:5}}h1{top:6}.bs-tooltip{top:7}@font-face{src:none}",
        True,
        True,
    )
    kept = bookpages._thin_rules(rules, {"used"}).replace("\n", "")
    assert kept == (
        ".used{top:0}.used:not(.unused){top:2}@media print{.used{top:4}}h1{top:6}.bs-tooltip{top:7}@font-face{src:none}"
    )


def test_code_is_marked_only_where_a_colour_differs(site):
    css = (site / "_static" / "pygments.css").read_text(encoding="utf-8")
    plain = bookpages.plain_marks(css)
    assert plain >= {"n", "p", "w"} and plain.isdisjoint({"k", "o", "s2", "mi", "nb", "c1", "nf", "kc"})
    rule = 'html[data-theme="{}"] .highlight{} {{ {} }}\n'
    one = rule.format("light", "", "background: #fff; color: #000") + rule.format("light", " .n", "color: #000")
    other = rule.format("dark", "", "background: #000; color: #fff")
    assert bookpages.plain_marks(one) == {"n"} and bookpages.plain_marks(one + other) == set()
    assert bookpages.plain_marks(one + other + rule.format("dark", " .n", "color: #fff")) == {"n"}
    for path in pages(site):
        assert plain.isdisjoint(re.findall(r'<span class="(\w+)">[^<]*</span>', path.read_text(encoding="utf-8"))), path


def test_pictures_have_sizes_and_late_ones_wait(site):
    for path in pages(site):
        page = path.read_text(encoding="utf-8")
        for picture in re.finditer(r'<img\b[^>]*_images/[^>]*\.png"[^>]*>', page):
            assert re.search(r'width="\d+" height="\d+"', picture[0]), path
            assert ("lazy" in picture[0]) == (picture.start() > page.find("<h2")), path
