"""What every explorer keeps to: its state in the page, its fallback, its bundle, and answers for assets."""

import base64
import html
import json
import re
from xml.etree import ElementTree

import pytest
from traitlets import Unicode

from alexnet import explorers
from alexnet.explorers import base

NAMES = [name for name in explorers.__all__ if name.endswith("Explorer") and name != "Explorer"]


class Words(base.Explorer):
    module = "softmax"
    words = Unicode("</script><b>").tag(sync=True)

    @property
    def value(self):
        return {"letters": len(self.words)}

    def fallback(self):
        return base.drawing(10, 10, label='a "quoted" label'), "1 < 2"

    def asset(self, name):
        return {"numbers": b"\x01\x02"}[name]


@pytest.fixture(params=NAMES)
def explorer(request):
    return getattr(explorers, request.param)()


def test_the_page_holds_the_state_and_a_fallback(explorer):
    page = explorer.page()
    state = json.loads(re.search(r'<script type="application/json">(.*)</script>', page)[1])
    assert state == json.loads(json.dumps(explorer.state))
    assert len(page) < 60_000, "big data are assets, not state"
    assert f'data-module="{explorer.module}"' in page and (base.FRONT / f"{explorer.module}.mjs").exists()
    picture, sentence = explorer.fallback()
    label = re.search(r'<svg [^>]*role="img" aria-label="([^"]{20,})"', picture)[1]
    assert len(sentence) > 40 and f"<figcaption>{html.escape(sentence, quote=False)}</figcaption>" in page
    assert "<svg" not in page, "JupyterLab takes it out of a notebook that it does not trust"
    image = ElementTree.fromstring(re.search(r"<img [^>]*>", page)[0].replace(">", "/>"))
    assert base64.b64decode(image.get("src").removeprefix("data:image/svg+xml;base64,")).decode() == picture
    assert image.get("alt") == html.unescape(label)
    assert page == type(explorer)().page(), "the same state gives the same page"


def test_a_cell_shows_page_and_widget(explorer):
    data, _ = explorer._repr_mimebundle_()
    assert {"text/plain", "text/html", "application/vnd.jupyter.widget-view+json"} == set(data)
    assert data["text/plain"].startswith(f"{type(explorer).__name__}(")


def test_values_are_plain(explorer):
    assert explorer.value and json.dumps(explorer.value)


def test_a_bundle_stands_alone(explorer):
    text = base.bundle(f"{explorer.module}.mjs")
    assert not re.search(r"^import ", text, re.M), "live, a module has no neighbours"
    assert text.count("export default") == 1


def test_words_of_the_state_cannot_leave_the_script():
    page = Words().page()
    assert page.count("</script>") == 1
    assert json.loads(re.search(r"json\">(.*?)</script>", page)[1]) == {"words": "</script><b>"}
    assert "&quot;quoted&quot;" in page and "1 &lt; 2" in page


def test_charts_and_pictures_are_told_apart():
    """The book's style sheet inverts the one on a dark page and not the other."""
    words = Words()
    assert '<img class="chart"' in words.page()
    words.fallback = lambda: (base.drawing(10, 10, '<image href="data:,"/>', label="seen"), "said")
    assert '<img class="photographs" alt="seen" width="10" height="10"' in words.page()


def test_a_fallback_that_is_no_xml_is_an_error():
    words = Words()
    words.fallback = lambda: (base.drawing(10, 10, "<text>1 < 2</text>", label="seen"), "said")
    with pytest.raises(ElementTree.ParseError):
        words.page()


def test_an_asset_is_answered_or_its_error_told():
    explorer, sent = Words(), []
    explorer.send = lambda content, buffers=(): sent.append((content, list(buffers)))
    explorer._answer(explorer, {"asset": "numbers"}, [])
    explorer._answer(explorer, {"asset": "letters"}, [])
    assert sent[0] == ({"asset": "numbers"}, [b"\x01\x02"])
    assert sent[1][0]["asset"] == "letters" and "KeyError" in sent[1][0]["error"]


def test_boxes_hold_explorers(explorer):
    from ipywidgets import HBox

    assert HBox([explorer]).children == (explorer,)
