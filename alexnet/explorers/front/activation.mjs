// Activation functions: the slope of each, and what becomes of a gradient on its way down through a deep net.

import { button, chart, explorer, fixed, html, legend, radios, slider, svg } from "./kit.mjs";

export const WIDTH = 32;
export const BATCH = 16;
const DEEPEST = 20;

const FUNCTIONS = { relu: "ReLU", tanh: "tanh", sigmoid: "sigmoid", leaky_relu: "leaky ReLU", gelu: "GELU" };

const ABOUT = {
  relu: "The slope is 1 above zero and 0 below: a unit that is off passes no gradient.",
  tanh: "The slope is 1 at zero and falls towards 0 on both sides, where the function saturates.",
  sigmoid: "The slope is at most 1/4, and falls towards 0 on both sides, where the function saturates.",
  leaky_relu: "The slope is 1 above zero and 0.01 below: small, but never 0.",
  gelu: "Exact form, x Φ(x), where Φ is the normal distribution's, by way of erf. The slope lies between −0.13 and 1.13.",
};

/** Standard normal numbers, the same in Python and JavaScript: mulberry32 and Box-Muller. count is even. */
export function normals(seed, count) {
  let a = seed;
  const uniform = () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const numbers = new Float64Array(count);
  for (let n = 0; n < count; n += 2) {
    const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
    const angle = 2 * Math.PI * uniform();
    numbers[n] = radius * Math.cos(angle);
    numbers[n + 1] = radius * Math.sin(angle);
  }
  return numbers;
}

/** The error function to the last digits of float64, by a series whose terms all have the same sign. */
export function erf(x) {
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 3; Math.abs(term) > 1e-17 * Math.abs(sum); n += 2) {
    term *= (2 * x * x) / n;
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

/** The function and its slope at z. At the corner of ReLU and leaky ReLU the slope is that of the left side. */
export function activate(name, z) {
  if (name === "relu") return z > 0 ? [z, 1] : [0, 0];
  if (name === "leaky_relu") return z > 0 ? [z, 1] : [0.01 * z, 0.01];
  if (name === "gelu") {
    const below = (1 + erf(z / Math.SQRT2)) / 2;
    return [z * below, below + (z * Math.exp((-z * z) / 2)) / Math.sqrt(2 * Math.PI)];
  }
  // 1 − tanh² and s(1 − s) lose their digits where the function saturates; these forms keep them.
  if (name === "tanh") {
    const e = Math.exp(-2 * Math.abs(z));
    return [Math.tanh(z), (4 * e) / (1 + e) ** 2];
  }
  const e = Math.exp(-Math.abs(z));
  return [(z < 0 ? e : 1) / (1 + e), e / (1 + e) ** 2];
}

const rms = (numbers) => Math.sqrt(numbers.reduce((sum, v) => sum + v * v, 0) / numbers.length);

let drawn = { seed: null };

function drawnOf(seed) {
  if (drawn.seed !== seed) drawn = { seed, numbers: normals(seed, (2 * BATCH + DEEPEST * WIDTH) * WIDTH) };
  return drawn.numbers;
}

/** The gradient at every layer of a random net, its ratio first to last, and the share of dead units of each layer. */
export function network({ function: name, depth, weight_scale, bias, seed }) {
  const numbers = drawnOf(seed);
  const size = BATCH * WIDTH;
  const scale = weight_scale / Math.sqrt(WIDTH);
  const weights = Array.from({ length: depth }, (_, n) =>
    numbers.subarray(2 * size + n * WIDTH * WIDTH, 2 * size + (n + 1) * WIDTH * WIDTH),
  );
  let a = numbers.subarray(0, size);
  const slopes = [];
  const dead = [];
  for (const w of weights) {
    const z = new Float64Array(size);
    const slope = new Float64Array(size);
    const alive = new Set();
    for (let row = 0; row < size; row += WIDTH) {
      for (let i = 0; i < WIDTH; i++)
        for (let j = 0; j < WIDTH; j++) z[row + j] += a[row + i] * w[i * WIDTH + j] * scale;
      for (let j = 0; j < WIDTH; j++) {
        const sum = z[row + j] + bias;
        if (sum > 0 || name !== "relu") alive.add(j);
        [z[row + j], slope[row + j]] = activate(name, sum);
      }
    }
    a = z;
    slopes.push(slope);
    dead.push(1 - alive.size / WIDTH);
  }
  const top = numbers.subarray(size, 2 * size);
  const unit = rms(top);
  let delta = top.map((v, n) => (v / unit) * slopes[depth - 1][n]);
  const gradients = [rms(delta)];
  for (let layer = depth - 1; layer > 0; layer--) {
    const w = weights[layer];
    const under = new Float64Array(size);
    for (let row = 0; row < size; row += WIDTH)
      for (let i = 0; i < WIDTH; i++) {
        let sum = 0;
        for (let j = 0; j < WIDTH; j++) sum += delta[row + j] * w[i * WIDTH + j];
        under[row + i] = sum * scale * slopes[layer - 1][row + i];
      }
    delta = under;
    gradients.unshift(rms(delta));
  }
  const last = gradients[depth - 1];
  return { gradients, ratio: last > 0 ? gradients[0] / last : null, dead };
}

const power = (exponent) => `10${[...String(exponent)].map((c) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(c)]).join("")}`;

/** A positive number or 0 with three digits, in powers of ten where it is very small or large. */
export function digits(number) {
  if (number === 0) return "0";
  const [mantissa, exponent] = number.toExponential(2).split("e").map(Number);
  return exponent < -2 || exponent > 2
    ? `${mantissa.toFixed(2)} × ${power(exponent)}`
    : number.toFixed(Math.max(0, 2 - exponent));
}

// Above each curve there is room for the words at the cursor.
const HEIGHTS = { relu: [-1, 6.5], leaky_relu: [-1, 6.5], gelu: [-1, 6.5], tanh: [-1.2, 1.8], sigmoid: [-0.1, 1.4] };
const TICKS = { tanh: [-1, -0.5, 0, 0.5, 1], sigmoid: [0, 0.25, 0.5, 0.75, 1] };

/** Value and slope at x: two points, the tangent, and words at the top. */
function cursor(place, x, value, slope, [bottom, top]) {
  const [px, ps] = [place.x(x), place.y(slope)];
  const [from, to] = [Math.max(-5, x - 1), Math.min(5, x + 1)];
  const words = (line, colour, label) => svg`<text x=${px + (x < 0 ? 6 : -6)} y=${place.y(top) + 12 + 15 * line}
    text-anchor=${x < 0 ? "start" : "end"} style=${`fill: var(--${colour})`}>${label}</text>`;
  return svg`<line class="axis" x1=${px} x2=${px} y1=${place.y(bottom)} y2=${place.y(top)}></line>
    <line x1=${place.x(from)} x2=${place.x(to)} y1=${place.y(value + slope * (from - x))}
      y2=${place.y(value + slope * (to - x))} stroke="var(--orange)" stroke-width="1.5"></line>
    <circle cx=${px} cy=${place.y(value)} r="5" fill="var(--blue)"></circle>
    <rect x=${px - 4} y=${ps - 4} width="8" height="8" fill="var(--orange)"></rect>
    ${words(0, "blue", `value ${fixed(value, 3)}`)}
    ${words(1, "orange", `slope ${fixed(slope, 3)}`)}`;
}

function curves(api, name, x, value, slope) {
  const corner = name === "relu" || name === "leaky_relu";
  const xs = Array.from({ length: 101 }, (_, n) => (n - 50) / 10);
  const points = (which) => xs.map((v) => [v, activate(name, v)[which]]);
  const slopes = points(1);
  // The slope jumps at a corner: no line joins the two sides.
  if (corner) slopes.splice(51, 0, [0, Number.NaN], [0, 1]);
  const heights = HEIGHTS[name];
  const lines = [
    { points: points(0), colour: "blue", name: `${FUNCTIONS[name]} f(x)` },
    { points: slopes, colour: "orange", dash: "6 4", name: "slope f′(x)" },
  ];
  return html`<div>
    ${slider(api, { name: "x", label: "input x", min: -5, max: 5, step: 0.1, format: (v) => fixed(v, 1) })}
    ${legend(lines)}
    ${chart({
      x: { from: -5, to: 5, label: "input x" },
      y: { from: heights[0], to: heights[1], label: "", ticks: TICKS[name] },
      lines,
      over: (place) => cursor(place, x, value, slope, heights),
      label: `${FUNCTIONS[name]} and its slope for inputs from −5 to 5. At x = ${fixed(x, 1)} the value is ${fixed(value, 3)} and the slope ${fixed(slope, 3)}.`,
    })}
    <p class="result" role="status">f(${fixed(x, 1)}) = ${fixed(value, 3)}, with slope ${fixed(slope, 3)}.
      ${ABOUT[name]}${corner && x === 0 ? " At the corner itself frameworks take the slope of the left side." : ""}</p>
  </div>`;
}

/** The powers of ten between which the gradients are drawn: always 10⁻³ to 10², more where they need it. */
export function axis(gradients) {
  const powers = gradients.filter((g) => g > 0).map(Math.log10);
  return [Math.min(-3, ...powers.map(Math.floor)), Math.max(2, ...powers.map(Math.ceil))];
}

function way(gradients, depth) {
  const [from, to] = axis(gradients);
  const step = Math.ceil((to - from) / 6);
  const layers = gradients.map((_, n) => n + 1);
  const last = gradients[depth - 1];
  const lines = [
    { points: layers.map((n) => [n, Math.log10(gradients[n - 1])]), colour: "blue", name: "RMS gradient" },
    {
      points: [0.5, depth + 0.5].map((n) => [n, Math.log10(last)]),
      colour: "green",
      dash: "3 4",
      name: "level of the last layer",
    },
  ];
  return html`${legend(lines)}
    ${chart({
      x: {
        from: 0.5,
        to: depth + 0.5,
        label: "layer (the gradient comes from the right)",
        ticks: layers.filter((n) => depth <= 10 || n === 1 || n === depth || (n % 5 === 0 && depth - n > 1)),
      },
      y: {
        from,
        to,
        label: "",
        format: power,
        ticks: Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, n) => from + n * step),
      },
      lines,
      over: (place) =>
        gradients.map((g, n) =>
          g > 0
            ? svg`<circle cx=${place.x(n + 1)} cy=${place.y(Math.log10(g))} r="4" fill="var(--blue)"></circle>`
            : svg`<text class="zero" x=${place.x(n + 1)} y=${place.y(from) - 4} text-anchor="middle">0</text>`,
        ),
      label: `The root mean square gradient at each layer, on a logarithmic scale: ${digits(gradients[0])} at layer 1, ${digits(last)} at layer ${depth}.`,
    })}`;
}

/** What became of the gradient, in words. */
export function verdict({ gradients, ratio }) {
  const depth = gradients.length;
  if (ratio === null) return "Not one unit of the last layer is on, for any input: no gradient gets through it.";
  const arrives = `The RMS gradient is ${digits(gradients[depth - 1])} at layer ${depth} and ${digits(gradients[0])} at layer 1. First to last, the ratio is ${digits(ratio)}`;
  if (depth === 1) return `${arrives}: there is only one layer.`;
  if (ratio < 0.1) return `${arrives}: the gradient vanishes.`;
  return `${arrives}: the gradient ${ratio > 10 ? "explodes" : "keeps its size, within a factor of ten"}.`;
}

function burial(name, dead) {
  if (name !== "relu") return "Dead units: none. Only ReLU units can be 0 for every input.";
  const counts = dead.map((share) => share * WIDTH);
  const all = counts.reduce((a, b) => a + b);
  return `Dead units (0 for all ${BATCH} inputs): ${counts.at(-1)} of ${WIDTH} in the last layer, ${all} of ${WIDTH * dead.length} in all. ReLU alone does not cure vanishing gradients: the weight scale matters as well, and so does the bias.`;
}

function view(api) {
  const name = api.get("function");
  const [x, depth, seed] = ["x", "depth", "seed"].map(api.get);
  const state = { function: name, depth, weight_scale: api.get("weight_scale"), bias: api.get("bias"), seed };
  const net = network(state);
  const [value, slope] = activate(name, x);
  return html`
    <div class="controls">
      ${radios(api, { name: "function", label: "activation", options: Object.entries(FUNCTIONS) })}
    </div>
    <div class="columns">
      ${curves(api, name, x, value, slope)}
      <div>
        ${slider(api, { name: "depth", label: "depth (layers)", min: 1, max: DEEPEST, step: 1, format: String })}
        ${slider(api, { name: "weight_scale", label: "weight scale", min: 0.2, max: 3, step: 0.01 })}
        ${slider(api, { name: "bias", label: "bias", min: -1, max: 1, step: 0.1, format: (v) => fixed(v, 1) })}
        <p style="display: flex; flex-wrap: wrap; gap: 0.4rem; align-items: center; margin: 0.3rem 0 0.5rem">
          ${button("Glorot: scale 1", () => api.set({ weight_scale: 1 }))}
          ${button("He: scale √2", () => api.set({ weight_scale: 1.41 }))}
          ${button("another random net", () => api.set({ seed: (seed + 1) % 10000 }))}
        </p>
        ${way(net.gradients, depth)}
        <p class="result" role="status">${verdict(net)} ${burial(name, net.dead)}</p>
        <p class="soft" style="margin: 0.4rem 0 0">Computed with ${WIDTH} units in each layer, ${BATCH} random inputs, and weights of
          standard deviation ${fixed(state.weight_scale)}/√${WIDTH} = ${fixed(state.weight_scale / Math.sqrt(WIDTH), 3)} (seed ${seed}).
          A random gradient of RMS (root mean square) 1 enters at the top; the chart shows what reaches each layer’s sums.</p>
      </div>
    </div>`;
}

export default explorer({ title: "Explorer: activation functions and vanishing gradients", view });
