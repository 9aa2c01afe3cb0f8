// Dropout: eight hidden units, one output unit, and every mask there is.

import { button, chart, checkbox, explorer, fixed, html, legend, nothing, radios, slider, svg, whole } from "./kit.mjs";

export const ACTIVATIONS = [3, 2, 1.5, 1, 2, 3, 1, 0.5];
export const WEIGHTS = [0.5, -1, 2, -1, 0.5, -1, 2, 1];
const UNITS = ACTIVATIONS.length;
const ALL = ACTIVATIONS.map(() => 1);
const COLUMN = 340 / UNITS;

/** The sum before any scaling. */
export const sum = (mask) => mask.reduce((total, m, n) => total + m * ACTIVATIONS[n] * WEIGHTS[n], 0);

/** What the activations are multiplied by, besides the mask. */
export function factor({ rate, scaling }, training) {
  if (training) return scaling === "inverted" ? 1 / (1 - rate) : 1;
  return scaling === "2012" ? 1 - rate : 1;
}

/** The output in training with this mask, or at test time. */
export function output(mask, options, training) {
  const scaled = sum(training ? mask : ALL) * factor(options, training);
  return options.relu ? Math.max(scaled, 0) : scaled;
}

/** How probable a mask is. */
export function probability(mask, rate) {
  const kept = sumOf(mask);
  return (1 - rate) ** kept * rate ** (UNITS - kept);
}

const sumOf = (numbers) => numbers.reduce((a, b) => a + b, 0);

/** The outputs that training can give, each once and with its probability: all 256 masks, and not a sample of them. */
export function distribution(options) {
  const found = new Map();
  for (let code = 0; code < 2 ** UNITS; code++) {
    const mask = ALL.map((_, n) => (code >> n) & 1);
    const result = output(mask, options, true);
    found.set(result, (found.get(result) ?? 0) + probability(mask, options.rate));
  }
  return [...found].sort(([a], [b]) => a - b);
}

export function moments(outcomes) {
  const mean = sumOf(outcomes.map(([result, p]) => p * result));
  const variance = sumOf(outcomes.map(([result, p]) => p * (result - mean) ** 2));
  return { mean, deviation: Math.sqrt(variance) };
}

/** A number as it is, with a true minus sign. */
const plain = (number) => String(number).replace("-", "−");

function drawn(mask, result) {
  const middle = 170;
  const x = (n) => (n + 0.5) * COLUMN;
  const dropped = mask.flatMap((m, n) => (m ? [] : [n + 1]));
  const label = `Eight hidden units with activations ${ACTIVATIONS.join(", ")} feed one output unit, which is ${fixed(result)}. ${dropped.length ? `Dropped: units ${dropped.join(", ")}.` : "No unit is dropped."}`;
  return html`<svg viewBox="0 0 340 164" role="img" aria-label=${label} style="display:block;width:100%">
    ${mask.map((m, n) => {
      const at = { x: x(n) + 0.385 * (middle - x(n)), y: 65 };
      return svg`<line class=${m ? "kept" : "dropped"} x1=${x(n)} y1="33" x2=${middle} y2="118" stroke=${m ? "var(--blue)" : "var(--line)"}
          stroke-width=${m ? 2 : 1} stroke-dasharray=${m ? nothing : "3 4"}></line>
        <rect x=${at.x - 15} y=${at.y - 8} width="30" height="15" fill="var(--ground)"></rect>
        <text x=${at.x} y=${at.y + 4} text-anchor="middle" style=${m ? "" : "fill:var(--soft)"}>${plain(WEIGHTS[n])}</text>`;
    })}
    ${mask.map(
      (m, n) => svg`<circle cx=${x(n)} cy="18" r="14" stroke="var(--${m ? "blue" : "soft"})" stroke-width=${m ? 2 : 1}
          fill="var(--${m ? "panel" : "ground"})" stroke-dasharray=${m ? nothing : "3 3"}></circle>
        ${m ? nothing : svg`<path class="cross" d="M${x(n) - 14} 4l28 28m0 -28l-28 28" stroke="var(--red)" stroke-width="2"></path>`}
        <text x=${x(n)} y="22" text-anchor="middle" stroke="var(--${m ? "panel" : "ground"})" stroke-width="4" paint-order="stroke"
          style=${m ? "font-weight:600" : "fill:var(--soft)"}>${ACTIVATIONS[n]}</text>`,
    )}
    <circle cx=${middle} cy="136" r="25" fill="var(--ground)" stroke="var(--ink)" stroke-width="2"></circle>
    <text x=${middle} y="140" text-anchor="middle" style="font-weight:600">${fixed(result)}</text>
    <text x=${middle - 34} y="140" text-anchor="end">output</text>
  </svg>`;
}

/** One button for each unit, below its circle. */
function switches(api, mask, training) {
  return html`<div role="group" aria-label="mask: 1 keeps a unit, 0 drops it"
    style=${`display:grid;grid-template-columns:repeat(${UNITS},minmax(0,1fr));gap:2px`}>
    ${mask.map(
      (m, n) => html`<button type="button" ?disabled=${!training} aria-pressed=${m ? "true" : "false"}
        aria-label=${`unit ${n + 1}: ${m}, ${m ? "kept" : "dropped"}`} style="padding:0"
        @click=${() => api.set({ mask: mask.with(n, 1 - m) })}>${m}</button>`,
    )}
  </div>`;
}

/** The output's sum, number by number. Whatever all activations are multiplied by stands behind the bracket. */
export function written(mask, options, training) {
  const terms = ALL.map((_, n) => {
    const sign = n ? (WEIGHTS[n] < 0 ? " − " : " + ") : "";
    return `${sign}${Math.abs(WEIGHTS[n])}\u00a0×\u00a0${training && !mask[n] ? 0 : ACTIVATIONS[n]}`;
  });
  const bare = sum(training ? mask : ALL);
  const keep = Number((1 - options.rate).toFixed(2));
  const scale = factor(options, training) === 1 ? "" : training ? ` ÷ ${keep}` : ` × ${keep}`;
  const scaled = bare * factor(options, training);
  const steps = scale ? `(${terms.join("")})${scale} = ${plain(bare)}${scale}` : terms.join("");
  return `output = ${steps} = ${fixed(scaled)}${options.relu ? `, and behind the ReLU ${fixed(Math.max(scaled, 0))}` : ""}`;
}

function histogram(outcomes, now, test, { mean, deviation }, stretch) {
  const highest = Math.max(...outcomes.map(([, p]) => p));
  const label = `Histogram of the output over all 256 masks: mean ${fixed(mean)}, standard deviation ${fixed(deviation)}; test-time output ${fixed(test)}.`;
  const present = outcomes.find(([result]) => result === now);
  const mark = (at, colour, dash, wide) =>
    svg`<line x1=${at} x2=${at} y1="8" y2="174" stroke="var(--${colour})" stroke-width=${wide} stroke-dasharray=${dash}></line>`;
  return chart({
    x: { from: -6.5 * stretch, to: 8.5 * stretch, label: "output in training" },
    y: { from: 0, to: 1.1 * highest, label: "probability in %", format: (p) => Number((100 * p).toPrecision(3)) },
    label,
    over: (scale) => svg`
      ${outcomes.map(([result, p]) => {
        const top = scale.y(p);
        return svg`<rect class="outcome" data-output=${result} data-probability=${p} x=${scale.x(result) - 4} y=${top} width="8"
          height=${scale.y(0) - top} fill="var(--blue)" opacity="0.75"></rect>`;
      })}
      ${mark(scale.x(mean), "ink", nothing, 3)}${mark(scale.x(test), "orange", "7 6", 4)}
      <path class="spread" d="M${Math.max(scale.x(mean - deviation), 44)} 14H${scale.x(mean + deviation)}"
        stroke="var(--ink)" stroke-width="2"></path>
      <path class="now" d="M${scale.x(now)} ${scale.y(present ? present[1] : 0) - 1}l-7 -12h14z" fill="var(--red)"
        stroke="var(--ground)"></path>`,
  });
}

function verdict(api, options, now, test, { mean, deviation }) {
  const training = api.get("training");
  const mask = api.get("mask");
  const chance = probability(mask, options.rate);
  const often = chance ? `comes up once in ${whole(1 / chance)} draws` : "never comes up at this rate";
  const first = training
    ? `With this mask, which ${often}, the output is ${fixed(now)}.`
    : `At test time all units take part and the output is ${fixed(now)}, every time.`;
  const all = `Over all 256 masks the training output has mean ${fixed(mean)} and standard deviation ${fixed(deviation)}.`;
  const last = !options.relu
    ? `The test-time output, ${fixed(test)}, is exactly the mean, because the output is a linear function of the activations.`
    : Math.abs(mean - test) < 1e-9
      ? `The test-time output, ${fixed(test)}, is the mean here too, but the ReLU no longer guarantees it.`
      : `The test-time output is ${fixed(test)}: behind the ReLU it only approximates the mean, from below.`;
  return `${first} ${all} ${last}`;
}

function view(api) {
  const options = { rate: api.get("rate"), scaling: api.get("scaling"), relu: api.get("relu") };
  const mask = api.get("mask");
  const training = api.get("training");
  const now = output(mask, options, training);
  const test = output(mask, options, false);
  const outcomes = distribution(options);
  const both = moments(outcomes);
  const draw = () => api.set({ mask: ALL.map(() => (Math.random() < options.rate ? 0 : 1)) });
  return html`
    <div class="controls">
      ${slider(api, { name: "rate", label: "dropout rate", min: 0, max: 0.9, step: 0.05 })}
      ${radios(api, {
        name: "training",
        label: "mode:",
        options: [
          [true, "training"],
          [false, "test"],
        ],
      })}
      ${radios(api, {
        name: "scaling",
        label: "scaling:",
        options: [
          ["2012", "of 2012: × (1 − rate) at test time"],
          ["inverted", "inverted: ÷ (1 − rate) in training"],
        ],
      })}
      ${checkbox(api, { name: "relu", label: "a ReLU behind the output’s sum" })}
    </div>
    <div class="columns">
      <div>
        <div style="max-width:30rem">${drawn(training ? mask : ALL, now)}
          <p class="soft" style="margin:0.3rem 0 0.1rem">${training ? "The mask: press a number to keep (1) or drop (0) its unit." : "At test time there is no mask; this one waits."}</p>
          ${switches(api, mask, training)}
        </div>
        <p style="margin:0.5rem 0">${button("another mask", draw, { disabled: !training })}</p>
        <p class="sum" style="margin:0.3rem 0">${written(mask, options, training)}</p>
      </div>
      <div>
        ${legend([
          { colour: "ink", name: `mean ${fixed(both.mean)}, with ± one standard deviation` },
          { colour: "orange", dash: "7 6", name: `test-time output ${fixed(test)}` },
        ])}
        <p style="margin:0 0 0.3rem"><span style="color:var(--red)" aria-hidden="true">▼</span> output now ${fixed(now)}</p>
        ${histogram(outcomes, now, test, both, options.scaling === "inverted" ? 1 / (1 - options.rate) : 1)}
      </div>
    </div>
    <p class="result" role="status">${verdict(api, options, now, test, both)}</p>`;
}

export default explorer({ title: "Explorer: dropout", view });
