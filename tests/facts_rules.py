"""What pages owe the receipts, and what the chapters of history owe their reader: no number without a receipt."""

import re
from urllib.parse import unquote

from alexnet import facts
from prose import GAP

# A chapter of history, or of what came of it, by its file's name.
HISTORY = re.compile(r"[16]\d-.*\.(ipynb|md)")
# One of these in the same section says that something is less than sure.
UNSURE = {
    "inferred": re.compile(r"\b(infer\w*|guess\w*|perhaps|probably|likely|presumably|suggests?)\b", re.I),
    "unverified": re.compile(
        r"\b(unverified|not (been )?verified|from memory|secondary|second-hand|anecdot\w*)\b", re.I
    ),
    "anecdote": re.compile(r"\b(anecdot\w*|is said to|story)\b", re.I),
}

NUMBER = re.compile(r"\d[\d,.]*\d|\d")
# Letters before a number, also with a hyphen between, make it part of a name: conv1, ILSVRC-2012, top-5, LeNet-5.
NAMED = re.compile(r"[^\W\d_][^\W_]*[-.‑]?$")
# What is counted off or called by a number: runs and nets of the released code, hardware, parts of a document.
_THINGS = "(?:run|net|section|table|figure|line|chapter|page|exercise)"
REFERRED = re.compile(
    rf"(?:#|\b(?:{_THINGS}|ImageNet|GeForce|GTX|Python|CUDA)\s"
    rf"|\b{_THINGS}s\s(?:(?:[\d.]+[a-z]?|{GAP})(?:,|,? and|,? or| to)\s)*)$",
    re.I,
)
YEAR = re.compile(r"(?:19|20)\d\d")
# A formula, and not a number between dollars, has a sign, an index or a name; a space and a per cent are not one.
SPACES_IN_FORMULA = re.compile(r"\\[,;:! %$]|\\text\{[^}]*\}|~")
FORMULA = re.compile(r"[=^_<>+*/\\×·]|[A-Za-z]")


def link_problems(page):
    """A sentence for every link to a receipt that is not as it should be."""
    claims, found = facts.claims(), []
    for text, id, block in page.receipts():
        if not id:
            if NUMBER.search(text):
                found.append(f"the link [{text}] is a number and leads to no receipt of the page")
            continue
        claim = claims.get(unquote(id))
        if claim is None:
            found.append(f"the link [{text}] leads to the receipt {id!r}, which does not exist")
        elif text != claim.text:
            found.append(f"the link to {id} says {text!r}, its receipt says {claim.text!r}")
        elif claim.how in UNSURE and not UNSURE[claim.how].search(_section_text(page, block)):
            found.append(f"the section {block.section[-1:]} uses {id} and does not say that it is {claim.how}")
    for block in page.blocks:
        for target in [*block.html, *(target for _, target in block.links)]:
            path = target.partition("#")[0]
            if re.search(r"(^|/)receipts\.", path) and (target in block.html or not path.endswith("receipts.md")):
                found.append(f"{target!r}: a receipt is linked in Markdown, as receipts.md#id")
    return found


def _section_text(page, block):
    return " ".join(other.text for other in page.blocks if other.section == block.section)


def unused(claims, pages, events=()):
    """Ids of claims that no page links or reads in a cell, no event of the timeline has, and no claim in use needs."""
    known, waiting = set(claims), set()
    for event in events:
        waiting |= set(event.claims)
    for page in pages:
        waiting |= {unquote(id) for _, id, _ in page.receipts()} & known
        waiting |= page.reads(known)
    used = set()
    while waiting:
        id = waiting.pop()
        used.add(id)
        waiting |= set(claims[id].needs) - used
    return [id for id in claims if id not in used]


def number_problems(page):
    """A sentence for every number in a page's prose that has no receipt.

    A number is digits; a number in words is not seen, and a formula is not a number. It has a receipt, or needs none,
    where it stands

    - in the text of a link: to a receipt (`link_problems` compares the two), to another chapter or to a source, but not
      to a place on the same page;
    - in code, in the line or in a block, and in a formula, which has a sign, an index or a letter (`$15.3$` has none);
    - in the section "Exercises", solutions included, or in the paragraph that says how much **Time.** a chapter takes;
    - at the beginning of a heading, as its number (list numbers are not text);
    - in a name: after letters (conv1, top-5, ILSVRC-2012), or as what a run, net, section, table, figure, line or
      the like is called (run 145, #145; sections 3.1 and 3.3; GTX 580; ImageNet 2009);
    - in a heading, if the section that it heads has a link whose text holds the same number;
    - and a year from 1900 to 2099 also where a link on the page holds the same year, or in "Further reading".
    """
    linked_years = {year for text in _link_texts(page.blocks) for year in YEAR.findall(text)}
    found = []
    for block in page.blocks:
        names = [title.lower() for title in block.section]
        if "exercises" in names or block.text.startswith("Time."):
            continue
        years = {*linked_years, *(YEAR.findall(block.loose) if "further reading" in names else ())}
        headed = set()
        if block.heading:
            below = [b for b in page.blocks if b.section[: len(block.section)] == block.section]
            headed = {number for text in _link_texts(below) for number in NUMBER.findall(text)}
        for match in NUMBER.finditer(block.loose):
            before, after = block.loose[: match.start()], block.loose[match.end() :]
            number = match.group()
            if block.heading and (number in headed or (not before.strip() and re.match(r"\.?\s", after))):
                continue
            if NAMED.search(before) or REFERRED.search(before) or (YEAR.fullmatch(number) and number in years):
                continue
            around = (before[-30:] + number + after[:20]).replace(GAP, "…").strip()
            found.append(f"{number} is neither linked nor in code: {around!r}")
        for text, target in block.links:
            for match in NUMBER.finditer(text if not target or target.startswith("#") else ""):
                before = text[: match.start()]
                if not (NAMED.search(before) or REFERRED.search(before)):
                    found.append(f"{match.group()} is neither linked nor in code: [{text}] leads to its own page")
        for formula in block.formulas:
            bare = SPACES_IN_FORMULA.sub("", formula)
            if NUMBER.search(bare) and not FORMULA.search(bare):
                found.append(f"{formula} is neither linked nor in code: a number, not a formula")
    return found


def event_problems(event, claims):
    """A sentence for every number in the title or the text of an event that none of its claims has."""
    known = {number for id in event.claims for number in NUMBER.findall(claims[id].text)}
    found = []
    for text in (event.title, event.text):
        for match in NUMBER.finditer(text):
            before, number = text[: match.start()], match.group()
            if not (NAMED.search(before) or REFERRED.search(before) or number in known):
                found.append(f"{event.id}: none of its claims has the {number} of {text!r}")
    return found


def _link_texts(blocks):
    return [text for block in blocks for text, _ in block.links]
