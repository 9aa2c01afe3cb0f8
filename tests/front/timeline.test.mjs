import assert from "node:assert/strict";
import test from "node:test";
import { draw, text } from "./setup.mjs";

// What jsdom's window has and the module expects in the open.
globalThis.getComputedStyle = window.getComputedStyle;

const module = await import("../../alexnet/explorers/front/timeline.mjs");
const { arrange, axisMarks, length, middle, neighbours, rows, shown, years } = module;

const event = (id, group, start, end, more = {}) => ({
  ...{ id, group, start, end, when: String(Math.floor(start)), title: `Title of ${id}`, text: `Text of ${id}.` },
  ...{ label: more.title ?? `Title of ${id}`, how: "quoted", sure: true },
  ...{ receipts: [{ id: `date-${id}`, text: "a date", how: "quoted", source: "A paper" }] },
  ...more,
});
const EVENTS = [
  event("a", "ideas", 1980, 1981),
  event("b", "people", 2012, 2013, {
    ...{ how: "anecdote", sure: false, label: "Title of b (anecdote)" },
    receipts: [{ id: "date-b", text: "2012", how: "anecdote", source: "" }],
  }),
  event("c", "contest", 2012.7, 2012.702),
  event("d", "contest", 2012.75, 2012.752, { how: "inferred", sure: false, label: "Title of d (inferred)" }),
];
const ZOOMS = [
  { name: "all", words: "all", start: 1980, end: 2013 },
  { name: "2012", words: "only 2012", start: 2012, end: 2013 },
];
const KINDS = { quoted: ["“", "so it says"], inferred: ["~", "a reading"], anecdote: ["…", "told again and again"] };
const GROUPS = ["ideas", "contest", "people"];
const WHOLE = { groups: GROUPS, zooms: ZOOMS, kinds: KINDS, events: EVENTS };
const STATE = { event: "c", groups: GROUPS, zoom: "all" };

/** A drawn explorer whose asset is answered with these events; without them the asset cannot be fetched. */
async function opened(t, state = {}, whole = WHOLE) {
  const bytes = new TextEncoder().encode(JSON.stringify(whole));
  const answer = () => ({
    ok: Boolean(whole),
    status: 404,
    statusText: "Not Found",
    arrayBuffer: async () => bytes.buffer,
  });
  t.mock.method(globalThis, "fetch", async () => answer());
  const drawn = draw(module, { ...STATE, ...state });
  drawn.first = text(drawn.root);
  await new Promise((resolve) => setTimeout(resolve, 20));
  return drawn;
}

const titles = (root) => [...root.querySelectorAll(".timeline-title")].map(text);
const named = (root, name) => [...root.querySelectorAll("button")].find((b) => text(b).includes(name));

test("events are in sight by their group and the middle of their date", () => {
  const ids = (groups, zoom) => shown(EVENTS, groups, zoom).map((e) => e.id);
  assert.deepEqual(ids(GROUPS, ZOOMS[0]), ["a", "b", "c", "d"]);
  assert.deepEqual(ids(["contest"], ZOOMS[0]), ["c", "d"]);
  assert.deepEqual(ids(GROUPS, { start: 2012.6, end: 2012.751 }), ["c"]);
  assert.deepEqual(ids(GROUPS, { start: 2012.5, end: 2012.6 }), ["b"]);
  assert.deepEqual(ids([], ZOOMS[0]), []);
});

test("neighbours of an event that is in sight, and of one that is not", () => {
  const ids = (inSight, id) => {
    const { previous, next } = neighbours(EVENTS, inSight, id);
    return [previous?.id, next?.id];
  };
  assert.deepEqual(ids(EVENTS, "b"), ["a", "c"]);
  assert.deepEqual(ids(EVENTS, "a"), [undefined, "b"]);
  assert.deepEqual(ids([EVENTS[0], EVENTS[3]], "b"), ["a", "d"]);
  assert.deepEqual(ids([], "b"), [undefined, undefined]);
});

test("decimal years, leap years too", () => {
  assert.equal(years(2012, 0, 1), 2012);
  assert.ok(Math.abs(years(2012, 8, 30) - (2012 + 273 / 366)) < 1e-12);
  assert.ok(Math.abs(years(2013, 2, 1) - (2013 + 59 / 365)) < 1e-12);
});

test("an axis has marks every five years, every year, every month, every fortnight", () => {
  const words = (start, end) => axisMarks({ start, end }).map(([, w]) => w);
  assert.deepEqual(words(1978, 2001), ["1980", "1985", "1990", "1995", "2000"]);
  assert.deepEqual(words(2006, 2009), ["2006", "2007", "2008", "2009"]);
  assert.equal(words(2012, 2013).join(), "Jan,Feb,Mar,Apr,May,Jun,Jul,Aug,Sep,Oct,Nov,Dec");
  assert.deepEqual(words(years(2012, 10, 1), 2013), ["1 Nov", "15 Nov", "1 Dec", "15 Dec"]);
  assert.equal(axisMarks({ start: 2012, end: 2013 })[8][0], years(2012, 8, 1));
});

test("a label that has room on neither side has a place too", () => {
  for (const start of [2003, 2013]) {
    const [{ row, left }] = rows([event("e", "ideas", start, start + 1, { title: "T".repeat(80) })], {
      start: 2000,
      end: 2016,
    });
    assert.deepEqual([row, left], [0, start === 2013]);
  }
});

/** The pixels of a lane's events on an axis of this length: from and to, labels and open dates. */
const pixels = (events, zoom, axis) =>
  rows(events, zoom).map(({ row, left, share }, n) => {
    const place = (moment) =>
      (axis * (Math.min(zoom.end, Math.max(zoom.start, moment)) - zoom.start)) / (zoom.end - zoom.start);
    const at = axis * share;
    assert.ok(Math.abs(at - place(middle(events[n]))) < 1e-9);
    const long = length(events[n]);
    const [from, to] = left ? [at + 8 - long, at + 8] : [at - 8, at - 8 + long];
    return {
      row,
      from: Math.min(from, place(events[n].start)),
      to: Math.max(to, place(events[n].end)),
      edges: [from, to],
    };
  });

test("no label lies over another or leaves the axis, at any length of the axis", () => {
  let state = 7;
  const random = () => {
    state = (Math.imul(1664525, state) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  for (let round = 0; round < 60; round++) {
    const zoom = { start: 2000, end: 2000 + 1 + 20 * random() };
    const events = Array.from({ length: 1 + Math.floor(12 * random()) }, (_, n) => {
      const start = zoom.start + (zoom.end - zoom.start - 1) * random() ** 3;
      return event(`e${n}`, "ideas", start, start + (random() < 0.5 ? 1 : 0.003), {
        title: "T".repeat(3 + Math.floor(20 * random())),
      });
    }).sort((a, b) => middle(a) - middle(b));
    for (const axis of [530, 820]) {
      const boxes = pixels(events, zoom, axis);
      for (const [n, a] of boxes.entries()) {
        assert.ok(a.edges[0] >= -8.001 && a.edges[1] <= axis + 8.001, "leaves the axis");
        for (const b of boxes.slice(n + 1))
          assert.ok(a.row !== b.row || a.to <= b.from || b.to <= a.from, `${JSON.stringify(a)} ${JSON.stringify(b)}`);
      }
    }
  }
});

test("labels to both sides save rows", () => {
  const four = [0, 1, 2, 3].map((n) =>
    event(`e${n}`, "ideas", 2005 + n, 2005.003 + n, { title: "A title of some length" }),
  );
  const found = rows(four, { start: 2000, end: 2016 });
  assert.equal(Math.max(...found.map(({ row }) => row)), 1);
  assert.deepEqual(new Set(found.map(({ left }) => left)), new Set([true, false]));
});

test("lanes follow each other, and an empty one keeps its place", () => {
  const {
    lanes,
    places,
    rows: total,
  } = arrange([EVENTS[0], EVENTS[2], EVENTS[3]], ["ideas", "people", "contest"], ZOOMS[1]);
  assert.deepEqual(
    lanes.map(({ group, row }) => [group, row]),
    [
      ["ideas", 0],
      ["people", 1],
      ["contest", 2],
    ],
  );
  assert.equal(places.get("c").row, 2);
  assert.equal(total, lanes.at(-1).row + lanes.at(-1).rows);
});

test("the chosen event is told, with links to its receipts", async (t) => {
  const { root, first } = await opened(t);
  assert.match(first, /on their way/);
  assert.deepEqual(titles(root), ["Title of a", "Title of b (anecdote)", "Title of c", "Title of d (inferred)"]);
  assert.equal(text(root.querySelector(".timeline-text")), "Text of c.");
  assert.match(root.querySelector(".timeline-receipt").href, /\/chapters\/receipts\.html#date-c$/);
  assert.equal(root.querySelector(".timeline-doubt"), null);
  assert.match(text(root.querySelector(".timeline-steps")), /3 of 4: Title of c/);
  assert.equal(text(root.querySelector("[role=status]")), "2012, Title of c: Text of c.");
});

test("a receipt is plain text where there is no page to lead to", async (t) => {
  const { model, root } = await opened(t);
  model.page = false;
  const live = document.createElement("div");
  module.default.render({ model, el: live });
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(live.querySelector(".timeline-receipt").hasAttribute("href"), false);
  assert.equal(text(live.querySelector(".timeline-card")), text(root.querySelector(".timeline-card")));
});

test("doubt is told in words and by a hollow mark", async (t) => {
  const { root } = await opened(t, { event: "b" });
  assert.match(text(root.querySelector(".timeline-doubt")), /^Anecdote: told again and again\.$/);
  assert.match(text(root.querySelector(".timeline-receipts")), /2012: no source that could be opened … anecdote/);
  const hollow = [...root.querySelectorAll(".timeline-event")].map((e) => Boolean(e.querySelector(".hollow")));
  assert.deepEqual(hollow, [false, true, false, true]);
});

test("buttons, marks, filters and zoom move the state", async (t) => {
  const { model, root } = await opened(t);
  named(root, "previous").click();
  assert.equal(model.get("event"), "b");
  named(root, "next").click();
  named(root, "next").click();
  assert.equal(model.get("event"), "d");
  assert.ok(named(root, "next").disabled && !named(root, "previous").disabled);
  root.querySelectorAll(".timeline-event input")[0].click();
  assert.equal(model.get("event"), "a");
  assert.ok(named(root, "previous").disabled);
  root.querySelectorAll(".timeline-groups input")[1].click();
  assert.deepEqual(model.get("groups"), ["ideas", "people"]);
  assert.deepEqual(titles(root), ["Title of a", "Title of b (anecdote)"]);
  [...root.querySelectorAll("label")]
    .find((l) => text(l) === "only 2012")
    .querySelector("input")
    .click();
  assert.equal(model.get("zoom"), "2012");
  assert.deepEqual(titles(root), ["Title of b (anecdote)"]);
  root.querySelectorAll(".timeline-groups input")[1].click();
  assert.deepEqual(model.get("groups"), GROUPS);
});

test("an event out of sight is told all the same, and leads back", async (t) => {
  const { model, root } = await opened(t, { event: "a", zoom: "2012" });
  assert.match(text(root.querySelector(".timeline-card")), /^Not among the events that are shown: Title of a/);
  assert.match(text(root.querySelector(".timeline-steps")), /3 events/);
  named(root, "next").click();
  assert.equal(model.get("event"), "b");
});

test("nothing in sight is said", async (t) => {
  const { root } = await opened(t, { groups: [] });
  assert.match(text(root), /No event of these kinds/);
  assert.ok(named(root, "next").disabled);
});

test("what cannot be loaded is said, and can be tried again", async (t) => {
  const { root } = await opened(t, {}, null);
  assert.match(text(root.querySelector("[role=alert]")), /could not be loaded \(Error: 404 Not Found\)/);
  t.mock.method(globalThis, "fetch", async () => ({
    ok: true,
    arrayBuffer: async () => new TextEncoder().encode(JSON.stringify(WHOLE)).buffer,
  }));
  named(root, "try again").click();
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(titles(root).length, 4);
});

test("an event that there is no more does no harm", async (t) => {
  const { root } = await opened(t, { event: "gone" });
  assert.equal(root.querySelector(".timeline-card"), null);
  assert.equal(titles(root).length, 4);
});
