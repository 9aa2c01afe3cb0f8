// A page for the explorers' modules to draw in, and what the tests share.

import { JSDOM } from "jsdom";

const { window } = new JSDOM("<!doctype html><html lang='en'><body></body></html>", { pretendToBeVisual: true });
window.matchMedia = () => ({ matches: false, addEventListener() {}, removeEventListener() {} });
for (const name of ["window", "document", "Node", "Event", "KeyboardEvent", "MutationObserver", "matchMedia"]) {
  globalThis[name] = name === "window" ? window : window[name];
}

const { PageModel } = await import("../../alexnet/explorers/front/model.mjs");

/** Draws a module in the page; returns its model and its root. */
export function draw(module, state) {
  const model = new PageModel({ ...state });
  const el = document.createElement("div");
  document.body.append(el);
  module.default.render({ model, el, signal: new AbortController().signal });
  return { model, root: el.querySelector(".explorer") };
}

/** Moves a slider, writes in a field, or chooses in a list, as a reader would. */
export function enter(element, value) {
  element.value = String(value);
  element.dispatchEvent(new window.Event("input", { bubbles: true }));
  element.dispatchEvent(new window.Event("change", { bubbles: true }));
}

/** The text of an element, with its white space made single. */
export const text = (element) => element.textContent.replace(/\s+/g, " ").trim();
