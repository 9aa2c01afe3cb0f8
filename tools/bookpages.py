"""The book's own Sphinx extension: what Jupyter Book 1 cannot be configured to do.

- The site's address follows from the repository's, which _config.yml states once.
- Figures in cell outputs get the alternative text that `alexnet.plots.show` stored with them.
- The explorers' front end lies in the site as `explorers/`, with what it fetches.
- Pages load nothing that they do not use (the icons' fonts included), and nothing from another host: a page that would
  is a warning, and the book is built with warnings as errors.
"""

import base64
import hashlib
import json
import re
import shutil
from pathlib import Path

from docutils import nodes
from fontTools import subset
from sphinx.util import logging

import cuttings

logger = logging.getLogger(__name__)

FRONT = Path(__file__).resolve().parents[1] / "alexnet" / "explorers" / "front"

# The theme starts Thebe (which would load from a CDN) on every page, twice, and draws with JavaScript the icons that
# its style sheet draws as well.
_UNUSED = re.compile(
    r"<script[^>]*(?:fontawesome[^>]*all\.min\.js|sphinx-thebe\.js)[^>]*></script>\s*"
    r'|<link[^>]*as="script"[^>]*fontawesome[^>]*>\s*'
    r"|<script>\s*const (?:THEBE_JS_URL|thebe_selector)[^<]*</script>\s*"
)
# What the theme puts on every page, and the mark of a page that uses it. Sphinx also gives MathJax to a page whose
# table of contents merely leads to equations.
_PARTS = {
    r"mathjax": 'class="math',
    r"sphinx-design|design-tabs": 'class="sd-',
    r"mystnb": 'class="cell',
    r"togglebutton": 'tag_hide-|class="toggle|dropdown admonition',
    r"sphinx-thebe": "no page",
}
_TAG = r'<script[^>]*src="[^"]*/(?:{0})[^>]*></script>\s*|<link[^>]*href="[^"]*/(?:{0})[^>]*>\s*'
_LOADS = re.compile(r'<(?:script|img|iframe|source|video|audio|embed)\b[^>]*?\bsrc="([^"]+)"|<link\b([^>]*)>', re.I)


def _address(app, config):
    _, _, owner, name = config.html_theme_options["repository_url"].rstrip("/").rsplit("/", 3)
    config.html_baseurl = config.ogp_site_url = f"https://{owner}.github.io/{name}/"
    config.ogp_image = config.html_baseurl + "social-card.png"
    config.ogp_image_alt = "AlexNet's two towers"


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


def _clean_pages(app, error):
    if error or app.builder.format != "html":
        return
    for page in Path(app.outdir).rglob("*.html"):
        if "_static" in page.parts:
            continue
        text = page.read_text(encoding="utf-8")
        cleaned = _UNUSED.sub("", text)
        for part, mark in _PARTS.items():
            if not re.search(mark, cleaned):
                cleaned = re.sub(_TAG.format(part), "", cleaned)
        if cleaned != text:
            page.write_text(cleaned, encoding="utf-8")
        for source, link in _LOADS.findall(cleaned):
            address = source
            if link and re.search(r'rel="(?:stylesheet|preload|icon|shortcut icon|modulepreload)"', link):
                address = re.search(r'href="([^"]*)"', link).group(1)
            if re.match(r"(?:https?:)?//", address):
                logger.warning("%s loads %s from another host", page.name, address)


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


def setup(app):
    app.connect("config-inited", _address)
    app.connect("doctree-read", _describe_figures)
    app.connect("build-finished", _copy_explorers)
    app.connect("build-finished", _clean_pages)
    app.connect("build-finished", _thin_icons)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
