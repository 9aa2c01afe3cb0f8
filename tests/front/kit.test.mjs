// What the shared parts do with a kernel's model, which is unlike the page's: it tells its views of every single number.

import assert from "node:assert/strict";
import test from "node:test";
import { text } from "./setup.mjs";

const kit = await import("../../alexnet/explorers/front/kit.mjs");

/** As anywidget hands it out: Backbone's, whose `set` fires at once. */
class KernelModel {
  listeners = { change: new Set(), "msg:custom": new Set() };
  saved = 0;
  constructor(state) {
    this.state = state;
  }
  get(name) {
    return this.state[name];
  }
  set(name, value) {
    if (JSON.stringify(this.state[name]) === JSON.stringify(value)) return;
    this.state[name] = value;
    this.tell("change");
  }
  save_changes() {
    this.saved += 1;
  }
  on(event, listener) {
    this.listeners[event].add(listener);
  }
  off(event, listener) {
    this.listeners[event].delete(listener);
  }
  tell(event, ...what) {
    for (const listener of this.listeners[event]) listener(...what);
  }
}

function drawn(state, { explorer, html } = kit) {
  const seen = [];
  let given;
  const view = (api) => {
    given = api;
    seen.push(["a", "b", "c"].map(api.get).join());
    return html`<p>${seen.at(-1)}</p>`;
  };
  const model = new KernelModel(state);
  const el = document.createElement("div");
  const leave = explorer({ title: "Test", view }).render({ model, el });
  return { model, seen, api: given, root: el.querySelector(".explorer"), leave };
}

test("a mixture of old and new numbers is never drawn", () => {
  const { model, seen, api } = drawn({ a: 1, b: [1], c: 1 });
  api.set({ a: 2, b: [2], c: 2 });
  assert.deepEqual(seen, ["1,1,1", "2,2,2"]);
  // The last of them need not be the one that differs.
  api.set({ a: 3, b: [2], c: 2 });
  assert.deepEqual(seen, ["1,1,1", "2,2,2", "3,2,2"]);
  assert.equal(model.saved, 2);
  model.set("c", 9);
  assert.equal(seen.at(-1), "3,2,9");
});

test("a listener that fails in between does not stop the drawing for good", () => {
  const { model, seen, api } = drawn({ a: 1, b: 1, c: 1 });
  const fails = () => {
    throw new Error("of another widget");
  };
  model.on("change", fails);
  assert.throws(() => api.set({ a: 2, b: 2 }), /of another widget/);
  model.off("change", fails);
  model.set("c", 2);
  assert.equal(seen.at(-1), "2,1,2");
});

test("every explorer of a page has names of its own, also from a second copy of the parts", async () => {
  const copy = await import("../../alexnet/explorers/front/kit.mjs?copy");
  const [one, two, three] = [kit, kit, copy].map((parts) => drawn({ a: 1 }, parts).api.id);
  assert.equal(new Set([one, two, three]).size, 3);
});

test("what Python raises is shown until the next change, and nothing is heard after the end", () => {
  const { model, seen, root, leave } = drawn({ a: 1, b: 1, c: 1 });
  model.tell("msg:custom", { raised: "ValueError: no" });
  assert.equal(text(root.querySelector("[role=alert]")), "In Python: ValueError: no");
  model.set("a", 2);
  assert.equal(root.querySelector("[role=alert]"), null);
  leave();
  const before = seen.length;
  model.set("a", 3);
  model.tell("msg:custom", { raised: "late" });
  assert.equal(seen.length, before);
});
