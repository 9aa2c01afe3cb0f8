import assert from "node:assert/strict";
import test from "node:test";
import { draw, enter, text } from "./setup.mjs";

const module = await import("../../alexnet/explorers/front/softmax.mjs");
const STATE = { logits: [2, 1, 0], names: ["a", "b", "c"], true_class: 0, temperature: 1, offset: 0, max_trick: true };

test("probabilities, loss and gradient of three logits", () => {
  const p = module.softmax([2, 1, 0]);
  const sum = Math.exp(2) + Math.exp(1) + 1;
  for (const [n, logit] of [2, 1, 0].entries()) assert.ok(Math.abs(p[n] - Math.exp(logit) / sum) < 1e-6);
  const judged = module.judge(p, [2, 1, 0], 1);
  assert.ok(Math.abs(judged.loss + Math.log(Math.E / sum)) < 1e-6);
  assert.ok(Math.abs(judged.gradient.reduce((a, b) => a + b)) < 1e-6);
  assert.deepEqual([judged.top1, judged.top5], [false, true]);
});

test("only without the trick do large logits overflow", () => {
  assert.ok(softmaxOf(90, false).some(Number.isNaN));
  assert.ok(softmaxOf(80, false).every(Number.isFinite));
  assert.deepEqual(softmaxOf(90, true), softmaxOf(0, true));
});

function softmaxOf(offset, maxTrick) {
  return module.softmax([2, 1, 0], { offset, maxTrick });
}

test("a moved slider changes the state and the sentence", () => {
  const { model, root } = draw(module, STATE);
  const before = text(root.querySelector(".result"));
  enter(root.querySelector('input[aria-label="logit of b"]'), 5);
  assert.deepEqual(model.get("logits"), [2, 5, 0]);
  assert.notEqual(text(root.querySelector(".result")), before);
});

test("the true class is chosen", () => {
  const { model, root } = draw(module, STATE);
  root.querySelector('input[aria-label="true class: c"]').click();
  assert.equal(model.get("true_class"), 2);
  assert.match(text(root.querySelector(".result")), /p\(c\)/);
});

test("a change from outside is drawn", () => {
  const { model, root } = draw(module, STATE);
  model.set("max_trick", false);
  model.set("offset", 100);
  model.save_changes();
  assert.match(text(root.querySelector(".result")), /^Overflow/);
});

test("logits of another number are drawn before their names and true class have come", () => {
  const { model, root } = draw(module, { ...STATE, true_class: 2 });
  for (const [logits, labels] of [
    [
      [1, 2],
      ["a", "b"],
    ],
    [
      [1, 2, 3, 4],
      ["a", "b", "c", "class 3"],
    ],
  ]) {
    model.set("logits", logits);
    model.save_changes();
    const rows = [...root.querySelectorAll("tbody tr")];
    assert.deepEqual(
      rows.map((row) => text(row.querySelector("th"))),
      labels,
    );
    assert.equal(root.querySelectorAll("tr.true").length, 1);
    assert.doesNotMatch(text(root), /∞|not a number|undefined/);
  }
});
