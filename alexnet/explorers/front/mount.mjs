// Draws the explorers of a published page without a kernel: finds their places, waits until the reader comes near, and
// gives each module a model. The fallback stays where a module cannot be loaded.

import { PageModel } from "./model.mjs";

async function mount(place) {
  const module = await import(`./${place.dataset.module}.mjs`);
  const state = JSON.parse(place.querySelector('script[type="application/json"]').textContent);
  const el = document.createElement("div");
  const model = new PageModel(state, () => import(`./${place.dataset.module}.page.mjs`));
  const fallback = place.querySelector("figure");
  model.poster = fallback.querySelector("img");
  await module.default.render({ model, el, signal: new AbortController().signal });
  fallback.replaceWith(el);
  place.dataset.mounted = "true";
}

const sheet = document.createElement("link");
sheet.rel = "stylesheet";
sheet.href = new URL("explorers.css", import.meta.url);
document.head.append(sheet);

const near = new IntersectionObserver(
  (entries) => {
    for (const entry of entries.filter((e) => e.isIntersecting)) {
      near.unobserve(entry.target);
      mount(entry.target).catch((error) => console.error("An explorer could not be drawn.", error));
    }
  },
  { rootMargin: "400px" },
);
for (const place of document.querySelectorAll(".alexnet-explorer")) near.observe(place);
