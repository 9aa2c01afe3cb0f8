"""The book is spelt as the British do, and the checker finds what is not, wherever words stand."""

import json

import spelling
from conftest import missing

if not spelling.CSPELL.exists():
    missing("CSpell, so the checker is not checked (python tools/front.py test installs it)")

PLANTED = {
    "page.md": "# Page\n\nThe colour is right; this is a mistaek.\n\n`alse` $wrnog$ [a linck](https://example.org/thier)\n",
    "module.py": '"""A functoin."""\n\nteh = "strnig"  # a coment: see https://example.org/adress\n',
    "claims.yml": "- id: clame-idd\n  claim: The favorite netwrok\n",
    "page.ipynb": json.dumps(
        {
            "cells": [
                {"cell_type": "markdown", "source": ['A neihgbour, who said "color".']},
                {"cell_type": "code", "source": ["x = 1  # a shorcut"], "outputs": []},
            ]
        }
    ),
}


def test_what_is_misspelt_is_found_and_nothing_else(tmp_path):
    for name, text in PLANTED.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    found = spelling.texts([tmp_path / name for name in PLANTED])
    misspelt, unneeded = spelling.judge(found, ["coment", "Shorcut", "unneeded"])
    assert {word: path.name for word, (path,) in misspelt.items()} == {
        "mistaek": "page.md",
        "linck": "page.md",
        "functoin": "module.py",
        "favorite": "claims.yml",
        "netwrok": "claims.yml",
        "neihgbour": "page.ipynb",
        "shorcut": "page.ipynb",
    }
    assert unneeded == ["Shorcut", "unneeded"]


def test_the_words_of_the_field_are_in_order():
    words = spelling.WORDS.read_text(encoding="utf-8").split("\n")
    assert words.pop() == ""
    assert words == sorted(set(words), key=lambda word: (word.lower(), word))
