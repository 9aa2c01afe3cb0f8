// The arithmetic of convolution and pooling: move the window, read the sum, and count the places.

import { button, explorer, fixed, html, nothing, radios, select, slider, svg, whole } from "./kit.mjs";

const NAMES = "operation size kernel stride padding dilation rounding channels filters groups filter at seed".split(
  " ",
);
// What can be drawn number by number; beyond that only the ends of a side are shown.
const DRAWN = 12;
const DRAWN_KERNEL = 5;
const range = (count, first = 0) => Array.from({ length: Math.max(0, count) }, (_, n) => first + n);
const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);

const pools = ({ operation }) => operation === "max pooling";
const drawn = ({ size }) => size <= DRAWN;

/** The pixels from the first to the last that a window reads. */
export const span = ({ kernel, dilation }) => dilation * (kernel - 1) + 1;

/** The side of the output. */
export function outputSize(state) {
  const { size, stride, padding, rounding } = state;
  const steps = (size + 2 * padding - span(state)) / stride;
  return 1 + Math.max(0, rounding === "up" ? Math.ceil(steps) : Math.floor(steps));
}

/** The pixels that each window reads along a side; those below 0 and from `size` on are not in the input. */
export const taps = (state) =>
  range(outputSize(state)).map((n) =>
    range(state.kernel).map((k) => n * state.stride - state.padding + k * state.dilation),
  );

/** What follows from the numbers of the window alone; the names are those of Python's `value`. */
export function arithmetic(state) {
  const { size, kernel, stride, padding, channels, filters, groups } = state;
  const all = taps(state).flat();
  const read = new Set(all);
  const last = Math.max(...all);
  return {
    output_size: outputSize(state),
    exact: 1 + (size + 2 * padding - span(state)) / stride,
    weights: pools(state) ? 0 : kernel ** 2 * (channels / groups) * filters,
    remaining: Math.max(0, size - 1 - last),
    unseen: range(size).filter((pixel) => !read.has(pixel)).length,
    overhang: Math.max(0, last + 1 - size - padding),
    overlap: read.size < all.length,
  };
}

/** The number of the input at a place, 0 to 9. Python has the same formula. */
export const inputNumber = (seed, channel, row, column) =>
  ((1 + 37 * seed + 41 * channel + 13 * row + 29 * column) ** 3 % 101) % 10;

/** A weight of filter `which`, -1 to 2. `channel` counts from the first that the filter sees. */
export const weight = (seed, which, channel, row, column) =>
  (((5 + 37 * seed + 53 * which + 41 * channel + 17 * row + 31 * column) ** 3 % 101) % 4) - 1;

/** The channels that the drawn filter sees; a pool is drawn for the first channel. */
export function channelsSeen(state) {
  if (pools(state)) return [0];
  const share = state.channels / state.groups;
  return range(share, Math.floor(state.filter / (state.filters / state.groups)) * share);
}

/** What a window reads: for each channel, row by row, {row, column, inside, x, w}. */
export function windowAt(state, row, column) {
  const { size, padding, stride, dilation, kernel, seed, filter } = state;
  const pixel = (place, k) => place * stride - padding + k * dilation;
  return channelsSeen(state).map((channel, nth) =>
    range(kernel).map((k) =>
      range(kernel).map((l) => {
        const [r, c] = [pixel(row, k), pixel(column, l)];
        const inside = Math.min(r, c) >= 0 && Math.max(r, c) < size;
        const x = inside ? inputNumber(seed, channel, r, c) : 0;
        return { row: r, column: c, inside, x, w: weight(seed, filter, nth, k, l) };
      }),
    ),
  );
}

/** The number of the output for what a window reads; null where a pool sees no pixel. */
export function cellOf(state, read) {
  const places = read.flat(2);
  if (!pools(state)) return sum(places.map(({ x, w }) => x * w));
  const seen = places.filter(({ inside }) => inside).map(({ x }) => x);
  return seen.length ? Math.max(...seen) : null;
}

/** The output, row by row. */
export function output(state) {
  const side = range(outputSize(state));
  return side.map((row) => side.map((column) => cellOf(state, windowAt(state, row, column))));
}

/** The state after a change: the padding stays below the window, and `at` stays at its row and column if it can. */
export function settle(state, changes) {
  const now = { ...state, ...changes };
  now.padding = Math.min(now.padding, span(now) - 1);
  if (now.channels % now.groups || now.filters % now.groups) now.groups = 1;
  now.filter = Math.min(now.filter, now.filters - 1);
  const [before, after] = [outputSize(state), outputSize(now)];
  const last = after - 1;
  if (!("at" in changes))
    now.at = Math.min(Math.floor(state.at / before), last) * after + Math.min(state.at % before, last);
  return now;
}

const BASE = { padding: 0, dilation: 1, rounding: "down", channels: 1, filters: 4, groups: 1, filter: 0, at: 0 };
const CONV1 = { ...BASE, operation: "convolution", size: 224, kernel: 11, stride: 4, channels: 3, filters: 96 };
const POOL1 = { ...BASE, operation: "max pooling", size: 55, kernel: 3, stride: 2, channels: 96, filters: 96 };
const SMALL = { ...BASE, operation: "convolution", size: 7, kernel: 3, stride: 2, padding: 1 };

/** Cases to start from: [words, state, what to know about it]. */
export const PRESETS = [
  ["small convolution", SMALL, ""],
  ["small pooling, overlapping", { ...SMALL, operation: "max pooling", padding: 0 }, ""],
  ["two groups", { ...SMALL, stride: 1, channels: 4, groups: 2 }, ""],
  [
    "conv1: 224, rounded up",
    { ...CONV1, rounding: "up" },
    "The released code takes 224 pixels without padding and rounds up. What it reads past the edge counts as zeros: that is inferred, as its convolution kernels are not in the release. Sides of 225, 226 and 227 give 55 too; 228 gives 56.",
  ],
  [
    "conv1: 224, rounded down",
    CONV1,
    "Most frameworks round down: the paper’s 224 then gives 54, and quietly another network.",
  ],
  [
    "conv1: 227",
    { ...CONV1, size: 227 },
    "Many tutorials say 227, because it fits exactly. It has the shape of the network of 2012, not its input.",
  ],
  [
    "conv1: 224, padding 2",
    { ...CONV1, padding: 2, filters: 64 },
    "torchvision’s way. The shape is right, but each window lies 2 pixels further up and left than in the code of 2012, and there are 64 filters, not 96.",
  ],
  [
    "conv1: 224, padding 3, up",
    { ...CONV1, padding: 3, rounding: "up" },
    "3 zeros before the first pixel and 4 after the last: what Keras calls “same”. It gives 56; rounded down, the same padding gives 55.",
  ],
  [
    "pool1: 55, overlapping",
    POOL1,
    "AlexNet’s pooling: z = 3 is larger than s = 2. Rounding up or down makes no difference here.",
  ],
  [
    "pool1: 55, not overlapping",
    { ...POOL1, kernel: 2 },
    "The pooling that AlexNet’s is compared with, z = s = 2: the same 27, but the last row and column are lost.",
  ],
  [
    "conv2: 27, two groups",
    { ...CONV1, size: 27, kernel: 5, stride: 1, padding: 2, channels: 96, filters: 256, groups: 2 },
    "Each of the 256 filters sees the 48 maps of its own GPU. Try one group and compare the weights.",
  ],
];

const presetOf = (state) =>
  PRESETS.find(([, wanted]) =>
    Object.entries(wanted).every(([name, v]) => ["at", "filter"].includes(name) || state[name] === v),
  );

const decimal = (number) => fixed(number, 3).replace(/\.?0+$/, "");
const plural = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;

/** The formula of the output's side, with the numbers put in. */
export function formula(state) {
  const { size, kernel, stride, padding, dilation, rounding } = state;
  const name = rounding === "up" ? "ceil" : "floor";
  const room = size + 2 * padding - span(state);
  const steps = decimal(room / stride);
  return [
    `${name}((n + 2p − d(k − 1) − 1) / s) + 1`,
    `${name}((${size} + 2·${padding} − ${dilation}·(${kernel} − 1) − 1) / ${stride}) + 1`,
    `${name}(${room} / ${stride}) + 1 = ${name}(${steps}) + 1 = ${outputSize(state)}`,
  ];
}

/** What becomes of the pixels at the edge, and whether the windows overlap. */
export function edges(state) {
  const { remaining, unseen, overhang, overlap } = arithmetic(state);
  const { kernel, stride, dilation } = state;
  const said = [];
  const rows = (count, noun) => `${plural(count, "row")}${noun} and ${plural(count, "column")}`;
  if (remaining) said.push(`At the end ${rows(remaining, "")} remain that no window reads.`);
  if (unseen > remaining)
    said.push(`${remaining ? "In all, " : ""}${rows(unseen, "")} are skipped${remaining ? ", gaps included" : ""}.`);
  if (overhang) {
    const what = pools(state) ? "nothing is read there" : "zeros are read there";
    said.push(`The last window hangs ${plural(overhang, "pixel")} over the edge; ${what}.`);
  }
  if (!unseen && !overhang) said.push("Every row and column is read.");
  const compared =
    dilation > 1
      ? ""
      : kernel > stride
        ? ` (kernel ${kernel} > stride ${stride})`
        : ` (kernel ${kernel}, stride ${stride})`;
  said.push(`The windows ${overlap ? "overlap" : "do not overlap"}${compared}.`);
  return said.join(" ");
}

function counted(state) {
  if (pools(state)) return "Max pooling has no weights, and each channel is pooled by itself.";
  const { kernel, channels, filters, groups } = state;
  const { weights } = arithmetic(state);
  const all = channels === 1 ? "the only channel" : `all ${channels} channels`;
  const sees = groups === 1 ? all : `${channels / groups} of ${channels} channels`;
  const without = groups > 1 ? ` In one group there would be ${whole(weights * groups)}.` : "";
  return `Each filter sees ${sees}: ${kernel}·${kernel}·${channels / groups} weights · ${plural(filters, "filter")} = ${whole(weights)} weights, and ${filters === 1 ? "1 bias" : `${filters} biases`}.${without}`;
}

// Keeps a number legible on the hatching.
const HALO = ";paint-order:stroke;stroke:var(--ground);stroke-width:4px";

const SHADES = {
  window: ["var(--blue)", nothing, "read by the window"],
  padding: ["var(--panel)", "3 2", "padding"],
  beyond: ["var(--panel)", "1 3", "past the edge"],
  unseen: ["hatch", nothing, "never read"],
};

const hatch = (
  api,
  id,
) => svg`<defs><pattern id=${`${api.id}-${id}`} width="6" height="6" patternUnits="userSpaceOnUse">
  <path d="M0 6L6 0" stroke="var(--orange)" stroke-width="1.5"></path></pattern></defs>`;

const shade = (api, id, kind) => {
  const [fill, dash] = SHADES[kind] ?? ["var(--ground)", nothing];
  return { fill: fill === "hatch" ? `url(#${api.id}-${id})` : fill, dash };
};

function key(api, kinds) {
  if (!kinds.length) return nothing;
  return html`<ul class="legend">${kinds.map((kind) => {
    const { fill, dash } = shade(api, `key-${kind}`, kind);
    return html`<li><svg viewBox="0 0 24 10" aria-hidden="true">${kind === "unseen" ? hatch(api, `key-${kind}`) : nothing}<rect
      x="1" y="0.5" width="22" height="9" fill=${fill} stroke="var(--soft)" stroke-dasharray=${dash}></rect></svg>${SHADES[kind][2]}</li>`;
  })}</ul>`;
}

/** One side: which kind each pixel is, from the first of the padding to the last that is padding or read. */
export function side(state) {
  const { size, padding } = state;
  const read = new Set(taps(state).flat());
  const end = Math.max(size + padding, Math.max(...read) + 1);
  return range(end + padding, -padding).map((pixel) => {
    if (pixel >= 0 && pixel < size) return { pixel, kind: read.has(pixel) ? "input" : "unseen" };
    return { pixel, kind: pixel < size + padding ? "padding" : "beyond" };
  });
}

// Of two kinds, a row's and a column's, the one that the square where they meet is.
const meet = (a, b) => ["beyond", "padding", "unseen", "input"].find((kind) => kind === a || kind === b);

function inputPicture(api, state, channel, read, [row, column]) {
  const along = side(state);
  const low = along[0].pixel;
  const wide = Math.min(26, Math.max(14, Math.floor((state.channels > 1 && !pools(state) ? 160 : 330) / along.length)));
  const place = (pixel) => 2 + wide * (pixel - low);
  const window = new Set(read?.flat().map((tap) => `${tap.row} ${tap.column}`));
  const top = row * state.stride - state.padding;
  const left = column * state.stride - state.padding;
  const total = wide * along.length + 4;
  const from = (first) => `${first + 1} to ${first + span(state)}`;
  const label = read
    ? `Input channel ${channel + 1}: ${state.size} by ${state.size} numbers, padding ${state.padding}. The window spans rows ${from(top)} and columns ${from(left)}, counted from the first pixel.`
    : `Input channel ${channel + 1}, which this filter does not see.`;
  const square = (r, c) => {
    const kind = meet(r.kind, c.kind);
    const tapped = window.has(`${r.pixel} ${c.pixel}`);
    const { fill, dash } = shade(api, channel, tapped ? "window" : kind);
    const inside = kind === "input" || kind === "unseen";
    const ink = tapped ? "var(--ground)" : inside && read ? "var(--ink)" : "var(--soft)";
    const text = inside ? inputNumber(state.seed, channel, r.pixel, c.pixel) : pools(state) ? "" : 0;
    return svg`<rect data-kind=${tapped ? `${kind} window` : kind} x=${place(c.pixel)} y=${place(r.pixel)} width=${wide}
        height=${wide} fill=${fill} stroke="var(--line)" stroke-dasharray=${tapped ? nothing : dash}></rect>
      <text x=${place(c.pixel) + wide / 2} y=${place(r.pixel) + wide / 2 + 4} text-anchor="middle"
        style=${`fill:${ink}${tapped ? ";font-weight:bold" : kind === "unseen" ? HALO : ""}`}>${text}</text>`;
  };
  return html`<svg viewBox="0 0 ${total} ${total}" width=${total} height=${total} role="img" aria-label=${label}>
    ${hatch(api, channel)}
    ${along.map((r) => along.map((c) => square(r, c)))}
    ${read ? svg`<rect x=${place(left)} y=${place(top)} width=${wide * span(state)} height=${wide * span(state)} fill="none" stroke="var(--orange)" stroke-width="3"></rect>` : nothing}
  </svg>`;
}

function kernelPicture(state, read, channel) {
  const wide = 22;
  const total = wide * state.kernel + 2;
  return html`<svg viewBox="0 0 ${total} ${total}" width=${total} height=${total} role="img"
    aria-label=${`Weights of filter ${state.filter + 1} for channel ${channel + 1}: ${read.map((row) => row.map(({ w }) => fixed(w, 0)).join(" ")).join("; ")}.`}>
    ${read.map((row, r) =>
      row.map(
        ({ w }, c) => svg`<rect x=${1 + wide * c} y=${1 + wide * r} width=${wide} height=${wide} fill="var(--panel)"
            stroke="var(--line)"></rect>
          <text x=${1 + wide * (c + 0.5)} y=${wide * (r + 0.5) + 5} text-anchor="middle">${fixed(w, 0)}</text>`,
      ),
    )}
  </svg>`;
}

function inputs(api, state, seen, read, place) {
  const all = pools(state) ? [0] : range(state.channels);
  return html`<div style="display:flex;flex-wrap:wrap;gap:0.5rem">${all.map((channel) => {
    const own = read[seen.indexOf(channel)];
    return html`<div><div class="soft">${pools(state) ? "input" : `channel ${channel + 1}${own ? "" : ", not seen"}`}</div>
      <div style="display:flex;flex-wrap:wrap;gap:0.5rem;align-items:center">
      ${inputPicture(api, state, channel, own, place)}
      ${own && !pools(state) ? html`<div><div class="soft">weights</div>${kernelPicture(state, own, channel)}</div>` : nothing}</div></div>`;
  })}</div>`;
}

/** The sum (or the maximum) of a window, number by number. */
function worked(state, seen, read, cell) {
  const solid = (words, soft) => html`<span class=${soft ? "soft" : ""} style="white-space:nowrap">${words}</span> `;
  if (pools(state)) {
    const inside = read.flat(2).filter((place) => place.inside);
    const list = inside.map(({ x }, n) => solid(`${x}${n < inside.length - 1 ? "," : ""}`));
    return html`<p class="worked">max( ${list}) = <strong>${cell ?? "–"}</strong></p>`;
  }
  const term = ({ x, w, inside }, first) =>
    solid(`${first ? "" : "+ "}${x}·${w < 0 ? `(${fixed(w, 0)})` : w}`, !inside);
  const parts = read.map((rows) => sum(rows.flat().map(({ x, w }) => x * w)));
  const several = parts.length > 1;
  return html`<div class="worked" style="margin:0.4rem 0">${read.map(
    (
      rows,
      n,
    ) => html`<div>${several ? `channel ${seen[n] + 1}: ` : nothing}${rows.map((row, r) => row.map((tap, c) => term(tap, !r && !c)))}
      = ${several ? fixed(parts[n], 0) : html`<strong>${fixed(cell, 0)}</strong>`}</div>`,
  )}${several ? html`<div>together: ${parts.map((part, n) => solid(`${n ? "+ " : ""}${n && part < 0 ? `(${fixed(part, 0)})` : fixed(part, 0)}`))} = <strong>${fixed(cell, 0)}</strong></div>` : nothing}</div>`;
}

const CELL = "min-width:1.7rem;min-height:1.7rem;padding:0 0.1rem;font-size:0.85rem;border-radius:0.15rem";
const CHOSEN = ";background:var(--blue);color:var(--ground);font-weight:bold";

/** The output as buttons, one of which is in the order of the Tab key; arrow keys go to its neighbours. */
function outputGrid(api, numbers, at) {
  const count = numbers.length;
  const go = (to) => {
    api.set({ at: to });
    api.root.querySelector(`[data-at="${to}"]`).focus();
  };
  const press = (event) => {
    const [row, column] = [Math.floor(at / count), at % count];
    const moves = {
      ArrowLeft: column > 0 && at - 1,
      ArrowRight: column < count - 1 && at + 1,
      ArrowUp: row > 0 && at - count,
      ArrowDown: row < count - 1 && at + count,
      Home: 0,
      End: count ** 2 - 1,
    };
    if (!(event.key in moves)) return;
    event.preventDefault();
    if (moves[event.key] !== false) go(moves[event.key]);
  };
  const name = (n) => `row ${Math.floor(n / count) + 1}, column ${(n % count) + 1}`;
  return html`<div class="scrolls" tabindex="0" role="group" aria-label="the whole output, which scrolls" style="padding:4px">
    <div role="group" aria-label="output; arrow keys move the window" @keydown=${press}
      style=${`display:grid;grid-template-columns:repeat(${count},minmax(1.7rem,max-content));gap:2px`}>
      ${numbers.flat().map(
        (number, n) => html`<button type="button" data-at=${n} tabindex=${n === at ? 0 : -1} aria-pressed=${n === at}
          aria-label=${`${name(n)}: ${number === null ? "nothing" : fixed(number, 0)}`} style=${n === at ? CELL + CHOSEN : CELL}
          @click=${() => go(n)}>${number === null ? "–" : fixed(number, 0)}</button>`,
      )}
    </div></div>`;
}

/** One end of a side, pixel by pixel, and the windows there. */
function ruler(api, state, which) {
  const all = taps(state);
  const along = side(state);
  const shown = range(Math.min(3, all.length)).map((n) =>
    which === "first" ? n : all.length - Math.min(3, all.length) + n,
  );
  const from =
    which === "first" ? along[0].pixel : Math.max(along[0].pixel, Math.min(all[shown[0]][0], state.size - 1) - 2);
  const to = which === "first" ? Math.min(along.at(-1).pixel, Math.max(...all[shown.at(-1)]) + 2) : along.at(-1).pixel;
  const pixels = along.filter(({ pixel }) => pixel >= from && pixel <= to);
  const wide = Math.min(20, 266 / pixels.length);
  const x = (pixel) => 70 + wide * (pixel - from);
  const height = 46 + 18 * shown.length;
  const [low, high] = [Math.max(0, from), Math.min(state.size - 1, to)];
  const label = `The ${which} windows along a side. ${shown.map((n) => `Window ${n + 1} reads from pixel ${all[n][0] + 1} to ${all[n].at(-1) + 1}`).join(". ")}. The input has pixels 1 to ${state.size}.`;
  return html`<svg class="chart" viewBox="0 0 340 ${height}" role="img" aria-label=${label}>
    ${hatch(api, which)}
    <text x="64" y="34" text-anchor="end">pixel</text>
    <text x=${x(low) + wide / 2} y="16" text-anchor="middle">${low + 1}</text>
    <text x=${x(high) + wide / 2} y="16" text-anchor="middle">${high + 1}</text>
    ${pixels.map(({ pixel, kind }) => {
      const { fill, dash } = shade(api, which, kind);
      return svg`<rect data-kind=${kind} x=${x(pixel)} y="22" width=${wide} height="16" fill=${fill} stroke="var(--soft)"
        stroke-dasharray=${dash}></rect>`;
    })}
    ${shown.map(
      (n, line) => svg`<text x="64" y=${57 + 18 * line} text-anchor="end">window ${n + 1}</text>
        <line x1=${x(all[n][0])} x2=${x(all[n].at(-1) + 1)} y1=${53 + 18 * line} y2=${53 + 18 * line} stroke="var(--blue)"></line>
        ${all[n].map((pixel) => svg`<rect x=${x(pixel) + 0.5} y=${47 + 18 * line} width=${Math.max(1, wide - 1)} height="12" fill="var(--blue)"></rect>`)}`,
    )}
  </svg>`;
}

function controls(api, state) {
  const { size, kernel, padding, dilation } = state;
  const small = drawn(state);
  const pixels = size + 2 * padding;
  const number = (name, label, min, max) => slider(api, { name, label, min, max, step: 1, format: (v) => fixed(v, 0) });
  const preset = presetOf(state);
  const grouped = [1, 2, 3, 4].filter((g) => state.channels % g === 0 && state.filters % g === 0);
  const choice = (name, label, values) => select(api, { name, label, options: values.map((v) => [v, String(v)]) });
  return html`<div class="controls">
    <label class="control"><span>example</span><select
      @change=${(event) => event.target.selectedIndex && api.set(PRESETS[event.target.selectedIndex - 1][1])}>
      <option .selected=${!preset} ?disabled=${!!preset}>your own numbers</option>
      ${PRESETS.map((one) => html`<option .selected=${one === preset}>${one[0]}</option>`)}
    </select></label>
    ${radios(api, {
      name: "operation",
      label: "operation",
      options: [
        ["convolution", "convolution"],
        ["max pooling", "max pooling"],
      ],
    })}
    ${number("size", "input side n", Math.max(small ? 4 : DRAWN + 1, span(state) - 2 * padding), small ? DRAWN : 256)}
    ${number("kernel", "kernel k", 1, Math.min(small ? DRAWN_KERNEL : 11, Math.floor((pixels - 1) / dilation) + 1))}
    ${number("stride", "stride s", 1, 8)}
    ${number("padding", "padding p", Math.max(0, Math.ceil((span(state) - size) / 2)), Math.min(5, span(state) - 1))}
    ${number("dilation", "dilation d", 1, kernel > 1 ? Math.min(3, Math.floor((pixels - 1) / (kernel - 1))) : 3)}
    ${radios(api, {
      name: "rounding",
      label: "rounding",
      options: [
        ["down", "down (floor)"],
        ["up", "up (ceil)"],
      ],
    })}
    ${pools(state) || !small ? nothing : choice("channels", "input channels", [1, 2, 4])}
    ${pools(state) || grouped.length < 2 ? nothing : choice("groups", "groups", grouped)}
    ${pools(state) || !small ? nothing : select(api, { name: "filter", label: "drawn filter", options: range(state.filters).map((n) => [n, `${n + 1} of ${state.filters}`]) })}
  </div>`;
}

function pictures(api, state, at, numbers) {
  const count = numbers.length;
  const place = [Math.floor(at / count), at % count];
  const read = windowAt(state, ...place);
  const seen = channelsSeen(state);
  const kinds = [
    "window",
    ...new Set(
      side(state)
        .map(({ kind }) => kind)
        .filter((kind) => kind !== "input"),
    ),
  ];
  return html`${key(api, kinds)}
    <div class=${seen.length < state.channels || seen.length > 1 ? "" : "columns"}>
      <div>${inputs(api, state, seen, read, place)}</div>
      <div><div class="soft">${pools(state) ? "output" : `output of filter ${state.filter + 1}`}: choose a number</div>
        ${outputGrid(api, numbers, at)}
        <div class="controls">
          ${slider(api, { name: "at", label: "move the window", min: 0, max: count ** 2 - 1, step: 1, format: (v) => `${v + 1} of ${count ** 2}` })}
          ${button("other numbers", () => api.set({ seed: (state.seed + 1) % 100, at }))}
        </div></div>
    </div>
    ${worked(state, seen, read, numbers[place[0]][place[1]])}`;
}

function sentence(state, at, numbers) {
  const count = outputSize(state);
  const { exact } = arithmetic(state);
  const room = exact === count ? "" : ` (room for ${decimal(exact)} windows along a side, rounded ${state.rounding})`;
  const size = `The output is ${count} × ${count}${room}.`;
  if (!numbers) return `${size} ${edges(state)}`;
  const [row, column] = [Math.floor(at / count), at % count];
  const cell = numbers[row][column];
  const says =
    cell === null
      ? "has no pixel to choose from: its window lies past the edge, and frameworks such as PyTorch leave it out"
      : `is ${fixed(cell, 0)}`;
  return `${size} Row ${row + 1}, column ${column + 1} of it ${says}. ${edges(state)}`;
}

function view(given) {
  const state = Object.fromEntries(NAMES.map((name) => [name, given.get(name)]));
  // A change of one number moves others that depend on it.
  const api = { ...given, set: (changes) => given.set(settle(state, changes)) };
  const at = Math.min(state.at, outputSize(state) ** 2 - 1);
  const numbers = drawn(state) ? output(state) : null;
  const kinds = [
    ...new Set(
      side(state)
        .map(({ kind }) => kind)
        .filter((kind) => kind !== "input"),
    ),
  ];
  return html`${controls(api, state)}
    <p class="formula" style="margin:0.2rem 0">output side = ${formula(state).map((step, n) => html`${n ? "= " : ""}<span style="display:inline-block">${step}</span> `)}</p>
    ${numbers ? pictures(api, state, at, numbers) : html`${key(api, kinds)}<div class="columns">${ruler(api, state, "first")}${ruler(api, state, "last")}</div>`}
    <p class="result" role="status">${sentence(state, at, numbers)}</p>
    <p class="counted" style="margin:0.4rem 0 0">${counted(state)}</p>
    ${presetOf(state)?.[2] ? html`<p class="soft" style="margin:0.4rem 0 0">${presetOf(state)[2]}</p>` : nothing}`;
}

export default explorer({ title: "Explorer: convolution and pooling", view });
