// Softmax and cross-entropy: drag the logits and see probabilities, loss and gradient.

import { checkbox, explorer, fixed, html, slider } from "./kit.mjs";

const FLOAT32_LIMIT = 88.72;

/** Probabilities in float32, as the network computes them. */
export function softmax(logits, { temperature = 1, offset = 0, maxTrick = true } = {}) {
  const f = Math.fround;
  const scaled = logits.map((logit) => f(f(logit + offset) / f(temperature)));
  const largest = maxTrick ? Math.max(...scaled) : 0;
  const exponentials = scaled.map((z) => f(Math.exp(f(z - largest))));
  const sum = exponentials.reduce((a, b) => f(a + b), 0);
  return exponentials.map((e) => f(e / sum));
}

/** Cross-entropy, its gradient p - y by the logits, and whether the true class is among the first one and five. */
export function judge(probabilities, logits, trueClass) {
  const rank = logits.filter((logit) => logit > logits[trueClass]).length;
  return {
    loss: -Math.log(probabilities[trueClass]),
    gradient: probabilities.map((p, n) => p - (n === trueClass ? 1 : 0)),
    top1: rank < 1,
    top5: rank < 5,
  };
}

function row(api, name, n, p, gradient, isTrue) {
  const logits = api.get("logits");
  const change = (logit) => api.set({ logits: logits.with(n, logit) });
  const wide = Number.isFinite(p) ? 100 * p : 0;
  const pull = Number.isFinite(gradient) ? 50 * Math.abs(gradient) : 0;
  return html`<tr class=${isTrue ? "true" : ""}>
    <th scope="row"><label><input type="radio" name=${`${api.id}-true`} .checked=${isTrue}
      @change=${() => api.set({ true_class: n })} aria-label=${`true class: ${name}`} /> ${name}</label></th>
    <td><input type="range" min="-6" max="6" step="0.1" .value=${String(logits[n])} aria-label=${`logit of ${name}`}
      aria-valuetext=${fixed(logits[n], 1)} @input=${(e) => change(Number(e.target.value))} /></td>
    <td>${fixed(logits[n], 1)}</td>
    <td class="bar"><div style=${`width:${wide}%`}></div></td>
    <td>${fixed(p, 3)}</td>
    <td class="pull"><div style=${`width:${pull}%;${gradient < 0 ? "right" : "left"}:50%`}></div></td>
    <td>${fixed(gradient, 3)}</td>
  </tr>`;
}

function verdict(p, { loss, top1, top5 }, name) {
  if (Number.isNaN(p)) {
    return `Overflow: a logit above ${FLOAT32_LIMIT} has an exponential beyond float32, and infinity divided by infinity is not a number. Subtracting the largest logit first changes nothing else and cures it.`;
  }
  const place = top1
    ? "in first place"
    : top5
      ? "not first, but among the first five"
      : "not even among the first five";
  return `p(${name}) = ${fixed(p, 3)}, so the loss is −ln ${fixed(p, 3)} = ${fixed(loss, 3)}. The true class is ${place}.`;
}

function view(api) {
  const logits = api.get("logits");
  // Live, logits of another number come a moment before the names and the true class that follow them.
  const names = logits.map((_, n) => api.get("names")[n] ?? `class ${n}`);
  const trueClass = Math.min(api.get("true_class"), logits.length - 1);
  const options = { temperature: api.get("temperature"), offset: api.get("offset"), maxTrick: api.get("max_trick") };
  const p = softmax(logits, options);
  const judged = judge(p, logits, trueClass);
  return html`
    <div class="controls">
      ${slider(api, { name: "temperature", label: "temperature", min: 0.1, max: 10, step: 0.1, format: (v) => fixed(v, 1) })}
      ${slider(api, { name: "offset", label: "add to all logits", min: 0, max: 100, step: 1, format: (v) => fixed(v, 0) })}
      ${checkbox(api, { name: "max_trick", label: "subtract the largest logit first" })}
    </div>
    <div class="scrolls"><table class="softmax">
      <thead><tr><th scope="col">true class</th><th scope="col" colspan="2">logit</th>
        <th scope="col" colspan="2">probability p</th><th scope="col" colspan="2">gradient p − y</th></tr></thead>
      <tbody>${names.map((name, n) => row(api, name, n, p[n], judged.gradient[n], n === trueClass))}</tbody>
    </table></div>
    <p class="result" role="status">${verdict(p[trueClass], judged, names[trueClass])}</p>`;
}

export default explorer({ title: "Explorer: softmax and cross-entropy", view });
