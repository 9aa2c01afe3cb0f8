"""Write the page Receipts, chapters/receipts.md, from assets/facts.yml and what uses it: `make receipts`."""

import os
import re
from collections import Counter
from pathlib import Path
from urllib.parse import quote

import prose
from alexnet import facts, timeline

HEAD = """\
# Receipts

Where a fact of this book is a link on a number, the link leads here: to what the number is, how it is established \
and where you can look it up yourself. There are {total} receipts.

| how it is established | receipts | what that means |
|---|---:|---|
{rows}

{doubtful}

A receipt that neither a page nor the timeline uses is not kept, and a link whose text differs from its receipt is an \
error; [the tests](about.md) see to both. This page is written by `make receipts` from `assets/facts.yml`. If you can \
mend or confirm a receipt, the button at the top of the page opens an issue.
"""


def uses(pages):
    """{id: [(page, whether in its prose)]}: which pages link a claim's receipt, or read the claim in a code cell."""
    known, found = facts.claims(), {}
    for page in pages:
        linked = {id for _, id, _ in page.receipts()}
        read = page.reads(known)
        for id in known:
            if id in linked or id in read:
                found.setdefault(id, []).append((page, id in linked))
    return found


def page(pages):
    """The text of the page."""
    claims, sources = facts.claims(), facts.sources()
    counts = Counter(claim.how for claim in claims.values())
    rows = [f"| **{mark} {how}** | {counts[how]} | {means} |" for how, (mark, means) in facts.KINDS.items()]
    parts = [HEAD.format(total=len(claims), rows="\n".join(rows), doubtful=_doubtful(claims))]
    used = uses(pages)
    history = timeline.events().values()
    shows = next((page for page in pages if any("TimelineExplorer" in source for source in page.code)), None)
    for id in claims:
        used[id] = [_use(page, linked) for page, linked in used.get(id, ())]
        used[id] += [_event(event, shows) for event in history if id in event.claims]
    groups = {source.title: [c for c in claims.values() if c.source == key] for key, source in sources.items()}
    alone = [c for c in claims.values() if not c.source]
    groups["Computed by the book itself"] = [c for c in alone if c.how == "computed"]
    groups["Without a source that could be opened"] = [c for c in alone if c.how != "computed"]
    for title, group in groups.items():
        if group:
            parts.append(f"## {_plain(title)}\n")
            parts += [_receipt(c, sources.get(c.source), claims, used[c.id]) for c in group]
    return "\n".join(parts)


def _doubtful(claims):
    """A sentence that leads to whatever is less than sure."""
    parts = []
    for how, word in (("inferred", "Inferred"), ("unverified", "Unverified"), ("anecdote", "Anecdotes")):
        links = [f"[{_plain(c.text)}](#{c.id})" for c in claims.values() if c.how == how]
        if links:
            verb = "is" if len(links) == 1 and how != "anecdote" else "are"
            parts.append(f"{word} {verb}: {', '.join(links)}.")
    return " ".join(parts) or "None is less than sure."


def _receipt(claim, source, claims, used):
    mark, _ = facts.KINDS[claim.how]
    how = f"- **{mark} {claim.how}**"
    place = (
        f"[{_plain(source.title)}]({quote(source.url, safe=':/?#=&%@+~,.-_')}), {_prose(claim.where)}" if source else ""
    )
    if claim.expression:
        needs = [f"[{_plain(claims[id].text)}](#{id})" for id in dict.fromkeys(claim.needs)]
        how += f" by `{' '.join(claim.expression.split())}`" + (f", which reads {', '.join(needs)}" if needs else "")
        how += f"\n- source: {place}" if place else ""
    elif place:
        how += f"; {place}" if claim.how == "unverified" else f" from {place}"
    readers = [f"[{_plain(c.text)}](#{c.id})" for c in claims.values() if claim.id in c.needs]
    where = used + readers
    return "\n".join(
        [
            f"### {claim.id}\n",
            f"**{_plain(claim.text)}** {_prose(claim.sentence)}\n",
            how,
            f"- used in: {', '.join(where) or 'nothing yet'}\n",
        ]
    )


def _use(page, linked):
    return _link(_plain(page.title), page) + ("" if linked else " (in a cell)")


def _event(event, shows):
    """Where an event of the timeline uses a claim; `shows` is the page that draws the timeline, if there is one."""
    words = f"timeline, {_plain(event.when)}: {_plain(event.title)}"
    return _link(words, shows) if shows else words


def _link(words, page):
    name = page.path.relative_to(prose.ROOT).with_suffix("").as_posix()
    if name in (prose.ROOT / "_toc.yml").read_text().split():  # other pages, such as the README, are not in the book
        return f"[{words}]({Path(os.path.relpath(page.path, prose.RECEIPTS.parent)).as_posix()})"
    return words


def _prose(text):
    """Text with its file names as code: bare, layer.py would become a link to a host of that name."""
    parts = re.split(r"([\w./-]+\.(?:py|cfg|cu|cuh|md|sh|txt)\b)", text)
    return "".join(f"`{part}`" if number % 2 else _plain(part) for number, part in enumerate(parts))


def _plain(text):
    """Text that Markdown shows as it is."""
    for character in "\\*_`[]<>#|$":
        text = text.replace(character, "\\" + character)
    return text


def main():
    prose.RECEIPTS.write_text(page(prose.pages()), encoding="utf-8")
    counts = Counter(claim.how for claim in facts.claims().values())
    print(f"{prose.RECEIPTS.relative_to(prose.ROOT)}: " + ", ".join(f"{n} {how}" for how, n in counts.items()))


if __name__ == "__main__":
    main()
