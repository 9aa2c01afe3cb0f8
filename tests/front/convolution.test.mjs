import assert from "node:assert/strict";
import test from "node:test";
import { draw, enter, text } from "./setup.mjs";

const module = await import("../../alexnet/explorers/front/convolution.mjs");
const PLAIN = {
  operation: "convolution",
  rounding: "down",
  channels: 1,
  filters: 4,
  groups: 1,
  filter: 0,
  at: 0,
  seed: 0,
};
const STATE = { ...PLAIN, size: 7, kernel: 3, stride: 2, padding: 1, dilation: 1 };
const CONV1 = { ...PLAIN, size: 224, kernel: 11, stride: 4, padding: 0, dilation: 1, channels: 3, filters: 96 };
const arrow = (key) => new window.KeyboardEvent("keydown", { key, bubbles: true, cancelable: true });

test("the readings of conv1", () => {
  const side = (changes) => module.outputSize({ ...CONV1, ...changes });
  assert.deepEqual(
    [{}, { padding: 2 }, { size: 227 }, { rounding: "up" }, { padding: 3 }, { padding: 3, rounding: "up" }].map(side),
    [54, 55, 55, 55, 55, 56],
  );
  for (const size of [224, 225, 226, 227]) assert.equal(side({ size, rounding: "up" }), 55);
  assert.equal(side({ size: 228, rounding: "up" }), 56);
  const read = module.arithmetic({ ...CONV1, rounding: "up" });
  assert.deepEqual([read.exact, read.overhang, read.unseen, read.weights], [54.25, 3, 0, 34848]);
  assert.equal(module.arithmetic(CONV1).remaining, 1);
});

test("overlap is a kernel larger than the stride", () => {
  const pool = { ...CONV1, operation: "max pooling", size: 55, stride: 2 };
  assert.equal(module.arithmetic({ ...pool, kernel: 3 }).overlap, true);
  const without = module.arithmetic({ ...pool, kernel: 2 });
  assert.deepEqual([without.overlap, without.output_size, without.remaining, without.weights], [false, 27, 1, 0]);
});

test("a window's sum and maximum", () => {
  const corner = module.windowAt(STATE, 0, 0);
  assert.equal(corner.length, 1);
  assert.deepEqual(
    corner[0].map((row) => row.map(({ inside }) => inside)),
    [
      [false, false, false],
      [false, true, true],
      [false, true, true],
    ],
  );
  const places = [
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1],
  ];
  const x = places.map(([r, c]) => module.inputNumber(0, 0, r, c));
  const products = places.map(([r, c], n) => x[n] * module.weight(0, 0, 0, r + 1, c + 1));
  assert.equal(
    module.cellOf(STATE, corner),
    products.reduce((a, b) => a + b),
  );
  const pool = { ...STATE, operation: "max pooling" };
  assert.equal(module.cellOf(pool, module.windowAt(pool, 0, 0)), Math.max(...x));
});

test("dilation leaves gaps, and a pool past the edge has no number", () => {
  const [rows] = module.windowAt({ ...STATE, dilation: 2 }, 0, 0);
  assert.deepEqual(
    rows[0].map(({ column }) => column),
    [-1, 1, 3],
  );
  const past = { ...STATE, operation: "max pooling", size: 4, stride: 3, padding: 2, rounding: "up" };
  assert.deepEqual(module.output(past)[2], [null, null, null]);
});

test("a group sees its own channels, and weights are counted so", () => {
  const grouped = { ...STATE, channels: 4, groups: 2 };
  assert.deepEqual(
    [0, 1, 2, 3].map((filter) => module.channelsSeen({ ...grouped, filter })),
    [
      [0, 1],
      [0, 1],
      [2, 3],
      [2, 3],
    ],
  );
  assert.equal(module.arithmetic(grouped).weights, 3 * 3 * 2 * 4);
  assert.equal(module.arithmetic({ ...grouped, groups: 1 }).weights, 3 * 3 * 4 * 4);
});

test("a change keeps the rest possible", () => {
  assert.equal(module.settle({ ...STATE, padding: 2 }, { kernel: 1 }).padding, 0);
  assert.equal(module.settle({ ...STATE, channels: 4, groups: 4 }, { channels: 2 }).groups, 1);
  const [row, column] = [2, 1];
  assert.equal(module.settle({ ...STATE, at: row * 4 + column }, { stride: 1 }).at, row * 7 + column);
  assert.equal(module.settle({ ...STATE, at: 15 }, { stride: 4 }).at, 3);
});

test("the formula has the numbers in it", () => {
  assert.deepEqual(module.formula({ ...CONV1, rounding: "up" }).slice(1), [
    "ceil((224 + 2·0 − 1·(11 − 1) − 1) / 4) + 1",
    "ceil(213 / 4) + 1 = ceil(53.25) + 1 = 55",
  ]);
});

test("what is said of the edge", () => {
  assert.match(module.edges(CONV1), /At the end 1 row and 1 column remain that no window reads\./);
  assert.match(module.edges({ ...CONV1, rounding: "up" }), /hangs 3 pixels over the edge; zeros are read there/);
  assert.match(
    module.edges({ ...STATE, size: 9, kernel: 2, stride: 5, padding: 0 }),
    /In all, 5 rows and 5 columns are skipped/,
  );
  assert.match(module.edges(STATE), /Every row and column is read\. The windows overlap \(kernel 3 > stride 2\)/);
});

test("the sum is written out and the window drawn where it reads", () => {
  const { root } = draw(module, { ...STATE, at: 5 });
  const [left, right] = text(root.querySelector(".worked")).replaceAll("−", "-").split("=");
  const terms = left.split("+").map((term) => term.replace(/[()]/g, "").split("·").map(Number));
  assert.equal(terms.length, 9);
  assert.equal(
    terms.reduce((total, [x, w]) => total + x * w, 0),
    Number(right),
  );
  assert.equal(Number(right), module.output(STATE)[1][1]);
  assert.equal(root.querySelectorAll('[data-kind="input window"]').length, 9);
  assert.equal(root.querySelectorAll('[data-kind="padding"]').length, 81 - 49);
});

test("a cell is chosen by pressing it, and arrow keys go on from there", () => {
  const { model, root } = draw(module, STATE);
  const before = text(root.querySelector(".worked"));
  root.querySelector('[data-at="10"]').click();
  assert.equal(model.get("at"), 10);
  assert.notEqual(text(root.querySelector(".worked")), before);
  for (const [key, at] of [
    ["ArrowDown", 14],
    ["ArrowDown", 14],
    ["ArrowLeft", 13],
    ["Home", 0],
    ["ArrowLeft", 0],
    ["End", 15],
  ]) {
    document.activeElement.dispatchEvent(arrow(key));
    assert.equal(model.get("at"), at);
    assert.equal(document.activeElement.dataset.at, String(at));
  }
  assert.equal(root.querySelectorAll('[data-at][tabindex="0"]').length, 1);
});

test("sliders, choices and examples change the state and the picture", () => {
  const { model, root } = draw(module, STATE);
  const control = (words) => [...root.querySelectorAll("label.control")].find((label) => text(label).startsWith(words));
  enter(control("kernel").querySelector("input"), 1);
  assert.deepEqual([model.get("kernel"), model.get("padding")], [1, 0]);
  assert.match(text(root.querySelector(".result")), /3 rows and 3 columns are skipped/);
  assert.ok(root.querySelector('[data-kind="unseen"]'));
  const examples = control("example").querySelector("select");
  const named = (words) => [...examples.options].findIndex((option) => option.textContent === words);
  examples.selectedIndex = named("conv1: 227");
  examples.dispatchEvent(new window.Event("change", { bubbles: true }));
  assert.deepEqual([model.get("size"), model.get("kernel"), model.get("filters")], [227, 11, 96]);
  assert.match(text(root.querySelector(".result")), /^The output is 55 × 55\./);
  assert.equal(root.querySelectorAll("[data-at]").length, 0);
  assert.equal(root.querySelectorAll("svg.chart").length, 2);
});

test("a state that arrives piece by piece is drawn at each piece", () => {
  const { model, root } = draw(module, CONV1);
  model.set("size", 7);
  model.save_changes();
  model.set("kernel", 3);
  model.set("at", 99);
  model.save_changes();
  assert.match(text(root.querySelector(".result")), /^The output is 2 × 2/);
});
