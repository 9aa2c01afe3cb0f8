// A training run, replayed: its curves, the first convolution's filters and its answers to fixed pictures, by epoch.

import { button, chart, explorer, fixed, html, legend, nothing, radios, slider, svg } from "./kit.mjs";

const SAMPLES = "cifar10-samples.json";
const SECOND = 1000;
// So long after the last step the sentence is read out: longer than a step of the replay.
const PAUSE = 1200;
// Then it goes: the sentence in sight says the same, and who reads on should not meet it twice.
const TOLD = 4000;
// The first and the last epoch can also be tapped beside the axis, in units of the drawing.
const BESIDE = 8;

const LINES = [
  { key: "", colour: "blue", name: "training" },
  { key: "test_", colour: "orange", dash: "6 4", name: "test" },
];

const percent = (share, digits = 1) => (known(share) ? `${fixed(100 * share, digits)} %` : "not known");
const number = (value) => (known(value) ? fixed(value, 3) : "not known");
const known = (value) => value !== null && value !== undefined;

/** The recording in an asset's bytes, its kernels as weights: a Float32Array for each pass. */
export function unpack(bytes) {
  const whole = JSON.parse(new TextDecoder().decode(bytes));
  for (const pass of whole.passes) {
    const kept = Int8Array.from(atob(pass.kernels), (c) => c.charCodeAt(0));
    pass.weights = Float32Array.from(kept, (q) => q * pass.scale);
  }
  return whole;
}

/** What the filters are drawn from: weights, or their change since the first pass. */
export function shown(whole, pass, filters) {
  if (filters === "weights") return pass.weights;
  const first = whole.passes[0].weights;
  return pass.weights.map((w, n) => w - first[n]);
}

export const largest = (numbers) => numbers.reduce((most, v) => Math.max(most, Math.abs(v)), 0);

const rms = (numbers) => Math.sqrt(numbers.reduce((sum, v) => sum + v * v, 0) / numbers.length);

/** How many tiles stand in a row: a number that divides them all, where one is near. */
export function columns(count) {
  const least = Math.ceil(Math.sqrt(count));
  for (let n = least; n <= 2 * least; n++) if (count % n === 0) return n;
  return least;
}

/** Width and height of a drawing of all filters, in pixels: one for each weight, and one between two filters. */
export function extent([maps, high, wide]) {
  const across = columns(maps);
  return { width: across * (wide + 1) - 1, height: Math.ceil(maps / across) * (high + 1) - 1 };
}

/**
 * Filters as tiles, a pixel for each weight and a clear one between tiles: 0 is middle grey, ±limit full and no colour.
 * numbers: of shape [maps, rows, columns, channels]. Returns the bytes (RGBA).
 */
export function tiles(numbers, shape, limit) {
  const [maps, high, wide, channels] = shape;
  const { width, height } = extent(shape);
  const across = columns(maps);
  const data = new Uint8ClampedArray(4 * width * height);
  for (let map = 0; map < maps; map++)
    for (let row = 0; row < high; row++)
      for (let column = 0; column < wide; column++) {
        const x = (map % across) * (wide + 1) + column;
        const y = Math.floor(map / across) * (high + 1) + row;
        const from = ((map * high + row) * wide + column) * channels;
        const to = 4 * (y * width + x);
        for (let c = 0; c < 3; c++) data[to + c] = 128 + (127 * numbers[from + (c % channels)]) / limit;
        data[to + 3] = 255;
      }
  return data;
}

/** The classes of the highest probabilities: [[class, probability], ...], equals in the order of the classes. */
export const top = (probabilities, count = 3) =>
  [...probabilities.entries()].sort((a, b) => b[1] - a[1]).slice(0, count);

/** The pictures of a recording as data addresses, from itself or from the pictures that are in this copy. */
export function addresses(whole, samples) {
  const same = samples && JSON.stringify(samples.class_names) === JSON.stringify(whole.class_names);
  return whole.pictures.map(({ index, label, png }) => {
    const found = png ?? (same && samples.pictures.find((s) => s.index === index && s.label === label)?.png);
    return found ? `data:image/png;base64,${found}` : null;
  });
}

const parse = (bytes) => JSON.parse(new TextDecoder().decode(bytes));

const rowOf = (api) => api.get("history").find((row) => row.epoch === api.get("epoch")) ?? api.get("history").at(-1);

const passOf = (whole, { epoch }) => whole?.passes.find((pass) => pass.epoch === epoch);

async function load(api) {
  const { own } = api;
  Object.assign(own, { failed: null, fetched: false });
  api.redraw();
  const source = api.get("source");
  try {
    const bytes = await api.asset(source ? `replay-${source}.json` : "replay.json");
    own.fetched = true;
    const whole = unpack(bytes);
    const epochs = (rows) => rows.map((row) => row.epoch).join();
    if (epochs(whole.passes) !== epochs(api.get("history")))
      throw new Error("it is another recording than the one that this page was made from");
    whole.limits = {};
    for (const filters of ["weights", "change"])
      whole.limits[filters] = Math.max(...whole.passes.map((pass) => largest(shown(whole, pass, filters)))) || 1;
    own.addresses = addresses(whole, null);
    own.whole = whole;
  } catch (error) {
    own.failed = error.message;
  }
  api.redraw();
  if (!own.whole || own.addresses.every(Boolean)) return;
  // Where the pictures are not to be had, their names stand in their places.
  const samples = await api.asset(SAMPLES).then(parse, () => null);
  own.addresses = addresses(own.whole, samples);
  own.credit = own.addresses.some(Boolean) ? samples?.source : null;
  api.redraw();
}

function stop(api) {
  clearInterval(api.own.timer);
  api.own.timer = null;
}

/** Goes to an epoch; its sentence is read out once the reader has stayed with it for a while. */
function go(api, epoch) {
  const { own } = api;
  clearTimeout(own.telling);
  own.told = "";
  own.telling = setTimeout(() => {
    own.told = verdict(rowOf(api), own.whole);
    api.redraw();
    own.telling = setTimeout(() => {
      own.told = "";
      api.redraw();
    }, TOLD);
  }, PAUSE);
  api.set({ epoch });
  // Button and sentence are not state, and where the epoch is the same nothing else draws them.
  api.redraw();
}

function play(api) {
  const epochs = api.get("history").map((row) => row.epoch);
  const last = epochs.at(-1);
  api.own.timer = setInterval(() => {
    const next = Math.min(api.get("epoch") + 1, last);
    if (next === last) stop(api);
    go(api, next);
  }, SECOND);
  go(api, api.get("epoch") === last ? epochs[0] : api.get("epoch"));
}

function choose(api, epoch) {
  stop(api);
  go(api, epoch);
}

/** The epoch nearest to a place in the chart, from the place's share of the way along the axis. */
export const nearest = (share, from, to, epochs) => {
  const wanted = from + share * (to - from);
  return epochs.reduce((best, epoch) => (Math.abs(epoch - wanted) < Math.abs(best - wanted) ? epoch : best));
};

function curves(api, rows, row, name, title, format) {
  const epochs = rows.map((r) => r.epoch);
  // A chart of one epoch has room beside it too.
  const [from, to] = epochs.length > 1 ? [epochs[0], epochs.at(-1)] : [epochs[0] - 1, epochs[0] + 1];
  const values = rows.flatMap((r) => LINES.map(({ key }) => r[key + name])).filter(known);
  const highest = name === "accuracy" ? 1 : Math.max(...values, 0.1) * 1.05;
  const lines = LINES.map((line) => ({
    ...line,
    points: rows.map((r) => [r.epoch, r[line.key + name] ?? Number.NaN]),
  }));
  const step = Math.ceil(epochs.length / 9);
  const said = LINES.map((line) => `${line.name} ${format(row[`${line.key}${name}`])}`).join(", ");
  const end = rows.at(-1);
  const over = (place) => {
    const x = place.x(row.epoch);
    const [low, high] = [place.y(0), place.y(highest)];
    const wide = place.x(to) - place.x(from);
    return svg`${lines.map((line) =>
      line.points
        .filter(([, y]) => Number.isFinite(y))
        .map(([px, py]) => {
          const here = px === row.epoch;
          return svg`<circle class=${here ? "here" : "point"} cx=${place.x(px)} cy=${place.y(py)} r=${here ? 5 : 2.2}
            fill="var(--${line.colour})"></circle>`;
        }),
    )}
    <line class="replay-marker" x1=${x} x2=${x} y1=${low} y2=${high}></line>
    <rect class="replay-plot" x=${place.x(from) - BESIDE} y=${high} width=${wide + 2 * BESIDE} height=${low - high}
      @click=${(event) => {
        const box = event.currentTarget.getBoundingClientRect();
        const along = ((event.clientX - box.left) / box.width) * (wide + 2 * BESIDE) - BESIDE;
        choose(api, nearest(along / wide, from, to, epochs));
      }}></rect>`;
  };
  return html`<div data-chart=${name}>
    <div class="replay-said"><strong>${title}</strong> <span>${said}</span></div>
    ${chart({
      height: 170,
      x: { from, to, label: "epoch", ticks: epochs.filter((e) => (e - epochs[0]) % step === 0) },
      y: { from: 0, to: highest, label: "", ...(name === "accuracy" && { format: (v) => `${Math.round(100 * v)} %` }) },
      lines,
      over,
      label: `${title} by epoch. At epoch ${row.epoch}: ${said}. At the end, epoch ${end.epoch}: ${LINES.map((line) => `${line.name} ${format(end[`${line.key}${name}`])}`).join(", ")}.`,
    })}
  </div>`;
}

function filterPanel(api, whole, pass) {
  const filters = api.get("filters");
  const numbers = shown(whole, pass, filters);
  const [maps, high, wide, channels] = whole.shape;
  const first = whole.passes[0];
  const limit = whole.limits[filters];
  const since = rms(shown(whole, pass, "change")) / (rms(first.weights) || 1);
  const what = filters === "weights" ? "weights" : `change since epoch ${first.epoch}`;
  const words = `The ${maps} filters of ${whole.layer} after epoch ${pass.epoch}, ${high}×${wide}×${channels}: ${what}. Largest ${filters === "weights" ? "weight" : "change"}: ${number(largest(numbers))}.`;
  const size = extent(whole.shape);
  const moved =
    pass === first
      ? "The recording starts here."
      : `By root mean square, the weights have moved by ${percent(since)} of their size since epoch ${first.epoch}, and by ${percent(pass.moved)} in this epoch.`;
  return html`<div class="columns">
    <div>
      <strong>The filters of ${whole.layer}</strong>
      ${radios(api, {
        name: "filters",
        label: "show",
        options: [
          ["weights", "weights"],
          ["change", `change since epoch ${first.epoch}`],
        ],
      })}
      <p>${moved} Largest ${filters === "weights" ? "weight" : "change"}: ${number(largest(numbers))}.</p>
      <p class="soft">Middle grey is 0${channels === 3 ? "; the weights on red, green and blue make the colour" : ""}. One
        scale for all epochs: full and no colour stand for ±${number(limit)}.</p>
    </div>
    <canvas class="replay-filters" role="img" aria-label=${words} width=${size.width} height=${size.height}></canvas>
  </div>`;
}

function answer(whole, pass, picture, n, address) {
  const best = top(pass.probabilities[n]);
  const right = best[0][0] === picture.label;
  const name = whole.class_names[picture.label];
  const what = `test picture ${picture.index}, ${name}`;
  return html`<li class=${right ? "right" : "wrong"}>
    ${
      address
        ? html`<img src=${address} alt=${what} width="32" height="32" />`
        : html`<div class="replay-absent">${what}; the picture is not part of this copy</div>`
    }
    <div>
      <div><strong>${name}</strong> <span class="replay-mark">${right ? "✓ right" : "✗ wrong"}</span></div>
      <ol>${best.map(
        ([label, p]) => html`<li class=${label === picture.label ? "true" : ""}>
          <span>${whole.class_names[label]}</span><i aria-hidden="true"><b style=${`width:${100 * p}%`}></b></i><span>${percent(p)}</span></li>`,
      )}</ol>
    </div>
  </li>`;
}

function answers(api, whole, pass) {
  const { addresses: places, credit } = api.own;
  return html`<p class="replay-about"><strong>What it answers to fixed pictures.</strong> The three most probable of ${whole.class_names.length} classes; the true one is striped.
      ${credit ? `Pictures: ${credit}.` : nothing}</p>
    <ul class="replay-answers">${whole.pictures.map((picture, n) => answer(whole, pass, picture, n, places[n]))}</ul>`;
}

/** What happened up to an epoch, in a sentence. */
export function verdict(row, whole) {
  const pass = passOf(whole, row);
  const right = pass?.probabilities.filter((p, n) => top(p, 1)[0][0] === whole.pictures[n].label).length;
  const names = pass ? ` It names ${right} of the ${whole.pictures.length} fixed pictures rightly.` : "";
  if (!known(row.accuracy) && !known(row.loss)) return `Epoch ${row.epoch}: before training.${names}`;
  const rate = known(row.learning_rate)
    ? ` The learning rate at its end was ${Number(row.learning_rate.toPrecision(2))}.`
    : "";
  return `After epoch ${row.epoch}: accuracy ${percent(row.accuracy)} in training and ${percent(row.test_accuracy)} on the test pictures, loss ${number(row.loss)} and ${number(row.test_loss)}.${names}${rate}`;
}

function rest(api, pass) {
  const { own } = api;
  const { whole, failed } = own;
  if (whole) return html`${filterPanel(api, whole, pass)}${answers(api, whole, pass)}`;
  if (failed)
    return html`<p class="result replay-failed" role="alert">The filters and the answers could not be loaded (${failed}); the curves are
      complete. ${own.fetched ? nothing : button("try again", () => load(api))}</p>`;
  if (!api.get("source") && !api.get("_live"))
    return html`<p class="result">The filters and the answers of this recording are not kept in the page: run the notebook to see them.</p>`;
  return html`<p class="result">The filters and the answers are on their way.</p>`;
}

function view(api) {
  const rows = api.get("history");
  const { own } = api;
  const row = rowOf(api);
  const pass = passOf(own.whole, row);
  return html`
    <p class="replay-title"><strong>${api.get("title")}</strong></p>
    <div class="controls replay-controls">
      ${slider(api, {
        name: "epoch",
        label: "epoch",
        min: rows[0].epoch,
        max: rows.at(-1).epoch,
        step: 1,
        format: (epoch) => `${epoch} of ${rows.at(-1).epoch}`,
        onInput: (epoch) => choose(api, epoch),
      })}
      ${button(own.timer ? "pause" : "play", () => (own.timer ? choose(api, row.epoch) : play(api)), { disabled: rows.length < 2 })}
    </div>
    <p class="result">${verdict(row, own.whole)}</p>
    <div class="replay-unseen" role="status">${own.told}</div>
    ${legend(LINES)}
    <div class="columns">
      ${curves(api, rows, row, "loss", "Loss (cross-entropy)", number)}
      ${curves(api, rows, row, "accuracy", "Accuracy", percent)}
    </div>
    <p class="soft">Tap a chart to go to an epoch. The training curves are means over the epoch’s steps, with dropout and
      augmented pictures; the test curves are taken at its end, without.</p>
    ${rest(api, pass)}`;
}

function drawn(api) {
  const { whole } = api.own;
  const context = api.root.querySelector(".replay-filters")?.getContext("2d");
  if (!context) return;
  const filters = api.get("filters");
  const pass = passOf(whole, rowOf(api));
  const { width, height } = extent(whole.shape);
  const data = tiles(shown(whole, pass, filters), whole.shape, whole.limits[filters]);
  context.putImageData(new ImageData(data, width, height), 0, 0);
}

function start(api) {
  if (api.get("source") || api.get("_live")) load(api);
  return () => {
    stop(api);
    clearTimeout(api.own.telling);
  };
}

export default explorer({ title: "Explorer: a training run, replayed", view, start, drawn });
