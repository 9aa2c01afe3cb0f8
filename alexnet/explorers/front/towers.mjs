// Architecture: the table of a network as boxes to scale, with what each layer sees, costs and stores.

import { explorer, fixed, html, legend, nothing, select, slider, svg, whole } from "./kit.mjs";

// Units of the drawing for the square root of a pixel and of a map, and how far a box goes back; as in towers.py.
const SIDE = 7;
const DEPTH = 2.5;
const SLANT = 0.36;
// Room for the letters under a box: least width, width of a letter, height of three lines.
const NARROWEST = 44;
const LETTER = 8.6;
const LETTERS = 52;

const COLOURS = { conv: "blue", fc: "purple", batch_norm: "green" };
const KINDS = {
  input: "the images",
  conv: "convolution",
  pool: "pooling",
  lrn: "local response normalisation",
  spatial_norm: "spatial normalisation",
  batch_norm: "batch normalisation",
  fc: "fully connected",
  dropout: "dropout",
};
const WORDS = {
  weights: "weights start as",
  bias: "biases",
  alpha_over_n: "α divided by the size",
  alpha: "α",
  beta: "β",
};
const SAID = { true: "yes", false: "no", null: "none" };
const QUANTITIES = [
  ["parameters", "parameters"],
  ["macs", "MACs for one image"],
  ["activations", "activations"],
];
// What the columns of a comparison show; differences in anything else are named in its last column.
const SHOWN = ["output_shape", "kernel", "stride", "groups", "inputs", "parameters", "macs"];

const colour = (row) => COLOURS[row.kind] ?? "soft";
const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);
const size = (row) => row.output_shape.reduce((a, b) => a * b);
const sees = (row) => row.inputs[0][1] - row.inputs[0][0];
const shape = (row) => row.output_shape.map((n) => (row.output_shape.length === 1 ? whole(n) : n)).join("×");
const side = (row) => row.output_shape.slice(0, 2).join("×");
const percent = (part, all) => `${fixed((100 * part) / (all || 1), 1)} %`;

/** Bytes of a layer's output in float32 for a batch; dropout works in place. */
export const activationBytes = (row, batch) =>
  row.kind === "input" || row.kind === "dropout" ? 0 : 4 * batch * size(row);

/** Bytes in the unit that suits them, thousands of thousands. */
export function bytes(number) {
  const step = number < 1e3 ? 0 : number < 1e6 ? 1 : number < 1e9 ? 2 : 3;
  return step ? `${fixed(number / 1e3 ** step, 1)} ${["", "kB", "MB", "GB"][step]}` : `${number} bytes`;
}

/** A quantity of each layer: parameters, macs or activations. */
export const amounts = (net, quantity, batch) =>
  net.layers.map((row) => (quantity === "activations" ? activationBytes(row, batch) : row[quantity]));

/** How parameters and MACs are counted: products that anyone can check. */
export function counted(row) {
  const outputs = row.output_shape.at(-1);
  if (row.kind === "batch_norm") return { parameters: `2 × ${outputs}, a scale and an offset for each map`, macs: "" };
  if (row.kind !== "conv" && row.kind !== "fc") return { parameters: "", macs: "" };
  const window = row.kind === "conv" ? `(${row.kernel}·${row.kernel}·${sees(row)})` : whole(sees(row));
  const weights = `${whole(outputs)} × ${window}`;
  const biased = row.parameters > outputs * sees(row) * (row.kernel ?? 1) ** 2;
  return {
    parameters: biased ? `${weights} + ${whole(outputs)}` : weights,
    macs: row.kind === "conv" ? `${row.output_shape[0]}·${row.output_shape[1]} × ${weights}` : weights,
  };
}

/** Which maps a unit of a layer reads, in words. */
export function sight(net, row) {
  const gpus = net.towers > 1;
  const all = gpus && net.towers === 2 ? "both GPUs" : "all GPUs";
  const below = net.layers[net.layers.indexOf(row) - 1];
  if (row.kind === "conv" || row.kind === "fc") {
    const one = sees(row) === 1;
    const what = `${whole(sees(row))} ${row.kind === "fc" ? "values" : below.kind === "input" ? `channel${one ? "" : "s"} of the image` : "maps"}`;
    if (row.groups > 1) return `${what} of ${whole(row.inputs.at(-1)[1])}, those of its own ${gpus ? "GPU" : "group"}`;
    if (row.crosses) return `all ${what}, across ${all}`;
    return `${one ? "" : "all "}${what}${gpus && below.kind === "input" ? `, the same on ${all}` : ""}`;
  }
  if (row.kind === "lrn")
    return `up to ${row.settings.size} neighbouring maps${row.groups > 1 ? (gpus ? " on its own GPU" : " of its own group") : ""}`;
  return row.kind === "dropout" ? "one value, its own" : "one map, its own";
}

/** The window in the input of the unit in the middle: top, left, side, and the jump to its neighbour. */
export function field(row) {
  if (row.receptive_field === undefined) return null;
  const [top, left] = row.output_shape.map((n) => row.start + Math.floor((n - 1) / 2) * row.jump);
  return { top, left, side: row.receptive_field, jump: row.jump };
}

/** Where everything stands: a column for each layer, in it a box for each tower; one image and one output. */
export function layout(net) {
  const last = net.layers.length - 1;
  const columns = [];
  let right = 0;
  for (const [n, row] of net.layers.entries()) {
    const places = n === 0 || n === last ? 1 : net.towers;
    const depth = DEPTH * Math.sqrt(row.output_shape.at(-1) / places);
    const maps = row.output_shape.length === 3;
    const box = maps
      ? {
          wide: depth,
          high: SIDE * Math.sqrt(row.output_shape[0]),
          slant: SLANT * SIDE * Math.sqrt(row.output_shape[1]),
        }
      : { wide: SIDE, high: depth, slant: SLANT * SIDE };
    const gap = row.crosses ? 34 : row.kernel ? 16 : 8;
    const spare = Math.max(0, Math.max(NARROWEST, LETTER * (maps ? side(row).length : 0)) - gap - box.wide - box.slant);
    const left = right;
    right += gap + box.wide + box.slant + spare;
    columns.push({ row, left, right, places, box: { ...box, x: left + gap + spare / 2 } });
  }
  const pitch = Math.max(...columns.map(({ box }) => box.high + box.slant)) + 24;
  const height = pitch * net.towers;
  for (const { box, places } of columns) {
    box.tops = Array.from({ length: places }, (_, n) => (height * (n + 0.5)) / places - (box.high - box.slant) / 2);
  }
  return { columns, pitch, height, width: right + 6 };
}

/** The rows in which two networks differ, as alexnet.architecture.compare has them: cells, and what else differs. */
export function compare(left, right) {
  const find = (net, name) => net.layers.find((row) => row.name === name);
  const names = left.layers.map((row) => row.name);
  for (const [n, row] of right.layers.entries()) {
    if (!names.includes(row.name)) names.splice(names.indexOf(right.layers[n - 1].name) + 1, 0, row.name);
  }
  return names.flatMap((name) => {
    const [a, b] = [find(left, name), find(right, name)];
    const what = a && b ? differing(a, b) : [];
    if (a && b && !what.length) return [];
    const others = cells(right, b);
    return [
      {
        name,
        cells: cells(left, a).map((cell, n) => both(cell, others[n])),
        also: what
          .filter((key) => !SHOWN.includes(key))
          .join(", ")
          .replaceAll("_", " "),
      },
    ];
  });
}

const both = (a, b) => (a === b ? a : `${a || "–"} → ${b || "–"}`);

function differing(a, b) {
  const different = (x, y) => (key) => JSON.stringify(x[key]) !== JSON.stringify(y[key]);
  const keys = (x, y) => [...new Set([...Object.keys(x), ...Object.keys(y)])];
  const order = ["padding", "activation", "receptive_field", "jump", "start"];
  const found = keys(a, b).filter((key) => key !== "settings" && key !== "crosses" && different(a, b)(key));
  const settings = keys(a.settings, b.settings).filter(different(a.settings, b.settings));
  return [...found.sort((x, y) => order.indexOf(x) - order.indexOf(y)), ...settings.sort()];
}

function cells(net, row) {
  if (!row) return ["–", "", "", "", ""];
  const seen = row.kind === "conv" || row.kind === "fc" ? whole(sees(row)) : "";
  const whose = row.groups > 1 ? " (own)" : row.crosses ? " (both)" : " (image)";
  return [
    shape(row).replace(",", ""),
    row.kernel ? `${row.kernel}×${row.kernel}${row.stride > 1 ? `\u00a0/${row.stride}` : ""}` : "",
    seen && net.towers > 1 ? seen + whose : seen,
    row.parameters ? whole(row.parameters) : "",
    row.macs ? whole(row.macs) : "",
  ];
}

/** Corners of the window that a unit sees in the face of a box, `share` of its side. */
function windowIn(box, top, share) {
  const at = (u, v) => [box.x + box.wide + u * box.slant, top - u * box.slant + v * box.high];
  const [near, far] = [0.5 - share / 2, 0.5 + share / 2];
  return [at(near, near), at(far, near), at(far, far), at(near, far)];
}

const d = (points) => points.map((point) => point.map((n) => n.toFixed(1)).join(" ")).join("L");

function wedges(columns, chosen) {
  return columns.slice(1).flatMap(({ row, box }, n) => {
    const from = columns[n];
    const share = row.kind === "fc" ? 1 : Math.min(1, (row.kernel ?? 0) / from.row.output_shape[0]);
    return box.tops.flatMap((top, to) =>
      from.box.tops.map((source, tower) => {
        const own = tower === to || box.tops.length !== from.box.tops.length;
        if (!own && !row.crosses) return nothing;
        const corners = windowIn(from.box, source, share);
        const unit = [box.x, top + box.high / 2];
        const seen = row.kind === "fc" ? [corners[1], corners[3]] : share ? corners : corners.slice(0, 1);
        const rays = seen.map((corner) => `M${d([corner, unit])}`).join("");
        const stroke = `var(--${row.crosses ? "orange" : "ink"})`;
        return svg`<g class=${row.crosses ? "across" : "within"} stroke=${stroke} opacity=${row === chosen ? 1 : 0.6}
          stroke-width=${row === chosen ? 1.6 : row.crosses ? 1.1 : 0.8} stroke-dasharray=${own ? nothing : "5 3"}>
          <path d=${`M${d(corners)}Z`} fill=${stroke} fill-opacity="0.2"></path><path d=${rays} fill="none"></path></g>`;
      }),
    );
  });
}

function solid({ row, box }, chosen) {
  const paint = `var(--${colour(row)})`;
  const { x, wide, high, slant } = box;
  return box.tops.map((top) => {
    const [right, bottom] = [x + wide, top + high];
    const faces = [
      [0.3, [x, top], [x + slant, top - slant], [right + slant, top - slant], [right, top]],
      [0.75, [right, top], [right + slant, top - slant], [right + slant, bottom - slant], [right, bottom]],
      [0.5, [x, top], [right, top], [right, bottom], [x, bottom]],
    ];
    return svg`<g class="box" stroke=${paint} stroke-width=${row === chosen ? 2 : 1} stroke-linejoin="round"
      stroke-dasharray=${row.kind === "dropout" ? "3 2" : nothing}>${faces.map(
        ([shade, ...points]) => svg`<path d=${`M${d(points)}Z`} fill="var(--ground)"></path><path d=${`M${d(points)}Z`}
          fill=${paint} fill-opacity=${row === chosen ? Math.min(1, shade + 0.2) : shade}></path>`,
      )}</g>`;
  });
}

function bands(columns, pitch, towers) {
  const split = columns.filter(({ places }) => places > 1);
  if (!split.length) return nothing;
  return Array.from(
    { length: towers },
    (
      _,
      n,
    ) => svg`<rect class="gpu" x=${split[0].left + 4} width=${split.at(-1).right - split[0].left} y=${n * pitch + 2}
      height=${pitch - 4} rx="8" fill="var(--panel)" stroke="var(--line)"></rect>
      <text x=${split[0].left + 12} y=${n * pitch + 17} style="fill:var(--soft)">GPU ${n + 1}</text>`,
  );
}

function scene(api, name, net, chosen) {
  const { columns, pitch, height, width } = layout(net);
  const across = net.layers.filter((row) => row.crosses).map((row) => row.name);
  const label = `${name}, drawn to scale from left to right: ${net.layers.map((row) => `${row.name} ${shape(row)}`).join(", ")}. ${
    across.length ? `Across the GPUs read ${across.join(", ")}.` : "One tower."
  }`;
  const marked = columns.find(({ row }) => row === chosen);
  const part = (x) => `${(100 * x) / width}%`;
  return html`<div class="scrolls" tabindex="0" role="group" aria-label="the network, layer by layer">
    <div style=${`position:relative;min-width:${0.87 * width}px;max-width:${1.2 * width}px;margin:auto;padding-bottom:${LETTERS}px;--letters:${LETTERS}px`}>
      <svg class="towers-scene" viewBox=${`0 0 ${width} ${height}`} role="img" aria-label=${label}
        style="display:block;width:100%">
        ${bands(columns, pitch, net.towers)}
        <rect x=${marked.left + 2} y="1" width=${marked.right - marked.left} height=${height - 2} rx="6"
          fill="var(--orange)" fill-opacity="0.12"></rect>
        ${columns.map((column) => solid(column, chosen))}
        ${wedges(columns, chosen)}
      </svg>
      ${columns.map(
        ({ row, left, right }) => html`<button type="button" class="towers-layer" aria-pressed=${row === chosen}
          style=${`position:absolute;top:0;bottom:0;left:${part(left + 2)};width:${part(right - left)}`}
          @click=${() => api.set({ layer: row.name })}><span>${row.name}</span>
          <small>${row.output_shape.length === 3 ? html`${side(row)}<br />×` : nothing}${row.output_shape.at(-1)}</small></button>`,
      )}
    </div>
  </div>`;
}

function fieldDrawing(net, row) {
  const [high, wide] = net.layers[0].output_shape;
  const most = Math.max(high, wide);
  const px = (n) => (n * 240) / (1.4 * most);
  const margin = px(0.2 * most);
  const seen = field(row) ?? { top: 0, left: 0, side: most };
  const rect = (left, style) => svg`<rect x=${margin + px(left)} y=${margin + px(seen.top)}
    width=${px(field(row) ? seen.side : wide)} height=${px(field(row) ? seen.side : high)} style=${style}></rect>`;
  const words = field(row)
    ? `A unit of ${row.name} sees ${whole(seen.side)}×${whole(seen.side)} of the ${high}×${wide} pixels. Its neighbour's window begins ${seen.jump} pixel${seen.jump > 1 ? "s" : ""} further (dashed).`
    : `Each unit of ${row.name} sees the whole image, ${high}×${wide} pixels.`;
  const outside =
    field(row) && (Math.min(seen.top, seen.left) < 0 || seen.top + seen.side > high || seen.left + seen.side > wide);
  return html`<figure style="margin:0">
    <svg class="towers-field" viewBox="0 0 240 240" role="img" aria-label=${words} style="display:block;width:100%;max-width:15rem;margin:auto">
      <rect x=${margin} y=${margin} width=${px(wide)} height=${px(high)}
        fill="var(--panel)" stroke="var(--ink)"></rect>
      ${rect(seen.left, "fill:var(--blue);fill-opacity:0.45;stroke:var(--blue);stroke-width:2")}
      ${seen.jump ? rect(seen.left + seen.jump, "fill:none;stroke:var(--orange);stroke-width:2;stroke-dasharray:5 3") : nothing}
      <text x="120" y=${margin + px(high) + 15} text-anchor="middle">input, ${wide} pixels wide</text>
    </svg>
    <figcaption>${words}${outside ? " What lies outside the image is padding." : ""}</figcaption>
  </figure>`;
}

function padding(row) {
  const [[top, bottom], [left, right]] = row.padding;
  if (new Set([top, bottom, left, right]).size === 1) return String(top);
  return `top ${top}, bottom ${bottom}, left ${left}, right ${right}`;
}

function facts(net, row, batch) {
  const how = counted(row);
  const stored = activationBytes(row, batch);
  const split = net.towers > 1 && row.kind !== "input" && row !== net.layers.at(-1);
  const equals = (number, count) => (count ? `${whole(number)} = ${count}` : whole(number));
  const settings = Object.entries(row.settings).map(
    ([key, v]) =>
      `${WORDS[key] ?? key}: ${key === "weights" && Number.isFinite(v) ? `normal, standard deviation ${v}` : (SAID[v] ?? v)}`,
  );
  const lines = [
    ["output shape", `${shape(row)}${split ? ` (${whole(row.output_shape.at(-1) / net.towers)} on each GPU)` : ""}`],
    ["kernel", row.kernel && `${row.kernel}×${row.kernel}`],
    ["stride", row.stride && String(row.stride)],
    ["padding", row.padding && padding(row)],
    ["groups", row.kind === "conv" && String(row.groups)],
    ["a unit reads", row.kind !== "input" && sight(net, row)],
    ["parameters", equals(row.parameters, how.parameters)],
    ["MACs", equals(row.macs, how.macs)],
    ["activations", stored ? `${bytes(stored)} (${whole(stored)} bytes)` : "none of its own"],
    [
      "receptive field",
      row.receptive_field ? `${row.receptive_field}×${row.receptive_field} pixels` : "the whole image",
    ],
    ["jump", row.jump && `${row.jump} pixel${row.jump > 1 ? "s" : ""}`],
    ["settings", settings.join("; ")],
  ];
  return html`<table class="towers-facts"><caption><strong>${row.name}</strong>, ${KINDS[row.kind]}</caption>
    <tbody>${lines
      .filter(([, says]) => says)
      .map(
        ([term, says]) => html`<tr><th scope="row" class="soft">${term}</th><td>${says}</td></tr>`,
      )}</tbody></table>`;
}

function bar(net, [quantity, title], batch, chosen) {
  const parts = amounts(net, quantity, batch);
  const all = sum(parts);
  const of = (kind) => percent(sum(parts.filter((_, n) => net.layers[n].kind === kind)), all);
  const each = net.layers.map((row, n) => ({ row, part: parts[n] })).filter(({ part }) => part);
  const total = quantity === "activations" ? `${bytes(all)} for the batch` : whole(all);
  const mine = percent(parts[net.layers.indexOf(chosen)], all);
  return html`<div class="towers-bar" data-quantity=${quantity} style="margin:0.5rem 0">
    <div><strong>${title}</strong>: ${total}. Convolutions ${of("conv")}, fully connected ${of("fc")}; ${chosen.name} ${mine}.</div>
    <div class="towers-shares" role="img" aria-label=${`${title} by layer: ${each.map(({ row, part }) => `${row.name} ${percent(part, all)}`).join(", ")}`}>
      ${each.map(
        ({ row, part }) => html`<div data-layer=${row.name} title=${`${row.name} ${percent(part, all)}`}
          style=${`flex:${part} 0 0;background:var(--${colour(row)})${row === chosen ? ";box-shadow:inset 0 -5px var(--ink)" : ""}`}
          ><i></i>${row.name}</div>`,
      )}
    </div>
  </div>`;
}

function comparison(api, net, otherName) {
  const other = api.get("table")[otherName];
  const rows = compare(net, other);
  const names = `${api.get("preset")} → ${otherName}`;
  const heads = ["layer", "output", "window", "sees", "parameters", "MACs", "also differs in"];
  return html`<p><strong>${names}</strong>: ${rows.length ? `${rows.length} layers differ.` : "no layer differs."}</p>
    <div class="scrolls" tabindex="0" role="group" aria-label=${`what differs, ${names}`}><table class="towers-differences">
      <thead><tr>${heads.map((head) => html`<th scope="col">${head}</th>`)}</tr></thead>
      <tbody>${rows.map(
        (row) =>
          html`<tr><th scope="row">${row.name}</th>${[...row.cells, row.also].map((cell) => html`<td>${cell}</td>`)}</tr>`,
      )}
      <tr><th scope="row">total</th><td></td><td></td><td></td><td>${both(whole(net.parameters), whole(other.parameters))}</td>
        <td>${both(whole(net.macs), whole(other.macs))}</td><td></td></tr></tbody>
    </table></div>`;
}

function verdict(net, row, batch) {
  const [parameters, macs] = ["parameters", "macs"].map((what) => {
    const words = what === "macs" ? "MACs" : what;
    return row[what]
      ? `${whole(row[what])} of ${whole(net[what])} ${words} (${percent(row[what], net[what])})`
      : `no ${words}`;
  });
  const reads = row.kind === "input" ? "" : ` A unit reads ${sight(net, row)}.`;
  const stored = activationBytes(row, batch);
  return `${row.name} (${KINDS[row.kind]}) gives ${shape(row)}, with ${parameters} and ${macs}.${reads} A batch of ${batch} stores ${stored ? bytes(stored) : "nothing new"} here.`;
}

function view(api) {
  const table = api.get("table");
  const presets = api.get("presets");
  const name = api.get("preset");
  const batch = api.get("batch");
  const other = api.get("other");
  const net = table[name];
  // A layer that the newly chosen network does not have gives way to its first, as in Python.
  const row = net.layers.find((layer) => layer.name === api.get("layer")) ?? net.layers.slice(0, 2).at(-1);
  const lines = [
    { colour: "blue", name: "convolution" },
    { colour: "purple", name: "fully connected" },
    { colour: "soft", name: "no parameters" },
    { colour: "ink", name: "what a unit sees" },
    ...(net.towers > 1 ? [{ colour: "orange", dash: "5 3", name: "on the other GPU" }] : []),
  ];
  return html`
    <div class="controls">
      ${select(api, { name: "preset", label: "architecture", options: presets.map((p) => [p, p]) })}
      ${select(api, { name: "other", label: "compare with", options: [["", "nothing"], ...presets.map((p) => [p, p])] })}
      ${slider(api, { name: "batch", label: "batch size", min: 1, max: 256, step: 1, format: whole })}
    </div>
    <p style="margin:0"><strong>${name}</strong>, ${net.title}: ${whole(net.parameters)} parameters, ${whole(net.macs)} MACs.
      Choose a layer.</p>
    ${legend(lines)}
    ${scene(api, name, net, row)}
    <p class="result" role="status">${verdict(net, row, batch)}</p>
    <div class="columns" style="margin-top:0.6rem">${facts(net, row, batch)}${fieldDrawing(net, row)}</div>
    ${QUANTITIES.map((quantity) => bar(net, quantity, batch, row))}
    ${other ? comparison(api, net, other) : nothing}
    <p class="soft" style="margin:0.6rem 0 0">Scale: a box is as high as the square root of the side of its maps, and as
      wide as the square root of their number (on each GPU); the upright boxes are as high as the square root of their
      number of units. The input square and the bars are linear. One MAC is a multiplication and an addition.</p>`;
}

export default explorer({ title: "Explorer: the architecture", view });
