import assert from "node:assert/strict";
import test from "node:test";
import { draw, enter, text } from "./setup.mjs";

// What jsdom lacks: a canvas to draw on.
const drawings = [];
globalThis.ImageData = class {
  constructor(data, width, height) {
    Object.assign(this, { data, width, height });
  }
};
window.HTMLCanvasElement.prototype.getContext = () => ({ putImageData: (image) => drawings.push(image) });

const module = await import("../../alexnet/explorers/front/replay.mjs");
const { addresses, columns, extent, largest, nearest, shown, tiles, top, unpack, verdict } = module;

// Two filters of one pixel in two passes: int8 in base64, and the probabilities of three classes for two pictures.
const kernels = (...numbers) => btoa(String.fromCharCode(...numbers.map((n) => n & 255)));
const pass = (epoch, numbers, scale, probabilities, row = {}) => ({
  ...{ loss: null, accuracy: null, test_loss: null, test_accuracy: null, learning_rate: null, moved: null },
  ...{ epoch, kernels: kernels(...numbers), scale, probabilities },
  ...row,
});
const FIRST = pass(0, [127, 0, -127, 0, 0, 64], 0.5, [
  [0.2, 0.5, 0.3],
  [0.4, 0.4, 0.2],
]);
const ROW = { loss: 1.25, accuracy: 0.5, test_loss: 1.5, test_accuracy: 0.25, learning_rate: 0.015625, moved: 0.125 };
const SECOND = pass(
  1,
  [0, 127, -127, 0, 0, 64],
  1,
  [
    [0.9, 0.06, 0.04],
    [0.1, 0.2, 0.7],
  ],
  ROW,
);
const WHOLE = {
  title: "a run",
  class_names: ["cat", "dog", "ship"],
  pictures: [
    { index: 3, label: 0 },
    { index: 8, label: 2, png: "QUJD" },
  ],
  layer: "conv1",
  shape: [2, 1, 1, 3],
  passes: [FIRST, SECOND],
};
const HISTORY = WHOLE.passes.map(({ kernels: _, scale: __, probabilities: ___, moved: ____, ...row }) => row);
const STATE = { title: "a run", history: HISTORY, source: "run", epoch: 1, filters: "weights" };
const encoded = (value) => new TextEncoder().encode(JSON.stringify(value));

/** A drawn explorer whose assets are answered with these values; a missing one fails. */
async function opened(t, assets = { "replay-run.json": WHOLE }, state = STATE) {
  const asked = [];
  t.mock.method(globalThis, "fetch", async (url) => {
    const name = String(url).split("/").at(-1);
    asked.push(name);
    if (!(name in assets)) return { ok: false, status: 404, statusText: "Not Found" };
    return { ok: true, arrayBuffer: async () => encoded(assets[name]).buffer };
  });
  const drawn = draw(module, state);
  await settled();
  return { ...drawn, asked };
}
const settled = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
const pressed = (root, label) => [...root.querySelectorAll("button")].find((b) => text(b) === label);

test("weights are the kept integers times their scale", () => {
  const { passes } = unpack(encoded(WHOLE));
  assert.deepEqual([...passes[0].weights], [63.5, 0, -63.5, 0, 0, 32]);
  assert.deepEqual([...shown(unpack(encoded(WHOLE)), passes[1], "change")], [-63.5, 127, -63.5, 0, 0, 32]);
  assert.equal(largest(passes[1].weights), 127);
});

test("filters stand in rows of equal length where they can", () => {
  const counts = [1, 6, 16, 48, 64, 96, 7, 11];
  assert.deepEqual(counts.map(columns), [1, 3, 4, 8, 8, 12, 3, 4]);
  assert.deepEqual(extent([48, 5, 5, 3]), { width: 47, height: 35 });
});

test("a weight of 0 is middle grey, the limit full colour, and between tiles nothing is drawn", () => {
  const pixels = tiles([1, 0, -1, 0, 0, 0.5], [2, 1, 1, 3], 1);
  // Two tiles of one pixel stand beside each other, with a clear one between them.
  assert.deepEqual([...pixels], [255, 128, 1, 255, 0, 0, 0, 0, 128, 128, 192, 255]);
  assert.deepEqual([...tiles([-2], [1, 1, 1, 1], 2)], [1, 1, 1, 255]);
});

test("the highest probabilities, equals in the order of the classes", () => {
  assert.deepEqual(top([0.1, 0.4, 0.4, 0.05, 0.05], 4), [
    [1, 0.4],
    [2, 0.4],
    [0, 0.1],
    [3, 0.05],
  ]);
});

test("pictures come from the recording, else from this copy, and only where they are the same pictures", () => {
  const here = { class_names: WHOLE.class_names, pictures: [{ index: 3, label: 0, png: "REVG" }] };
  assert.deepEqual(addresses(WHOLE, null), [null, "data:image/png;base64,QUJD"]);
  assert.equal(addresses(WHOLE, here)[0], "data:image/png;base64,REVG");
  assert.equal(addresses(WHOLE, { ...here, class_names: ["cat", "dog", "boat"] })[0], null);
  assert.equal(addresses(WHOLE, { ...here, pictures: [{ index: 3, label: 1, png: "REVG" }] })[0], null);
});

test("the nearest epoch to a place in a chart", () => {
  const epochs = [0, 1, 2, 3, 4];
  assert.deepEqual(
    [-0.1, 0, 0.12, 0.13, 0.8, 1.1].map((share) => nearest(share, 0, 4, epochs)),
    [0, 0, 0, 1, 3, 4],
  );
  assert.equal(nearest(0.9, 6, 8, [7]), 7);
});

test("an epoch in a sentence", () => {
  const [before, after] = HISTORY;
  assert.equal(verdict(before), "Epoch 0: before training.");
  assert.equal(verdict(before, WHOLE), "Epoch 0: before training. It names 0 of the 2 fixed pictures rightly.");
  assert.equal(
    verdict(after, WHOLE),
    "After epoch 1: accuracy 50.0 % in training and 25.0 % on the test pictures, loss 1.250 and 1.500. It names 2 of the 2 fixed pictures rightly. The learning rate at its end was 0.016.",
  );
  assert.match(verdict({ ...after, test_loss: null }), /loss 1\.250 and not known\. The/);
});

test("the slider changes the epoch, the answers and the filters", async (t) => {
  const { model, root } = await opened(t);
  const cards = () => [...root.querySelectorAll(".replay-answers > li")].map(text);
  assert.match(cards()[0], /test picture 3, cat; the picture is not part of this copy cat ✓ right cat ?90\.0 %/);
  const last = drawings.at(-1);
  enter(root.querySelector('input[type="range"]'), 0);
  assert.equal(model.get("epoch"), 0);
  assert.match(cards()[0], /✗ wrong dog ?50\.0 %/);
  assert.notDeepEqual(drawings.at(-1).data, last.data);
  assert.deepEqual([...drawings.at(-1).data], [...tiles(unpack(encoded(WHOLE)).passes[0].weights, WHOLE.shape, 127)]);
  model.set("epoch", 1);
  model.save_changes();
  assert.deepEqual(drawings.at(-1).data, last.data);
});

test("both charts show both curves and the chosen epoch", async (t) => {
  const { root } = await opened(t);
  const [loss, accuracy] = root.querySelectorAll("svg.chart");
  for (const svg of [loss, accuracy]) {
    assert.equal(svg.querySelectorAll("path.line").length, 2);
    assert.equal(svg.querySelectorAll("circle.here").length, 2);
  }
  assert.match(loss.getAttribute("aria-label"), /^Loss .* At epoch 1: training 1\.250, test 1\.500\./);
  assert.match(text(accuracy), /0 %20 %40 %60 %80 %100 %|0 % 20 % 40 % 60 % 80 % 100 %/);
  enter(root.querySelector('input[type="range"]'), 0);
  assert.equal(loss.querySelectorAll("circle.here").length, 0);
  assert.match(accuracy.getAttribute("aria-label"), /At epoch 0: training not known, test not known\./);
});

test("the change is drawn on a scale of its own", async (t) => {
  const { model, root } = await opened(t);
  [...root.querySelectorAll('input[type="radio"]')][1].click();
  assert.equal(model.get("filters"), "change");
  assert.deepEqual([...drawings.at(-1).data].slice(0, 4), [64, 255, 64, 255]);
  assert.match(text(root), /Largest change: 127\.000\..*stand for ±127\.000/);
  assert.match(text(root), /moved by 166\.6 % of their size since epoch 0, and by 12\.5 % in this epoch/);
});

test("play steps once a second, from the start where it is at the end, and stops there", async (t) => {
  const { model, root } = await opened(t);
  t.mock.timers.enable({ apis: ["setInterval", "setTimeout"] });
  pressed(root, "play").click();
  assert.equal(model.get("epoch"), 0);
  t.mock.timers.tick(999);
  assert.equal(model.get("epoch"), 0);
  t.mock.timers.tick(1);
  assert.equal(model.get("epoch"), 1);
  assert.ok(pressed(root, "play"));
  assert.equal(text(root.querySelector('[role="status"]')), "");
  t.mock.timers.tick(1200);
  assert.match(text(root.querySelector('[role="status"]')), /^After epoch 1/);
  t.mock.timers.tick(4000);
  assert.equal(text(root.querySelector('[role="status"]')), "");
});

test("the slider stops the replay", async (t) => {
  const { model, root } = await opened(t);
  t.mock.timers.enable({ apis: ["setInterval", "setTimeout"] });
  pressed(root, "play").click();
  assert.ok(pressed(root, "pause"));
  enter(root.querySelector('input[type="range"]'), 0);
  t.mock.timers.tick(5000);
  assert.equal(model.get("epoch"), 0);
  assert.ok(pressed(root, "play"));
});

test("an asset that is not there is told, the curves stay, and it can be asked for again", async (t) => {
  const assets = {};
  const { root } = await opened(t, assets);
  const alert = root.querySelector('[role="alert"]');
  assert.match(text(alert), /could not be loaded \(Error: 404 Not Found\); the curves are complete/);
  assert.equal(root.querySelectorAll("svg.chart").length, 2);
  assets["replay-run.json"] = WHOLE;
  pressed(root, "try again").click();
  await settled();
  assert.equal(root.querySelector('[role="alert"]'), null);
  assert.equal(root.querySelectorAll(".replay-answers > li").length, 2);
});

test("an asset of another run is told", async (t) => {
  const { root } = await opened(t, { "replay-run.json": { ...WHOLE, passes: [FIRST] } });
  assert.match(text(root.querySelector('[role="alert"]')), /another recording/);
});

test("the reader's own recording is asked for only where there is a kernel", async (t) => {
  const page = await opened(t, {}, { ...STATE, source: "" });
  assert.deepEqual(page.asked, []);
  assert.match(text(page.root), /run the notebook to see them/);
});

test("with a kernel, the reader's own recording comes from there", async (t) => {
  const live = await opened(t, { "replay.json": WHOLE }, { ...STATE, source: "", _live: true });
  assert.deepEqual(live.asked, ["replay.json", "cifar10-samples.json"]);
  assert.equal(live.root.querySelectorAll(".replay-answers > li").length, 2);
});

test("a recording of one epoch has charts too, and nothing to play", async (t) => {
  const one = { ...STATE, history: HISTORY.slice(0, 1), epoch: 0 };
  const { root } = await opened(t, { "replay-run.json": { ...WHOLE, passes: [FIRST] } }, one);
  assert.ok(pressed(root, "play").disabled);
  assert.doesNotMatch(root.innerHTML, /NaN|Infinity|undefined/);
});
