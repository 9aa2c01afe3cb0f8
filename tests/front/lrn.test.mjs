import assert from "node:assert/strict";
import test from "node:test";
import { draw, enter, text } from "./setup.mjs";

const module = await import("../../alexnet/explorers/front/lrn.mjs");
const OPTIONS = { n: 5, k: 2, alpha: 1e-4, beta: 0.75, alphaOverN: false };
const STATE = {
  activities: module.pattern("one peak"),
  scale: 1,
  chosen: 7,
  n: 5,
  k: 2,
  alpha: 1e-4,
  beta: 0.75,
  alpha_over_n: false,
};
const close = (a, b) => assert.ok(Math.abs(a - b) < 1e-9, `${a} is not ${b}`);

test("the formula of the paper, and alpha divided by n", () => {
  const activities = module.pattern("all equal").map((a) => 100 * a);
  const printed = module.normalise(activities, 7, OPTIONS);
  close(printed.sum, 50000);
  close(printed.denominator, 7 ** 0.75);
  close(printed.normalised, 100 / 7 ** 0.75);
  close(module.normalise(activities, 7, { ...OPTIONS, alphaOverN: true }).denominator, 3 ** 0.75);
  close(module.normalise(activities, 0, OPTIONS).denominator, 5 ** 0.75);
});

test("neighbourhoods are cut at the ends", () => {
  assert.deepEqual(module.neighbours(0, 5), [0, 1, 2]);
  assert.deepEqual(module.neighbours(15, 3), [14, 15]);
  assert.deepEqual(module.neighbours(4, 1), [4]);
});

test("patterns", () => {
  assert.deepEqual(module.pattern("two neighbours").slice(6, 10), [1, 3, 2, 1]);
  const random = module.pattern("random", 5);
  assert.equal(random.length, 16);
  assert.ok(random.every((a) => a >= 0 && a <= 4));
  assert.notDeepEqual(random, module.pattern("random", 6));
});

test("numbers in plain decimals", () => {
  assert.equal(module.short(1e-5 / 9), "0.00000111");
  assert.equal(module.short(125800, 6), "125,800");
  assert.equal(module.short(2.00131, 5), "2.0013");
});

test("one alpha becomes the other", () => {
  const printed = module.conventions(OPTIONS);
  assert.match(printed, /alpha of 0\.0001 in the printed formula is an alpha of 0\.0005 where/);
  assert.match(printed, /depth_radius=2, bias=2, alpha=0\.0001, beta=0\.75/);
  const divided = module.conventions({ ...OPTIONS, alphaOverN: true });
  assert.match(divided, /alpha of 0\.00002 in the printed formula is an alpha of 0\.0001 where/);
  assert.match(divided, /size=5, alpha=0\.0001, beta=0\.75, k=2/);
});

test("the default state says that almost nothing happens; the scale changes that", () => {
  const { model, root } = draw(module, STATE);
  const result = () => text(root.querySelector(".result"));
  assert.equal(
    result().split(" Try")[0],
    "Map 7 is divided by 1.683; the constant k alone would divide by 1.682. The squares add 0.05% to it: almost nothing happens to this map beyond the constant.",
  );
  enter(root.querySelector(".controls input"), 100);
  assert.equal(model.get("scale"), 100);
  assert.match(result(), /add 353% to it: large activities hold/);
  const width = (m) => Number.parseFloat(root.querySelectorAll(".after")[m].style.width);
  assert.ok(width(6) < 0.5 * width(0));
});

test("alpha moves in powers of ten, and stays round", () => {
  const { model, root } = draw(module, STATE);
  const alpha = [...root.querySelectorAll(".control")].find((label) => text(label).startsWith("alpha 0"));
  assert.equal(alpha.querySelector("input").value, "-4");
  enter(alpha.querySelector("input"), -2.5);
  assert.equal(model.get("alpha"), 0.0032);
  assert.match(text(root.querySelector(".formula")), /0\.0032 × 13/);
});

test("a map is chosen, an activity moved, a pattern pressed", () => {
  const { model, root } = draw(module, STATE);
  root.querySelector('input[aria-label="choose map 15"]').click();
  assert.equal(model.get("chosen"), 15);
  assert.match(
    text(root.querySelector(".formula")),
    /maps 13 to 15 \(cut at the edge\): sum of a² = 1\.0² \+ 1\.0² \+ 1\.0² = 3/,
  );
  enter(root.querySelector('input[aria-label="activity of map 14"]'), 2);
  assert.match(text(root.querySelector(".formula")), /= 6 /);
  const random = () => [...root.querySelectorAll("button")].at(-1);
  random().click();
  assert.deepEqual(model.get("activities"), module.pattern("random", 1));
  assert.equal(text(random()), "random, seed 2");
});
