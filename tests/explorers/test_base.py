"""What every explorer keeps to: its state in the page, its fallback, its bundle, and answers for assets."""

import json
import re

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
    assert re.search(r'<svg [^>]*role="img" aria-label="[^"]{20,}"', picture)
    assert len(sentence) > 40
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
