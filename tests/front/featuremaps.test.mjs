import assert from "node:assert/strict";
import test from "node:test";
import { draw, text } from "./setup.mjs";

const module = await import("../../alexnet/explorers/front/featuremaps.mjs");
const { colour, one, ordered, seen, sight, summaries } = module;

// Two rows, two columns, three maps.
const LAYER = { rows: 2, columns: 2, maps: 3 };
const MAPS = Float32Array.of(0, 5, -1, 2, 5, 0, 4, 5, 1, 6, 5, 0);

test("one map of a layer", () => {
  assert.deepEqual([...one(MAPS, LAYER, 0)], [0, 2, 4, 6]);
  assert.deepEqual([...one(MAPS, LAYER, 2)], [-1, 0, 1, 0]);
});

test("mean, least and greatest of every map", () => {
  assert.deepEqual(summaries(MAPS, LAYER), [
    { mean: 3, min: 0, max: 6 },
    { mean: 5, min: 5, max: 5 },
    { mean: 0, min: -1, max: 1 },
  ]);
});

test("maps in an order; equals keep theirs", () => {
  const found = summaries(MAPS, LAYER);
  assert.deepEqual(ordered(found, "number"), [0, 1, 2]);
  assert.deepEqual(ordered(found, "mean"), [1, 0, 2]);
  assert.deepEqual(ordered(found, "max"), [0, 1, 2]);
  const equal = [3, 1, 3, 1, 2].map((max) => ({ max }));
  assert.deepEqual(ordered(equal, "max"), [0, 2, 4, 1, 3]);
});

test("what a row of a map sees, without what is padding", () => {
  const conv5 = { size: 43, jump: 4, start: -18 };
  assert.deepEqual(seen(conv5, 0, 32), [0, 25]);
  assert.deepEqual(seen(conv5, 3, 32), [0, 32]);
  assert.deepEqual(seen(conv5, 6, 32), [6, 32]);
  assert.deepEqual(seen({ size: 5, jump: 1, start: -2 }, 14, 32), [12, 17]);
});

test("rows and columns may see differently", () => {
  const layer = { size: 5, jump: 2, start: 0, across: { size: 2, jump: 3, start: -1 } };
  assert.deepEqual(sight(layer, [1, 2], 20, 48), [2, 7, 5, 7]);
  assert.deepEqual(sight({ size: 3, jump: 1, start: -1 }, [0, 4], 5, 5), [0, 2, 3, 5]);
});

test("a colour between its neighbours on a scale", () => {
  const scale = [
    [0, 0, 0],
    [100, 50, 0],
    [100, 250, 200],
  ];
  assert.deepEqual(colour(scale, 0), [0, 0, 0]);
  assert.deepEqual(colour(scale, 0.25), [50, 25, 0]);
  assert.deepEqual(colour(scale, 0.5), [100, 50, 0]);
  assert.deepEqual(colour(scale, 0.75), [100, 150, 100]);
  assert.deepEqual(colour(scale, 1), [100, 250, 200]);
  assert.deepEqual(colour(scale, -3), [0, 0, 0]);
  assert.deepEqual(colour(scale, 9), [100, 250, 200]);
});

const STATE = { picture: "a cat", layer: "conv1", unit: 17, row: 14, column: 12, scale: "layer", order: "number" };

test("on the page nothing is asked of the network before the reader asks", async () => {
  const sent = [];
  const { model, root } = draw(module, STATE);
  model.send = (message) => sent.push(message);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.ok(sent.every(({ asset }) => asset?.endsWith("samples.json")));
  const [start] = [...root.querySelectorAll("button")].filter((button) => text(button) === "Start the network");
  assert.ok(start);
  assert.match(text(root), /stays on your machine: the network runs in this page, and nothing is sent anywhere/);
});

test("samples that do not come are told, and asked for again", async () => {
  const { root } = draw(module, STATE);
  // There is nothing to fetch from here.
  while (!root.querySelector("[role=alert]")) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.ok(text(root.querySelector("[role=alert]")).length > 5);
  assert.ok([...root.querySelectorAll("button")].some((button) => text(button) === "try again"));
});
