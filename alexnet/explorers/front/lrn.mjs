// Local response normalisation at one place of a layer: sixteen maps and their neighbourhoods.

import { button, explorer, fixed, html, radios, slider } from "./kit.mjs";

const MAPS = 16;
const HIGHEST = 4;

/** The activities of a pattern; `seed` is that of "random". */
export function pattern(name, seed = 1) {
  if (name === "random") {
    let state = seed;
    return Array.from({ length: MAPS }, () => {
      state = (Math.imul(1664525, state) + 1013904223) >>> 0;
      return Math.max(0, Math.floor((state * 61) / 2 ** 32) - 20) / 10;
    });
  }
  const peaks = { "one peak": { 7: 3 }, "two neighbours": { 7: 3, 8: 2 }, "all equal": {} }[name];
  return Array.from({ length: MAPS }, (_, n) => peaks[n] ?? 1);
}

/** The maps of map i's sum, cut at the first and the last. */
export function neighbours(i, n) {
  const half = Math.floor(n / 2);
  return Array.from({ length: n }, (_, at) => i - half + at).filter((m) => m >= 0 && m < MAPS);
}

/** The sum of squares over map i's neighbourhood, what i is divided by, and what comes out. */
export function normalise(activities, i, { n, k, alpha, beta, alphaOverN }) {
  const sum = neighbours(i, n).reduce((total, m) => total + activities[m] ** 2, 0);
  const base = k + (alphaOverN ? alpha / n : alpha) * sum;
  const denominator = base ** beta;
  return { sum, base, denominator, normalised: activities[i] / denominator };
}

/** A number with about so many figures, in plain decimals. */
export function short(number, figures = 3) {
  if (Math.abs(number) >= 10 ** (figures - 1))
    return Math.round(number).toLocaleString("en-US", { maximumFractionDigits: 0 });
  return Number(number.toPrecision(figures)).toLocaleString("en-US", { maximumFractionDigits: 9 });
}

function row(api, m, a, b, near, options) {
  const chosen = m === api.get("chosen");
  const activities = api.get("activities");
  const long = (100 * activities[m]) / HIGHEST;
  const left = a ? (b / a) * options.k ** options.beta : 1;
  const cell = "padding:0.05rem 0.2rem";
  return html`<tr class=${near ? "near" : ""} style=${near ? "background:var(--panel)" : ""}>
    <th scope="row" style=${`padding:0 0.2rem 0 0.5rem${near ? ";box-shadow:inset 4px 0 var(--purple)" : ""}`}><label style="display:flex;gap:0.3rem;align-items:center;min-height:1.7rem">
      <input type="radio" name=${`${api.id}-chosen`} .checked=${chosen} @change=${() => api.set({ chosen: m })}
        aria-label=${`choose map ${m}`} /> ${m}</label></th>
    <td style=${`${cell};width:28%;min-width:3.4rem`}><input type="range" min="0" max=${HIGHEST} step="0.1" .value=${String(activities[m])}
      aria-label=${`activity of map ${m}`} aria-valuetext=${fixed(a, 1)} style="display:block"
      @input=${(e) => api.set({ activities: activities.with(m, Number(e.target.value)) })} /></td>
    <td style=${cell}>${fixed(a, 1)}</td>
    <td style=${`${cell};width:34%;min-width:3.4rem`}>
      <div class="before" style=${`width:${long}%;height:0.5rem;border:1.5px solid var(--orange);border-left-width:${a ? 1.5 : 0}px;border-right-width:${a ? 1.5 : 0}px`}></div>
      <div class="after" style=${`width:${long * left}%;height:0.5rem;margin-top:2px;background:var(--blue)`}></div></td>
    <td style=${cell}>${fixed(b, 2)}</td>
  </tr>`;
}

/** The formula with the numbers of the chosen map. */
function written(scaled, i, options, { sum, base, denominator, normalised }) {
  const { n, k, alpha, beta, alphaOverN } = options;
  const near = neighbours(i, n);
  const squares = near.map((m) => `${fixed(scaled[m], 1)}²`).join(" + ");
  const factor = alphaOverN ? `${short(alpha)} ÷ ${n}` : short(alpha);
  const power = html`<sup>${fixed(beta)}</sup>`;
  return html`<div class="formula">
    <p style="margin:0 0 0.4rem"><i>b</i> = <i>a</i> ÷ (<i>k</i> + ${alphaOverN ? html`(<i>α</i> ÷ <i>n</i>)` : html`<i>α</i>`} × sum of <i>a</i>²)<sup><i>β</i></sup></p>
    <p style="margin:0 0 0.4rem">${near.length > 1 ? `maps ${near[0]} to ${near.at(-1)}` : `map ${i} alone`}${near.length < n ? " (cut at the edge)" : ""}:
      sum of <i>a</i>² = ${squares} = <b>${short(sum, 6)}</b></p>
    <p style="margin:0 0 0.4rem">(${k} + ${factor} × ${short(sum, 6)})${power} = ${short(base, 5)}${power} = <b class="denominator">${fixed(denominator, 3)}</b></p>
    <p style="margin:0 0 0.4rem">map ${i}: <i>b</i> = ${fixed(scaled[i], 1)} ÷ ${fixed(denominator, 3)} = <b>${fixed(normalised, 2)}</b></p>
  </div>`;
}

function verdict(i, { k, beta }, { denominator }) {
  const constant = k ** beta;
  const extra = 100 * (denominator / constant - 1);
  if (beta === 0) return "With beta = 0 every map is divided by 1: nothing happens.";
  const first = `Map ${i} is divided by ${fixed(denominator, 3)}; the constant k alone would divide by ${fixed(constant, 3)}.`;
  if (extra < 1)
    return `${first} The squares add ${extra < 0.01 ? "less than 0.01" : fixed(extra)}% to it: almost nothing happens to this map beyond the constant. Try larger activities or a larger alpha.`;
  return `${first} The squares of its neighbourhood add ${fixed(extra, extra < 10 ? 1 : 0)}% to it: large activities hold their neighbours, and themselves, down.`;
}

/** How the one alpha becomes the other, and the same normalisation in the libraries. */
export function conventions({ n, alpha, alphaOverN, k, beta }) {
  const printed = short(alphaOverN ? alpha / n : alpha);
  const divided = short(alphaOverN ? alpha : alpha * n);
  return `An alpha of ${printed} in the printed formula is an alpha of ${divided} where it is divided by n = ${n}. So the same in PyTorch, which divides: size=${n}, alpha=${divided}, beta=${beta}, k=${k}. In TensorFlow, which does not, and counts the neighbours on one side: depth_radius=${Math.floor(n / 2)}, bias=${k}, alpha=${printed}, beta=${beta}.`;
}

function view(api) {
  const i = api.get("chosen");
  const options = {
    n: api.get("n"),
    k: api.get("k"),
    alpha: api.get("alpha"),
    beta: api.get("beta"),
    alphaOverN: api.get("alpha_over_n"),
  };
  const scaled = api.get("activities").map((a) => a * api.get("scale"));
  const near = neighbours(i, options.n);
  const here = normalise(scaled, i, options);
  const seed = api.own.seed ?? 1;
  const random = () => {
    api.own.seed = seed + 1;
    api.set({ activities: pattern("random", seed) });
  };
  // Two figures, so that 0.0001 is 0.0001 and not what ten to the power of −4 comes to.
  const setAlpha = (power) => api.set({ alpha: Number((10 ** power).toPrecision(2)) });
  return html`
    <div class="controls">
      ${slider(api, { name: "scale", label: "activities times", min: 1, max: 100, step: 1, format: (v) => fixed(v, 0) })}
      ${slider(api, { name: "n", label: "n (maps)", min: 1, max: 9, step: 2, format: (v) => fixed(v, 0) })}
      ${slider(api, { name: "k", label: "k", min: 1, max: 5, step: 0.5, format: (v) => fixed(v, 1) })}
      ${slider(
        { get: () => Math.log10(options.alpha) },
        {
          name: "alpha",
          label: "alpha",
          min: -5,
          max: 0,
          step: 0.1,
          format: () => short(options.alpha),
          onInput: setAlpha,
        },
      )}
      ${slider(api, { name: "beta", label: "beta", min: 0, max: 2, step: 0.05 })}
      ${radios(api, {
        name: "alpha_over_n",
        label: "convention:",
        options: [
          [false, "as printed in the paper"],
          [true, "divided by n (released code, Caffe, PyTorch)"],
        ],
      })}
    </div>
    <p class="patterns" role="group" aria-label="pattern of the activities" style="display:flex;flex-wrap:wrap;gap:0.4rem;margin:0 0 0.5rem">
      ${["one peak", "two neighbours", "all equal"].map((name) => button(name, () => api.set({ activities: pattern(name) })))}
      ${button(`random, seed ${seed}`, random)}
    </p>
    <p class="soft" style="margin:0 0 0.5rem">Hollow bars: a. Filled bars: b, drawn ${fixed(options.k ** options.beta)} times longer,
      so that where both are equally long only the constant k has divided. The stripe at the left marks the neighbourhood of map ${i}.</p>
    <div class="columns">
      <div class="scrolls" tabindex="0" role="group" aria-label="the sixteen maps">
        <table style="width:100%">
          <thead><tr><th scope="col">map</th><th scope="col" colspan="2">activity a</th>
            <th scope="col" style="text-align:left">a and b</th><th scope="col">b</th></tr></thead>
          <tbody>${scaled.map((a, m) => row(api, m, a, normalise(scaled, m, options).normalised, near.includes(m), options))}</tbody>
        </table>
      </div>
      <div>
        ${written(scaled, i, options, here)}
        <p class="result" role="status">${verdict(i, options, here)}</p>
        <p class="conventions" style="margin:0.6rem 0 0;overflow-wrap:anywhere">${conventions(options)}</p>
      </div>
    </div>`;
}

export default explorer({ title: "Explorer: local response normalisation", view });
