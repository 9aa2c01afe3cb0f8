import assert from "node:assert/strict";
import test from "node:test";
import { draw, enter, text } from "./setup.mjs";

const module = await import("../../alexnet/explorers/front/activation.mjs");
const { activate, axis, digits, erf, network, normals, verdict } = module;
const STATE = { function: "relu", x: 1, depth: 8, weight_scale: 1, bias: 0, seed: 1 };
const NAMES = ["relu", "tanh", "sigmoid", "leaky_relu", "gelu"];

const near = (a, b, tolerance = 1e-12) =>
  assert.ok(Math.abs(a - b) <= tolerance * Math.max(1, Math.abs(b)), `${a} ${b}`);
const results = (root) => [...root.querySelectorAll(".result")].map(text);

test("the random numbers are those of Python", () => {
  // normals(1, 4) there.
  const expected = [1.40433877841526, 0.0241416175230361, 1.21575461927054, -0.145435940879123];
  for (const [n, number] of normals(1, 4).entries()) near(number, expected[n]);
});

test("erf to the last digits", () => {
  for (const [x, y] of [
    [0, 0],
    [0.5, 0.5204998778130465],
    [1, 0.8427007929497149],
    [2, 0.9953222650189527],
    [3.5, 0.9999992569016276],
    [5.9, 1],
    [9, 1],
  ]) {
    near(erf(x), y, 1e-15);
    near(erf(-x), -y, 1e-15);
  }
});

test("every slope is the finite difference of its function", () => {
  for (const name of NAMES)
    for (let z = -5; z < 5; z += 0.13) {
      const rise = activate(name, z + 1e-6)[0] - activate(name, z - 1e-6)[0];
      near(activate(name, z)[1], rise / 2e-6, 1e-8);
    }
  assert.deepEqual(activate("relu", 0), [0, 0]);
  assert.deepEqual(activate("sigmoid", 0), [0.5, 0.25]);
});

test("the gradient at the first layer's sums, by another way: with no bias, a ReLU net is homogeneous", () => {
  const one = network({ ...STATE, depth: 5 });
  const two = network({ ...STATE, depth: 5, weight_scale: 2 });
  for (const [n, gradient] of one.gradients.entries()) near(two.gradients[n], 2 ** (4 - n) * gradient);
  assert.deepEqual(one.dead, two.dead);
});

test("a bias of −1 kills every unit of the last layer; only ReLU units die", () => {
  const net = network({ ...STATE, bias: -1 });
  assert.equal(net.ratio, null);
  assert.equal(net.dead.at(-1), 1);
  for (const name of NAMES.slice(1))
    assert.deepEqual(network({ ...STATE, function: name, bias: -1 }).dead, Array(8).fill(0));
});

test("a net of twenty layers is computed in far less than 20 ms", () => {
  const deep = { ...STATE, function: "gelu", depth: 20 };
  const times = Array.from({ length: 15 }, () => {
    const start = performance.now();
    network(deep);
    return performance.now() - start;
  });
  assert.ok(Math.min(...times) < 20);
});

test("numbers and verdicts in words", () => {
  const words = [0, 0.25, 0.0451, 0.00123, 999.9, 123.4, 3.47e-13].map(digits);
  assert.deepEqual(words, ["0", "0.250", "0.0451", "1.23 × 10⁻³", "1.00 × 10³", "123", "3.47 × 10⁻¹³"]);
  assert.deepEqual(axis([1e-5, 0, 3e4]), [-5, 5]);
  assert.deepEqual(axis([0, 0]), [-3, 2]);
  assert.match(verdict({ gradients: [0.01, 1], ratio: 0.01 }), /the gradient vanishes\.$/);
  assert.match(verdict({ gradients: [20, 1], ratio: 20 }), /the gradient explodes\.$/);
  assert.match(verdict({ gradients: [0.5, 1], ratio: 0.5 }), /keeps its size/);
  assert.match(verdict({ gradients: [0.5], ratio: 1 }), /only one layer\.$/);
});

test("every control changes the state and what is said", () => {
  const { model, root } = draw(module, STATE);
  const labelled = (label) =>
    [...root.querySelectorAll("label")].find((l) => text(l).startsWith(label)).querySelector("input");
  const pressed = (label) => [...root.querySelectorAll("button")].find((b) => text(b) === label);
  const moves = [
    ["x", 0, -2.5, () => enter(labelled("input x"), -2.5)],
    ["depth", 1, 20, () => enter(labelled("depth"), 20)],
    ["weight_scale", 1, 2.2, () => enter(labelled("weight scale"), 2.2)],
    ["bias", 1, 0.3, () => enter(labelled("bias"), 0.3)],
    ["weight_scale", 1, 1.41, () => pressed("He: scale √2").click()],
    ["weight_scale", 1, 1, () => pressed("Glorot: scale 1").click()],
    ["seed", 1, 2, () => pressed("another random net").click()],
    ["function", 1, "tanh", () => labelled("tanh").click()],
  ];
  for (const [name, place, value, move] of moves) {
    const before = results(root)[place];
    move();
    assert.equal(model.get(name), value);
    assert.notEqual(results(root)[place], before, name);
  }
});

test("the chart has a point for each layer, or a 0 where nothing arrives", () => {
  const { model, root } = draw(module, { ...STATE, depth: 12 });
  const right = () => root.querySelectorAll("svg.chart")[1];
  assert.equal(right().querySelectorAll("circle").length, 12);
  const heights = [...right().querySelectorAll("circle")].map((c) => Number(c.getAttribute("cy")));
  assert.ok(heights[0] > heights[11]);
  model.set("bias", -1);
  model.save_changes();
  assert.equal(right().querySelectorAll("circle").length, 0);
  assert.equal(right().querySelectorAll("text.zero").length, 12);
  assert.match(results(root)[1], /^Not one unit of the last layer is on/);
  assert.doesNotMatch(root.innerHTML, /NaN|Infinity|undefined/);
});

test("at the corner of ReLU the words say which slope is meant", () => {
  const { root } = draw(module, { ...STATE, x: 0 });
  assert.match(results(root)[0], /^f\(0\.0\) = 0\.000, with slope 0\.000\..*the slope of the left side\.$/);
});
