// What the convolutions of a network answer to a picture: maps, kernels, the pixels that a unit sees, and what excites
// it most. The network runs in the kernel or, on the page, in the browser (featuremaps.page.mjs).

import { button, checkbox, explorer, fixed, html, nothing, radios, select, slider } from "./kit.mjs";
import { changed, framed, opened, paint } from "./pictures.mjs";

const OWN = "own";
const CHANGES = {
  shiftX: "shift_x",
  shiftY: "shift_y",
  flip: "flip",
  blur: "blur",
  occlude: "occlude",
  occludeX: "occlude_x",
  occludeY: "occlude_y",
};
// Viridis, and blue over white to orange for what can be negative; colour-blind readers can tell both.
const RISING = ["440154", "472d7b", "3b528b", "2c728e", "21918c", "28ae80", "5ec962", "addc30", "fde725"].map(rgb);
const SIGNED = ["00507d", "0072b2", "7fb8d8", "f4f4f4", "f0b27a", "d5700f", "8a3f00"].map(rgb);

function rgb(hex) {
  return [0, 2, 4].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
}

/** The colour of a share from 0 to 1 on a scale of colours, between its neighbours. */
export function colour(scale, share) {
  const place = Math.max(0, Math.min(1, share)) * (scale.length - 1);
  const low = Math.min(scale.length - 2, Math.floor(place));
  return scale[low].map((from, c) => from + (scale[low + 1][c] - from) * (place - low));
}

/** One map of a layer's activations (rows x columns x maps). */
export function one(maps, { rows, columns, maps: count }, unit) {
  return Float32Array.from({ length: rows * columns }, (_, at) => maps[at * count + unit]);
}

/** Mean, least and greatest activation of every map. */
export function summaries(maps, { rows, columns, maps: count }) {
  const found = Array.from({ length: count }, () => ({
    mean: 0,
    min: Number.POSITIVE_INFINITY,
    max: Number.NEGATIVE_INFINITY,
  }));
  for (let at = 0; at < maps.length; at++) {
    const one = found[at % count];
    one.mean += maps[at] / (rows * columns);
    one.min = Math.min(one.min, maps[at]);
    one.max = Math.max(one.max, maps[at]);
  }
  return found;
}

/** The numbers of the maps in an order: "number", or by "mean" or "max", the greatest first. */
export function ordered(found, order) {
  const numbers = found.map((_, unit) => unit);
  return order === "number" ? numbers : numbers.sort((a, b) => found[b][order] - found[a][order] || a - b);
}

/** The pixels (first, behind the last) of `side` that the row or column `index` of a map sees. */
export function seen({ size, jump, start }, index, side) {
  const first = start + index * jump;
  return [Math.max(0, first), Math.min(side, first + size)];
}

const inside = (number, count) => Math.max(0, Math.min(count - 1, number));

/** The rows (first, behind the last) and the columns of a picture that a place of a layer sees. */
export const sight = (layer, [row, column], height, width) => [
  ...seen(layer, row, height),
  ...seen(layer.across ?? layer, column, width),
];

const changes = (api) => Object.fromEntries(Object.entries(CHANGES).map(([mine, name]) => [mine, api.get(name)]));
const isChanged = ({ shiftX, shiftY, flip, blur, occlude }) => Boolean(shiftX || shiftY || flip || blur || occlude);

/** All pictures to choose from: [{name, words, small, large}], the last two addresses. */
function gallery({ samples, tests }) {
  const png = (content) => `data:image/png;base64,${content}`;
  return [
    ...samples.map(({ name, credit, small, large }) => ({
      name,
      words: `${name} (${credit})`,
      small: png(small),
      large: `data:image/jpeg;base64,${large}`,
    })),
    ...tests.pictures.map(({ index, label, png: content }) => ({
      name: `test picture ${index}`,
      words: `test picture ${index}, ${tests.class_names[label]} (${tests.source})`,
      small: png(content),
      large: png(content),
    })),
  ];
}

/** What no second try would cure. */
class Lacking extends Error {}

async function pixelsOf(api, name) {
  const [height, width] = api.own.about.input;
  if (name === OWN) {
    if (!api.own.mine)
      throw new Lacking("Your own picture is in another view of this explorer. Give it here once more.");
    const { mine } = api.own;
    mine.pixels ??= framed(mine.drawable, height, width);
    // A photograph takes much memory as long as it is whole.
    mine.drawable?.close?.();
    mine.drawable = undefined;
    return mine.pixels;
  }
  const entry = gallery(api.own).find((picture) => picture.name === name);
  if (!entry) throw new Lacking(`There is no sample picture “${name}”.`);
  const image = new Image();
  image.src = entry.small;
  await image.decode();
  return framed(image, height, width);
}

const send = ({ data }) => [data.slice().buffer];
const numbers = (part) => new Float32Array(part.slice().buffer);

/**
 * What is missing for what is to be shown, as the function that gets it; nothing if nothing is.
 *
 * own.scene is what is shown, always of one picture and layer: {about, shown, before, now, altered, layer, maps, found}.
 */
function next(api) {
  const { own } = api;
  if (!own.samples)
    return async () => {
      const read = async (name) => JSON.parse(new TextDecoder().decode(await api.asset(name)));
      [own.samples, own.tests] = await Promise.all([read("samples.json"), read("cifar10-samples.json")]);
    };
  if (!own.started) return undefined;
  if (!own.about)
    return async () => {
      own.about = (await api.ask({ describe: true })).answer;
    };
  const picture = api.get("picture");
  const source = picture === OWN ? `${OWN} ${own.version}` : picture;
  if (own.given?.of !== source)
    return async () => {
      const pixels = await pixelsOf(api, picture);
      const { answer } = await api.ask({ run: picture }, send(pixels));
      own.given = { of: source, pixels, before: answer.probabilities };
    };
  const change = changes(api);
  const changeOf = `${source} ${JSON.stringify(change)}`;
  if (own.run?.of !== changeOf)
    return async () => {
      const { pixels, before } = own.given;
      const altered = isChanged(change);
      const shown = altered ? changed(pixels, change) : pixels;
      const now = altered ? (await api.ask({ run: "changed" }, send(shown))).answer.probabilities : before;
      own.run = { of: changeOf, shown, before, now, altered };
    };
  const layer = own.about.layers.find(({ name }) => name === api.get("layer")) ?? own.about.layers[0];
  const sceneOf = `${changeOf} ${layer.name}`;
  if (own.scene?.of !== sceneOf)
    return async () => {
      const { buffers } = await api.ask({ maps: layer.name }, send(own.run.shown));
      const maps = numbers(buffers[0]);
      const found = summaries(maps, layer);
      own.scene = { ...own.run, of: sceneOf, about: own.about, layer, maps, found };
      if (own.goesTo === layer.name) goToStrongest(api);
    };
  const unit = { layer: layer.name, unit: inside(api.get("unit"), layer.maps) };
  const unitOf = JSON.stringify(unit);
  if (own.kernel?.of !== unitOf)
    return async () => {
      const { answer, buffers } = await api.ask({ kernel: unit });
      own.kernel = { of: unitOf, first: layer === own.about.layers[0], ...answer, weights: numbers(buffers[0]) };
    };
  if (own.wantsStrongest && own.strongest?.of !== unitOf)
    return async () => {
      const found = await api
        .ask({ strongest: unit })
        .then(({ answer, buffers }) => ({ ...answer, pixels: buffers[0] }))
        .catch((error) => ({ error: error.message }));
      own.strongest = { of: unitOf, layer, ...found };
    };
  return undefined;
}

/** A reader who comes to a layer stands before the map, and the place in it, that the picture excites most. */
function goToStrongest(api) {
  const { layer, maps, found } = api.own.scene;
  api.own.goesTo = undefined;
  const [unit] = ordered(found, "max");
  const map = one(maps, layer, unit);
  const at = map.indexOf(found[unit].max);
  api.set({ unit, row: Math.floor(at / layer.columns), column: at % layer.columns });
}

/** Gets what is missing, piece by piece; what the reader chooses meanwhile counts. */
async function pump(api) {
  const { own, root } = api;
  if (own.busy || own.ended) return;
  own.busy = true;
  const quietly = () => {
    own.quiet = true;
    api.redraw();
    own.quiet = false;
  };
  for (;;) {
    // What has failed is not tried again before the reader wants something else or says so.
    const wish = JSON.stringify(["picture", "layer", "unit"].map((name) => api.get(name)).concat(own.version));
    const step = own.failed === wish ? undefined : next(api);
    if (!step) {
      // Back at what is shown already.
      if (own.error && own.failed !== wish) {
        own.error = undefined;
        quietly();
      }
      break;
    }
    root.setAttribute("aria-busy", "true");
    try {
      await step();
      own.error = undefined;
    } catch (error) {
      Object.assign(own, { error, failed: wish });
    }
    if (own.ended) return;
    quietly();
  }
  own.busy = false;
  root.removeAttribute("aria-busy");
}

/** Takes the reader's file; of several the last. */
async function take(api, file) {
  const { own } = api;
  own.reading = file;
  own.refused = undefined;
  api.redraw();
  let picture;
  try {
    picture = await opened(file);
  } catch (error) {
    if (own.reading === file) own.refused = error.message;
  }
  if (own.reading !== file) return;
  own.reading = undefined;
  if (picture) mine(api, picture, file.name);
  else api.redraw();
}

/** The reader's own picture is this now. */
function mine(api, drawable, name = "") {
  const { own } = api;
  Object.assign(own, { mine: { drawable }, name, version: (own.version ?? 0) + 1, refused: undefined });
  choose(api, OWN);
}

function choose(api, picture) {
  Object.assign(api.own, { started: true, failed: undefined, reading: undefined, refused: undefined });
  if (api.get("picture") === picture) api.redraw();
  else api.set({ picture });
}

function begin(api) {
  Object.assign(api.own, { started: true, failed: undefined, error: undefined });
  api.redraw();
}

function choices(api) {
  const { own } = api;
  const radio = (name, words, picture) => html`<label title=${words}>
    <input type="radio" name=${`${api.id}-picture`} aria-label=${words} .checked=${api.get("picture") === name}
      @change=${() => choose(api, name)} @click=${() => own.started || begin(api)} />${picture}</label>`;
  return html`<fieldset class="maps-samples">
      <legend>Picture</legend>
      ${
        own.samples
          ? gallery(own).map(({ name, words, large }) =>
              radio(name, words, html`<img src=${large} alt="" width="44" height="44" loading="lazy" />`),
            )
          : "The sample pictures are on their way."
      }
      ${own.mine ? radio(OWN, `your own picture ${own.name}`, html`<canvas class="maps-mine" aria-hidden="true"></canvas>`) : nothing}
    </fieldset>
    <div class="maps-own">
      ${file(api, "your own picture")}
      ${matchMedia("(pointer: coarse)").matches ? file(api, "photograph something", "environment") : nothing}
      <button type="button" aria-expanded=${String(Boolean(own.drawing))} @click=${() => {
        own.drawing = !own.drawing;
        api.redraw();
      }}>${own.drawing ? "put the sheet away" : "draw one"}</button>
      ${own.name && api.get("picture") === OWN ? html`<span class="soft maps-name">${own.name}</span>` : nothing}
    </div>
    ${own.drawing ? pad(api) : nothing}
    <p class="soft">${
      api.page
        ? "Your picture stays on your machine: the network runs in this page, and nothing is sent anywhere."
        : "Your picture goes to the kernel of this notebook, where the model is, and nowhere else."
    } A file can also be dropped here. The middle of a picture is used.</p>`;
}

/** A button that opens the browser's own window for files, or the camera. */
const file = (api, words, camera) => html`<label class="maps-file">
  <input type="file" accept="image/*" capture=${camera ?? nothing} @change=${({ target }) => {
    const [chosen] = target.files;
    if (chosen) take(api, chosen);
    // So that the same file can be chosen again.
    target.value = "";
  }} /><span>${words}</span></label>`;

const SHEET = { side: 192, sky: "#bcd9f2", step: 8 };

function blankSheet(canvas) {
  const brush = canvas.getContext("2d");
  brush.fillStyle = SHEET.sky;
  brush.fillRect(0, 0, SHEET.side, SHEET.side);
}

/** A sheet to draw on, with a pointer or with keys; it stays as it is while it is put away. */
function sheet(api) {
  const { own } = api;
  if (own.sheet) return own.sheet;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SHEET.side;
  canvas.className = "maps-pad";
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "application");
  canvas.setAttribute("aria-label", "a sheet to draw on");
  canvas.setAttribute("aria-describedby", `${api.id}-drawing`);
  blankSheet(canvas);
  const brush = canvas.getContext("2d");
  own.sheet = canvas;
  own.pen = { colour: "#c8102e", width: 14, at: [SHEET.side / 2, SHEET.side / 2], down: false };
  const { pen } = own;
  const line = (to) => {
    Object.assign(brush, { strokeStyle: pen.colour, fillStyle: pen.colour, lineWidth: pen.width, lineCap: "round" });
    brush.beginPath();
    brush.moveTo(...pen.at);
    brush.lineTo(...to);
    brush.stroke();
    // A line without length would leave nothing.
    brush.beginPath();
    brush.arc(...to, pen.width / 2, 0, 2 * Math.PI);
    brush.fill();
  };
  const touched = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top].map((v) => (v * SHEET.side) / box.width);
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    canvas.setPointerCapture(event.pointerId);
    Object.assign(pen, { at: touched(event), down: true });
    line(pen.at);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!pen.down) return;
    const to = touched(event);
    line(to);
    pen.at = to;
  });
  const finish = () => {
    if (pen.down) mine(api, canvas);
    pen.down = false;
  };
  canvas.addEventListener("pointerup", finish);
  canvas.addEventListener("pointercancel", finish);
  canvas.addEventListener("keydown", (event) => {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1], " ": [0, 0] }[event.key];
    if (!way) return;
    event.preventDefault();
    const to = pen.at.map((v, axis) => Math.max(0, Math.min(SHEET.side, v + SHEET.step * way[axis])));
    const draws = event.shiftKey || event.key === " ";
    if (draws) line(to);
    pen.at = to;
    if (draws) mine(api, canvas);
    else api.redraw();
  });
  return canvas;
}

function pad(api) {
  const canvas = sheet(api);
  const { pen } = api.own;
  const wipe = () => {
    blankSheet(canvas);
    mine(api, canvas);
  };
  const share = (v) => `${(100 * v) / SHEET.side}%`;
  return html`<div class="maps-drawing">
    <div class="maps-sheet">${canvas}<i style=${`left:${share(pen.at[0])};top:${share(pen.at[1])};width:${share(pen.width)}`}></i></div>
    <div>
      <label>colour <input type="color" .value=${pen.colour} @input=${(e) => (pen.colour = e.target.value)} /></label>
      <label>width <input type="range" min="2" max="60" .value=${String(pen.width)} @input=${(e) => {
        pen.width = Number(e.target.value);
        api.redraw();
      }} /></label>
      ${button("a clean sheet", wipe)}
      <p class="soft" id=${`${api.id}-drawing`}>Draw with the mouse or a finger. With keys: arrows move the brush, with Shift they draw, the space bar makes a dot.</p>
    </div>
  </div>`;
}

function alterations(api) {
  const [height, width] = api.own.about.input;
  const count = (v) => fixed(v, 0);
  const reach = (side) => ({ min: -Math.floor(side / 4), max: Math.floor(side / 4), step: 1, format: count });
  const reset = () => api.set({ shift_x: 0, shift_y: 0, flip: false, blur: 0, occlude: false });
  return html`<div class="controls" role="group" aria-label="change the picture">
    ${slider(api, { name: "shift_x", label: "move right", ...reach(width) })}
    ${slider(api, { name: "shift_y", label: "move down", ...reach(height) })}
    ${slider(api, { name: "blur", label: "blur", min: 0, max: 4, step: 0.5, format: (v) => fixed(v, 1) })}
    ${checkbox(api, { name: "flip", label: "mirror" })}
    ${checkbox(api, { name: "occlude", label: "cover a part" })}
    ${
      api.get("occlude")
        ? html`${slider(api, { name: "occlude_x", label: "cover: column", min: 0, max: width - 1, step: 1, format: count })}
          ${slider(api, { name: "occlude_y", label: "cover: row", min: 0, max: height - 1, step: 1, format: count })}`
        : nothing
    }
    ${button("undo the changes", reset, { disabled: !isChanged(changes(api)) })}
  </div>`;
}

const percent = (share) => `${fixed(100 * share, share > 0 && share < 0.0095 ? 1 : 0)} %`;
const best = (probabilities) => probabilities.indexOf(Math.max(...probabilities));

function verdict({ about, before, now, altered }) {
  const says = (p) => `${about.classes[best(p)]} at ${percent(Math.max(...p))}`;
  if (!altered) return `The network says ${says(now)}.`;
  return best(before) === best(now)
    ? `The network still says ${about.classes[best(now)]}: ${percent(now[best(now)])} after the change, ${percent(before[best(now)])} before.`
    : `The change turns ${says(before)} into ${says(now)}.`;
}

function bars({ about, before, now, altered }) {
  // More than ten classes do not fit; the most probable ones then.
  const shown = about.classes.map((_, at) => at);
  if (shown.length > 10) shown.sort((a, b) => now[b] - now[a]).splice(10);
  return html`<table class="maps-classes">
    <caption>Probabilities of the classes${altered ? "; the hollow bars are those without the change" : ""}</caption>
    <thead class="maps-hidden"><tr><th scope="col">class</th><th scope="col">bar</th><th scope="col">now</th>${altered ? html`<th scope="col">before</th>` : nothing}</tr></thead>
    <tbody>${shown.map(
      (at) => html`<tr class=${at === best(now) ? "best" : ""}><th scope="row">${about.classes[at]}</th>
      <td><div class="now" style=${`width:${100 * now[at]}%`}></div>${altered ? html`<div class="before" style=${`width:${100 * before[at]}%`}></div>` : nothing}</td>
      <td>${percent(now[at])}</td>${altered ? html`<td class="soft">${percent(before[at])}</td>` : nothing}</tr>`,
    )}</tbody>
  </table>`;
}

function layersAndOrder(api) {
  const { layers } = api.own.about;
  const known = layers.some(({ name }) => name === api.get("layer"));
  const choose = (name) => {
    const layer = layers.find((l) => l.name === name);
    api.own.goesTo = name;
    api.set({ layer: name, unit: 0, row: Math.floor(layer.rows / 2), column: Math.floor(layer.columns / 2) });
  };
  return html`<div class="controls maps-layers">
    ${radios(
      {
        id: api.id,
        get: () => (known ? api.get("layer") : layers[0].name),
        set: ({ layer }) => choose(layer),
      },
      { name: "layer", label: "layer:", options: layers.map(({ name }) => [name, name]) },
    )}
    ${radios(api, {
      name: "scale",
      label: "colours:",
      options: [
        ["layer", "one scale for all maps"],
        ["map", "each map its own"],
      ],
    })}
    ${select(api, {
      name: "order",
      label: "order:",
      options: [
        ["number", "by number"],
        ["mean", "by mean"],
        ["max", "by maximum"],
      ],
    })}
  </div>`;
}

const across = (count) => (count <= 64 ? 8 : count <= 128 ? 12 : 16);
const unsigned = (found) => found.every(({ min }) => min >= 0);

/** Least and greatest of the scale of one map: from 0 where nothing is negative, else as far down as up. */
function limits(found, unit, scale) {
  const over = scale === "map" ? [found[unit]] : found;
  const top = Math.max(...over.map(({ max }) => max));
  if (unsigned(found)) return [0, top || 1];
  const far = Math.max(top, -Math.min(...over.map(({ min }) => min))) || 1;
  return [-far, far];
}

/** A width for a picture whose longer side is to be so many rem. */
const fits = (rem, height, width) => `width:${(rem * width) / Math.max(height, width)}rem`;

const chosenUnit = (api) => inside(api.get("unit"), api.own.scene.layer.maps);
/** The place that is looked at: the one under the mouse, else the chosen one. */
function place(api) {
  const { rows, columns } = api.own.scene.layer;
  const [row, column] = api.own.hover ?? [api.get("row"), api.get("column")];
  return [inside(row, rows), inside(column, columns)];
}

function mapsPanel(api) {
  const { layer, found } = api.own.scene;
  const order = ordered(found, api.get("order"));
  const unit = chosenUnit(api);
  const [low, high] = limits(found, unit, api.get("scale"));
  const silent = found.filter(({ max, min }) => max <= 0 && min >= 0).length;
  const size = `${layer.size} × ${(layer.across ?? layer).size}`;
  return html`<div>
    <p>${layer.name}: ${layer.maps} maps of ${layer.rows} × ${layer.columns}${silent ? `; ${silent} ${silent === 1 ? "is" : "are"} silent on this picture` : ""}.
      Each unit sees ${size} pixels.</p>
    <canvas class="maps-grid" role="img" aria-label=${`all ${layer.maps} maps of ${layer.name}; map ${unit} is framed`}
      @click=${({ offsetX, offsetY, currentTarget: canvas }) => {
        const tile = canvas.clientWidth / across(layer.maps);
        const at =
          Math.floor(offsetY / tile) * across(layer.maps) + inside(Math.floor(offsetX / tile), across(layer.maps));
        if (at < layer.maps) api.set({ unit: order[at] });
      }}></canvas>
    <p class="maps-scale"><span>${fixed(low, 1)}</span><canvas class="maps-colours" width="128" height="1" aria-hidden="true"></canvas><span>${fixed(high, 1)}</span>
      <span class="soft">activation${api.get("scale") === "map" ? `, on the scale of map ${unit}` : ""}</span></p>
    ${slider(
      { get: () => order.indexOf(unit) },
      {
        name: "unit",
        label: "map",
        min: 0,
        max: layer.maps - 1,
        step: 1,
        format: (at) => `no. ${order[at]}`,
        onInput: (at) => api.set({ unit: order[at] }),
      },
    )}
  </div>`;
}

function pointed({ offsetX, offsetY, currentTarget: canvas }, rows, columns) {
  return [
    inside(Math.floor((offsetY / canvas.clientHeight) * rows), rows),
    inside(Math.floor((offsetX / canvas.clientWidth) * columns), columns),
  ];
}

function kernelWords({ shape: [rows, columns, inputs], first }) {
  const size = `its kernel: ${rows} × ${columns}`;
  if (first && inputs === 3) return `${size}, in colour; grey is 0`;
  return `${size}${inputs > 1 ? ` for each of ${inputs} maps below` : ""}; blue is negative, orange positive`;
}

function unitPanel(api) {
  const { own } = api;
  const { about, layer, found, maps } = own.scene;
  const unit = chosenUnit(api);
  const { mean, max } = found[unit];
  const [row, column] = place(api);
  const at = maps[(row * layer.columns + column) * layer.maps + unit];
  const [top, bottom, left, right] = sight(layer, [row, column], ...about.input);
  const hover = (found) => {
    if (String(own.hover) === String(found)) return;
    own.hover = found;
    api.redraw();
  };
  const count = (v) => fixed(v, 0);
  const { rows, columns } = layer;
  return html`<div>
    <p><b>Map ${unit} of ${layer.name}</b>: mean ${fixed(mean, 2)}, maximum ${fixed(max, 2)}.</p>
    <div class="maps-unit">
      <canvas class="maps-one" role="img" style=${fits(14, rows, columns)} aria-label=${`map ${unit} of ${layer.name}, enlarged`}
        @click=${(e) => {
          const [r, c] = pointed(e, rows, columns);
          api.set({ row: r, column: c });
        }}
        @pointermove=${(e) => e.pointerType === "mouse" && hover(pointed(e, rows, columns))} @pointerleave=${() => hover(undefined)}></canvas>
      <figure class="maps-seen"><canvas role="img" style=${fits(8, ...about.input)} aria-label="the picture, with the frame of what the place sees"></canvas>
        <figcaption class="soft">what the place sees</figcaption></figure>
      <figure><canvas class="maps-kernel" role="img" aria-label=${`the kernel of map ${unit}`}></canvas>
        <figcaption class="soft">${kernelWords(own.kernel)}</figcaption></figure>
    </div>
    ${slider(api, { name: "row", label: "row", min: 0, max: rows - 1, step: 1, format: count })}
    ${slider(api, { name: "column", label: "column", min: 0, max: columns - 1, step: 1, format: count })}
    <p class="maps-place">In row ${row}, column ${column} it is <b>${fixed(at, 2)}</b>. It sees rows ${top} to ${bottom - 1}, columns ${left} to ${right - 1} of the picture: the frame.</p>
  </div>`;
}

function strongestPanel(api) {
  const { own } = api;
  const { strongest, scene } = own;
  const toggle = ({ target }) => {
    own.wantsStrongest = target.open;
    // Closing and opening it again is a second try.
    if (target.open && strongest?.error) own.strongest = undefined;
    if (target.open) api.redraw();
  };
  return html`<details class="maps-strongest" @toggle=${toggle}>
    <summary>What excites map ${chosenUnit(api)} of ${scene.layer.name} most</summary>
    ${
      !strongest
        ? html`<p class="soft">Looking.</p>`
        : strongest.error
          ? html`<p>${strongest.error}</p>`
          : html`<ul>${strongest.places.map(
              ({ value, name }) => html`<li>
                <canvas role="img" style=${fits(6, strongest.height, strongest.width)} aria-label=${`${name}, with a frame around what the unit sees`}></canvas>
                <span>${fixed(value, 1)}<br /><span class="soft">${name}</span></span></li>`,
            )}</ul><p class="soft">The strongest places of this map, each in another picture, from ${strongest.source}; the number is the activation.</p>`
    }
  </details>`;
}

function trouble(api) {
  const { refused, reading, error } = api.own;
  return html`${reading ? html`<p class="result" role="status">Reading the picture.</p>` : nothing}
    ${refused ? html`<div class="result maps-error"><span role="alert">${refused}</span></div>` : nothing}
    ${
      error
        ? html`<div class="result maps-error"><span role="alert">${error.message}</span>
          ${error instanceof Lacking ? nothing : button("try again", () => begin(api))}</div>`
        : nothing
    }`;
}

function waiting(api) {
  const { own, poster } = api;
  if (own.started)
    return html`<p class="result" role="status">${own.error ? "There are no maps to show yet." : "The network is on its way."}</p>`;
  return html`${poster ? html`<img class="maps-poster" src=${poster.src} alt=${poster.alt} width=${poster.getAttribute("width")} height=${poster.getAttribute("height")} />` : nothing}
    <p class="result">${button("Start the network", () => begin(api))} Or choose a picture. The network comes when you ask for it: 5 MB, once.</p>`;
}

function explored(api) {
  const { own } = api;
  const { about, scene } = own;
  const [height, width] = about.input;
  const size = `${width} × ${height} pixels`;
  const cover = (event) => {
    if (!api.get("occlude")) return;
    const [row, column] = pointed(event, height, width);
    api.set({ occlude_x: column, occlude_y: row });
  };
  return html`${alterations(api)}
    <p class="result" role="status">${verdict(scene)}</p>
    <div class="columns maps-answer">
      <figure class="maps-picture"><canvas role="img" style=${fits(18, height, width)} class=${api.get("occlude") ? "covers" : ""} @click=${cover}
        aria-label=${`the picture as the network sees it, ${size}, with the frame of what the chosen place sees`}></canvas>
        <figcaption class="soft">What the network sees: ${size}${api.get("occlude") ? "; tap it to move the cover" : ""}.</figcaption></figure>
      ${bars(scene)}
    </div>
    ${layersAndOrder(api)}
    <div class="columns">${mapsPanel(api)}${unitPanel(api)}</div>
    ${strongestPanel(api)}
    ${about.accuracy ? html`<p class="soft">The network: one GPU's tower of AlexNet for 32 × 32 pictures, trained for this book; ${percent(about.accuracy)} of the test pictures right. Data: ${about.source}.</p>` : nothing}`;
}

function view(api) {
  const { own } = api;
  if (!own.quiet) queueMicrotask(() => pump(api));
  const drop = (event) => {
    event.preventDefault();
    own.over = false;
    const [dropped] = event.dataTransfer.files;
    if (dropped) take(api, dropped);
    else api.redraw();
  };
  const over = (is) => (event) => {
    event.preventDefault();
    if (own.over === is) return;
    own.over = is;
    api.redraw();
  };
  return html`<div class=${own.over ? "maps over" : "maps"} @dragover=${over(true)} @dragleave=${over(false)} @drop=${drop}>
    ${choices(api)}
    ${trouble(api)}
    ${own.scene && own.kernel ? explored(api) : waiting(api)}
  </div>`;
}

/** The colours of a scale as pixels, 256 of them. */
const palette = (scale) =>
  Uint32Array.from({ length: 256 }, (_, at) => {
    const [r, g, b] = colour(scale, at / 255).map(Math.round);
    return ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
  });
const PALETTES = { rising: palette(RISING), signed: palette(SIGNED) };

/** An image of so many pixels, with `words`, its pixels as numbers. */
function blank(width, height) {
  const image = new ImageData(width, height);
  image.words = new Uint32Array(image.data.buffer);
  return image;
}

/** Paints values as squares of `zoom` pixels at a place of a blank image; tint(value) gives a pixel. */
function fill(image, values, columns, zoom, left, top, tint) {
  values.forEach((value, at) => {
    const word = tint(value);
    const x = left + (at % columns) * zoom;
    const y = top + Math.floor(at / columns) * zoom;
    for (let row = y; row < y + zoom; row++)
      image.words.fill(word, row * image.width + x, row * image.width + x + zoom);
  });
}

function frame(pen, x, y, width, height, thick = 2) {
  // Dark within light shows on every ground.
  for (const [stroke, line] of [
    ["#fff", 2 * thick],
    ["#d5008f", thick],
  ]) {
    pen.strokeStyle = stroke;
    pen.lineWidth = line;
    pen.strokeRect(x, y, width, height);
  }
}

function tinted(found, unit, scale) {
  const [low, high] = limits(found, unit, scale);
  const colours = low < 0 ? PALETTES.signed : PALETTES.rising;
  return (value) => colours[inside(Math.round((255 * (value - low)) / (high - low)), 256)];
}

function drawn(api) {
  const { own, root } = api;
  const thumbnail = root.querySelector(".maps-mine");
  if (thumbnail && own.mine.pixels) paint(thumbnail, own.mine.pixels);
  const picture = root.querySelector(".maps-picture canvas");
  if (!picture) return;
  const { about, shown, layer } = own.scene;
  const sees = sight(layer, place(api), ...about.input);
  paintPicture(picture, shown, sees);
  paintPicture(root.querySelector(".maps-seen canvas"), shown, sees, 4);
  paintMaps(api);
  paintKernel(root.querySelector(".maps-kernel"), own.kernel);
  const { strongest } = own;
  const tiles = root.querySelectorAll(".maps-strongest canvas");
  strongest?.places?.forEach(({ place: at }, rank) => {
    const { height, width, pixels } = strongest;
    const data = new Uint8Array(pixels.buffer, pixels.byteOffset + rank * height * width * 3, height * width * 3);
    paintPicture(tiles[rank], { data, height, width }, sight(strongest.layer, at, height, width), 6);
  });
}

function paintPicture(canvas, pixels, [top, bottom, left, right], thick = 2) {
  const zoom = Math.max(1, Math.floor(288 / Math.max(pixels.width, pixels.height)));
  const small = document.createElement("canvas");
  paint(small, pixels);
  canvas.width = pixels.width * zoom;
  canvas.height = pixels.height * zoom;
  const pen = canvas.getContext("2d");
  pen.imageSmoothingEnabled = false;
  pen.drawImage(small, 0, 0, canvas.width, canvas.height);
  const edge = thick / 2;
  const [wide, high] = [right - left, bottom - top].map((length) => length * zoom - thick);
  frame(pen, left * zoom + edge, top * zoom + edge, wide, high, thick);
}

function paintMaps(api) {
  const { own, root } = api;
  const { layer, maps, found, of } = own.scene;
  const [scale, unit] = [api.get("scale"), chosenUnit(api)];
  const order = ordered(found, api.get("order"));
  const wide = across(layer.maps);
  const longest = Math.max(layer.rows, layer.columns);
  const zoom = Math.max(1, Math.round((layer.maps > 256 ? 48 : 96) / longest));
  // As wide as the frame, which is seen at about half a screen's width.
  const thick = Math.ceil((wide * longest * zoom) / 240);
  const gap = 2 * thick;
  const tile = longest * zoom + gap;
  const corner = (at) => [(at % wide) * tile, Math.floor(at / wide) * tile];
  // Without the frame it stays the same while the reader goes from place to place.
  const gridOf = `${of} ${scale} ${api.get("order")}`;
  if (own.grid?.of !== gridOf) {
    const image = blank(wide * tile, Math.ceil(layer.maps / wide) * tile);
    order.forEach((number, at) => {
      const [left, top] = corner(at).map((edge) => edge + thick);
      fill(image, one(maps, layer, number), layer.columns, zoom, left, top, tinted(found, number, scale));
    });
    own.grid = { of: gridOf, image };
  }
  const grid = root.querySelector(".maps-grid");
  grid.width = own.grid.image.width;
  grid.height = own.grid.image.height;
  const pen = grid.getContext("2d");
  pen.putImageData(own.grid.image, 0, 0);
  const [left, top] = corner(order.indexOf(unit)).map((edge) => edge + thick);
  frame(pen, left, top, layer.columns * zoom, layer.rows * zoom, thick);

  const large = root.querySelector(".maps-one");
  const more = Math.max(1, Math.floor(224 / longest));
  const enlarged = blank(layer.columns * more, layer.rows * more);
  large.width = enlarged.width;
  large.height = enlarged.height;
  fill(enlarged, one(maps, layer, unit), layer.columns, more, 0, 0, tinted(found, unit, scale));
  const brush = large.getContext("2d");
  brush.putImageData(enlarged, 0, 0);
  const [row, column] = place(api);
  frame(brush, column * more + 1, row * more + 1, more - 2, more - 2);

  const colours = blank(128, 1);
  const scaled = unsigned(found) ? PALETTES.rising : PALETTES.signed;
  fill(
    colours,
    Array.from({ length: 128 }, (_, x) => 2 * x),
    128,
    1,
    0,
    0,
    (at) => scaled[at],
  );
  root.querySelector(".maps-colours").getContext("2d").putImageData(colours, 0, 0);
}

/** The first layer's kernel over three colours as one coloured tile; another as a slice for each map below. */
function paintKernel(canvas, { shape: [rows, columns, inputs], first, weights }) {
  const far = weights.reduce((most, weight) => Math.max(most, Math.abs(weight)), 0) || 1;
  const coloured = first && inputs === 3;
  const slices = coloured ? 1 : inputs;
  const wide = Math.min(16, slices);
  const zoom = Math.max(2, Math.floor((slices > 1 ? 16 : 128) / Math.max(rows, columns)));
  const gap = slices > 1 ? 2 : 0;
  const image = blank(wide * (columns * zoom + gap), Math.ceil(slices / wide) * (rows * zoom + gap));
  const cells = Array.from({ length: rows * columns }, (_, at) => at);
  const byte = (weight) => Math.round(127.5 + (127.5 * weight) / far);
  for (let slice = 0; slice < slices; slice++) {
    const [left, top] = [(slice % wide) * (columns * zoom + gap), Math.floor(slice / wide) * (rows * zoom + gap)];
    fill(image, cells, columns, zoom, left, top, (at) => {
      if (!coloured) return PALETTES.signed[byte(weights[at * inputs + slice])];
      const [r, g, b] = [0, 1, 2].map((c) => byte(weights[at * 3 + c]));
      return ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
    });
  }
  canvas.width = image.width;
  canvas.height = image.height;
  canvas.getContext("2d").putImageData(image, 0, 0);
}

export default explorer({
  title: "Explorer: feature maps",
  view,
  drawn,
  start(api) {
    api.own.started = !api.page;
    return () => {
      api.own.ended = true;
    };
  },
});
