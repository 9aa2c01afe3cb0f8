import assert from "node:assert/strict";
import test from "node:test";
import { draw, enter, text } from "./setup.mjs";

const module = await import("../../alexnet/explorers/front/dropout.mjs");
const MASK = [1, 0, 1, 1, 0, 0, 1, 0];
const STATE = { rate: 0.5, mask: MASK, training: true, scaling: "2012", relu: false };
const close = (a, b) => assert.ok(Math.abs(a - b) < 1e-9, `${a} is not ${b}`);

test("the output in training and at test time, in both scalings", () => {
  const old = { rate: 0.75, scaling: "2012", relu: false };
  const today = { ...old, scaling: "inverted" };
  close(module.output(MASK, old, true), 5.5);
  close(module.output(MASK, old, false), 0.5);
  close(module.output(MASK, today, true), 22);
  close(module.output(MASK, today, false), 2);
  close(module.output([0, 1, 0, 0, 0, 0, 0, 0], { ...old, relu: true }, true), 0);
});

test("the distribution is one of probabilities, and its moments those of independent units", () => {
  for (const rate of [0, 0.3, 0.5, 0.9]) {
    const options = { rate, scaling: "2012", relu: false };
    const outcomes = module.distribution(options);
    assert.equal(outcomes.length, 29);
    close(
      outcomes.reduce((total, [, p]) => total + p, 0),
      1,
    );
    const { mean, deviation } = module.moments(outcomes);
    close(mean, module.output(MASK, options, false));
    close(deviation, Math.sqrt(rate * (1 - rate) * 30.5));
  }
});

test("the sum is written number by number", () => {
  const options = { rate: 0.5, scaling: "inverted", relu: true };
  const words = module.written([0, 1, 0, 0, 0, 0, 0, 1], options, true).replaceAll("\u00a0", " ");
  assert.equal(
    words,
    "output = (0.5 × 0 − 1 × 2 + 2 × 0 − 1 × 0 + 0.5 × 0 − 1 × 0 + 2 × 0 + 1 × 0.5) ÷ 0.5 = −1.5 ÷ 0.5 = −3.00, and behind the ReLU 0.00",
  );
});

test("a unit is toggled, and the cross comes and goes", () => {
  const { model, root } = draw(module, STATE);
  assert.equal(root.querySelectorAll(".cross").length, 4);
  root.querySelector('button[aria-label="unit 1: 1, kept"]').click();
  assert.deepEqual(model.get("mask"), [0, 0, 1, 1, 0, 0, 1, 0]);
  assert.equal(root.querySelectorAll(".cross").length, 5);
  assert.match(text(root.querySelector(".result")), /output is 4\.00/);
});

test("another mask is drawn at the rate", (t) => {
  const numbers = [0.1, 0.8, 0.2, 0.9, 0.5, 0.7, 0.69, 0.71];
  t.mock.method(Math, "random", () => numbers.shift());
  const { model, root } = draw(module, { ...STATE, rate: 0.7 });
  [...root.querySelectorAll("button")].find((button) => text(button) === "another mask").click();
  assert.deepEqual(model.get("mask"), [0, 1, 0, 1, 0, 1, 0, 1]);
});

test("at test time the mask waits", () => {
  const { root } = draw(module, { ...STATE, training: false });
  assert.equal(root.querySelectorAll(".cross").length, 0);
  assert.ok([...root.querySelectorAll("button")].every((button) => button.disabled));
  assert.match(text(root.querySelector(".result")), /^At test time all units take part and the output is 1\.00/);
});

test("rate, ReLU and a change from outside are drawn", () => {
  const { model, root } = draw(module, STATE);
  enter(root.querySelector('input[type="range"]'), 0);
  assert.match(
    text(root.querySelector(".result")),
    /never comes up at this rate.*mean 2\.00 and standard deviation 0\.00/,
  );
  root.querySelector('input[type="checkbox"]').click();
  assert.equal(model.get("relu"), true);
  assert.match(text(root.querySelector(".result")), /no longer guarantees it/);
  model.set("rate", 0.5);
  model.save_changes();
  assert.match(text(root.querySelector(".result")), /only approximates the mean, from below/);
});
