// The parts that all explorers share. `explorer(view)` makes an anywidget module of a function from state to template;
// the rest are templates for controls and charts. lit-html draws.

import { html, nothing, render, svg } from "./vendor/lit-html.mjs";

export { html, nothing, svg };

const DARK = {
  book: (root) => root.dataset.theme && root.dataset.theme === "dark",
  jupyter: () => document.body.dataset.jpThemeLight && document.body.dataset.jpThemeLight === "false",
  colab: (root) => root.getAttribute("theme") && root.getAttribute("theme") === "dark",
  vscode: () => document.body.dataset.vscodeThemeKind && /dark/.test(document.body.dataset.vscodeThemeKind),
};

/** Is the page around us dark? Each home says so in its own way; without a word from it, the reader's system decides. */
function isDark() {
  for (const says of Object.values(DARK)) {
    const answer = says(document.documentElement);
    if (typeof answer === "boolean") return answer;
  }
  return matchMedia("(prefers-color-scheme: dark)").matches;
}

/** Does the reader want nothing to move by itself? */
export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** A number of its own for each explorer of a page. Live, every model has a copy of this module, so it cannot count. */
function number() {
  globalThis.alexnetExplorers = (globalThis.alexnetExplorers ?? 0) + 1;
  return globalThis.alexnetExplorers;
}

// While several numbers of a state change, what the model holds is a mixture, which nobody should draw.
let mixed = false;

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

/**
 * An anywidget module.
 * title: names the explorer for those who do not see it.
 * view(api): a template of the whole explorer, drawn again after every change.
 * start(api): called once; what it returns is called at the end.
 * drawn(api): called after every drawing, for what is painted and not written (canvases).
 *
 * api.get(name), api.set({name: value, ...}): the state. api.own: an object for what is not state (call api.redraw()
 * after a change). api.asset(name): a promise of bytes. api.ask(question, buffers): a promise of {answer, buffers}.
 * api.id: unique in the page. api.page: true on the published page, where there is no kernel. api.poster: there, the
 * fallback's picture (an img), for what has to wait.
 */
export function explorer({ title, view, start, drawn }) {
  return {
    render({ model, el, signal }) {
      // A group and not a landmark: a page may hold several explorers of a kind.
      const root = document.createElement("div");
      root.className = "explorer";
      root.setAttribute("role", "group");
      root.setAttribute("aria-label", title);
      el.append(root);
      const api = {
        id: `explorer-${number()}`,
        root,
        own: {},
        page: model.page === true,
        poster: model.poster,
        get: (name) => model.get(name),
        set(changes) {
          const different = Object.entries(changes).filter(([name, value]) => !same(model.get(name), value));
          // A kernel's model tells its views of each; they draw after the last.
          try {
            for (const [n, [name, value]] of different.entries()) {
              mixed = n < different.length - 1;
              model.set(name, value);
            }
          } finally {
            mixed = false;
          }
          model.save_changes();
        },
        asset: (name) => asset(model, name),
        ask: (question, buffers) => ask(model, question, buffers),
        redraw() {
          const alert = raised && html`<p class="result raised" role="alert">In Python: ${raised}</p>`;
          render(html`${view(api)}${alert || nothing}`, root);
          drawn?.(api);
        },
      };
      // What an observer or a validator in Python raised at the last change.
      let raised = "";
      const changed = () => {
        if (mixed) return;
        raised = "";
        api.redraw();
      };
      const told = (content) => {
        if (!content.raised) return;
        raised = content.raised;
        api.redraw();
      };
      const theme = () => {
        root.dataset.theme = isDark() ? "dark" : "light";
      };
      const watcher = new MutationObserver(theme);
      for (const place of [document.documentElement, document.body]) watcher.observe(place, { attributes: true });
      const system = matchMedia("(prefers-color-scheme: dark)");
      system.addEventListener("change", theme);
      // JupyterLab takes arrow keys away from sliders: its shortcuts listen above us.
      root.addEventListener("keydown", (event) => event.stopPropagation());
      model.on("change", changed);
      model.on("msg:custom", told);
      theme();
      api.redraw();
      const stop = start?.(api);
      const end = () => {
        model.off("change", changed);
        model.off("msg:custom", told);
        watcher.disconnect();
        system.removeEventListener("change", theme);
        stop?.();
      };
      signal?.addEventListener("abort", end);
      return end;
    },
  };
}

const waiting = new WeakMap();

/** The bytes of a named asset, asked for once a model. */
function asset(model, name) {
  if (!waiting.has(model)) waiting.set(model, new Map());
  const asked = waiting.get(model);
  if (!asked.has(name)) {
    const answer = new Promise((resolve, reject) => {
      const listen = (content, buffers) => {
        if (content.asset !== name) return;
        model.off("msg:custom", listen);
        if (content.error) reject(new Error(content.error));
        else resolve(bytes(buffers[0]));
      };
      model.on("msg:custom", listen);
      model.send({ asset: name });
    });
    answer.catch(() => asked.delete(name));
    asked.set(name, answer);
  }
  return asked.get(name);
}

/** The bytes that came beside a message: live they are views, on the page they may be arrays of another kind. */
const bytes = (part) => new Uint8Array(part.buffer ?? part, part.byteOffset ?? 0, part.byteLength);

let questions = 0;

/** The answer to a question, and the bytes beside it. */
function ask(model, question, buffers = []) {
  // All views of a model hear all its answers, those of other windows too.
  const id = `${Date.now().toString(36)}-${++questions}`;
  return new Promise((resolve, reject) => {
    const listen = (content, parts) => {
      if (content.id !== id) return;
      model.off("msg:custom", listen);
      if (content.error) reject(new Error(content.error));
      else resolve({ answer: content.answer, buffers: (parts ?? []).map(bytes) });
    };
    model.on("msg:custom", listen);
    model.send({ ask: question, id }, undefined, buffers);
  });
}

/** A number with so many decimals, with a true minus sign; no "−0". */
export function fixed(number, digits = 2) {
  if (Number.isNaN(number)) return "not a number";
  if (!Number.isFinite(number)) return number > 0 ? "∞" : "−∞";
  const text = Math.abs(number).toFixed(digits);
  return number < 0 && Number(text) !== 0 ? `−${text}` : text;
}

/** An integer with commas between thousands. */
export const whole = (number) => Math.round(number).toLocaleString("en-US");

/** A slider for a number of the state. */
export function slider(api, { name, label, min, max, step, format = fixed, onInput }) {
  const value = api.get(name);
  return html`<label class="control">
    <span>${label}</span>
    <input type="range" min=${min} max=${max} step=${step} .value=${String(value)} aria-valuetext=${format(value)}
      @input=${(event) => (onInput ?? ((v) => api.set({ [name]: v })))(Number(event.target.value))} />
    <output>${format(value)}</output>
  </label>`;
}

/** A choice among options [[value, words], ...] of the state. */
export function select(api, { name, label, options }) {
  const value = api.get(name);
  return html`<label class="control">
    <span>${label}</span>
    <select @change=${(event) => api.set({ [name]: options[event.target.selectedIndex][0] })}>
      ${options.map(([v, words]) => html`<option .selected=${v === value}>${words}</option>`)}
    </select>
  </label>`;
}

/** Yes or no. */
export function checkbox(api, { name, label }) {
  return html`<label class="control check">
    <input type="checkbox" .checked=${api.get(name)} @change=${(e) => api.set({ [name]: e.target.checked })} />
    <span>${label}</span>
  </label>`;
}

/** One of a few, all in sight: [[value, words], ...]. */
export function radios(api, { name, label, options }) {
  const value = api.get(name);
  return html`<fieldset class="control radios">
    <legend>${label}</legend>
    ${options.map(
      ([v, words]) => html`<label>
        <input type="radio" name=${`${api.id}-${name}`} .checked=${v === value} @change=${() => api.set({ [name]: v })} />
        <span>${words}</span>
      </label>`,
    )}
  </fieldset>`;
}

/** A button. */
export const button = (label, onClick, { disabled = false } = {}) =>
  html`<button type="button" ?disabled=${disabled} @click=${onClick}>${label}</button>`;

/** Round numbers between two ends, about so many. */
export function ticks(from, to, about = 5) {
  const raw = (to - from) / about;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= raw * 0.999);
  const list = [];
  for (let n = Math.ceil(from / step - 1e-9); n * step <= to + step * 1e-9; n++)
    list.push(Number((n * step).toPrecision(12)));
  return list;
}

/**
 * A chart with axes. x, y: {from, to, label, format?, ticks?}. lines: [{points: [[x, y], ...], colour, dash?, name?}].
 * over(scale): more SVG, scale.x and scale.y give places. label: what the chart says, in words.
 */
export function chart({ width = 340, height = 210, x, y, lines = [], over, label }) {
  const left = 44;
  const bottom = 36;
  const top = 8;
  const right = 10;
  const place = {
    x: (v) => left + ((v - x.from) / (x.to - x.from)) * (width - left - right),
    y: (v) => height - bottom - ((v - y.from) / (y.to - y.from)) * (height - bottom - top),
  };
  const path = (points) => {
    let pen = false;
    return points
      .map(([px, py]) => {
        if (!Number.isFinite(py)) {
          pen = false;
          return "";
        }
        const piece = `${pen ? "L" : "M"}${place.x(px).toFixed(1)} ${place.y(py).toFixed(1)}`;
        pen = true;
        return piece;
      })
      .join("");
  };
  const format = (axis) => axis.format ?? ((v) => String(v).replace("-", "−"));
  return html`<svg class="chart" viewBox="0 0 ${width} ${height}" role="img" aria-label=${label}>
    ${(x.ticks ?? ticks(x.from, x.to)).map(
      (v) => svg`<line class="grid" x1=${place.x(v)} x2=${place.x(v)} y1=${top} y2=${height - bottom}></line>
        <text x=${place.x(v)} y=${height - bottom + 14} text-anchor="middle">${format(x)(v)}</text>`,
    )}
    ${(y.ticks ?? ticks(y.from, y.to)).map(
      (v) => svg`<line class="grid" x1=${left} x2=${width - right} y1=${place.y(v)} y2=${place.y(v)}></line>
        <text x=${left - 5} y=${place.y(v) + 4} text-anchor="end">${format(y)(v)}</text>`,
    )}
    <text x=${(left + width - right) / 2} y=${height - 6} text-anchor="middle">${x.label}</text>
    <text x="12" y=${(top + height - bottom) / 2} text-anchor="middle"
      transform="rotate(-90 12 ${(top + height - bottom) / 2})">${y.label}</text>
    ${lines.map(
      (line) => svg`<path class="line" d=${path(line.points)} stroke="var(--${line.colour})"
        stroke-dasharray=${line.dash ?? nothing}></path>`,
    )}
    ${over ? over(place) : nothing}
  </svg>`;
}

/** What the lines of a chart are, beside a sample of each: [{colour, dash?, name}]. */
export const legend = (lines) => html`<ul class="legend">
  ${lines.map(
    (line) => html`<li><svg viewBox="0 0 24 10" aria-hidden="true"><line x1="0" x2="24" y1="5" y2="5"
      stroke="var(--${line.colour})" stroke-width="3" stroke-dasharray=${line.dash ?? nothing}></line></svg>${line.name}</li>`,
  )}
</ul>`;
