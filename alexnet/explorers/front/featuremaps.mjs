// What the convolutions of a network answer to a picture: maps, kernels, the pixels that a unit sees, and what excites
// it most. The network runs in the kernel or, on the page, in the browser (featuremaps.page.mjs).

import { button, checkbox, explorer, fixed, html, nothing, radios, select, slider } from "./kit.mjs";
import { changed, opened, paint, square } from "./pictures.mjs";

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

/** The pixels (first, behind the last) that row or column `index` of a layer sees of `side`. */
export function seen({ size, jump, start }, index, side) {
  const first = start + index * jump;
  return [Math.max(0, first), Math.min(side, first + size)];
}

const chosenLayer = (api) =>
  api.own.about.layers.find((layer) => layer.name === api.get("layer")) ?? api.own.about.layers[0];
const chosenUnit = (api) => Math.min(api.get("unit"), chosenLayer(api).maps - 1);
const chosenPlace = (api) => {
  const { rows, columns } = chosenLayer(api);
  return [Math.min(api.get("row"), rows - 1), Math.min(api.get("column"), columns - 1)];
};
const changes = (api) => Object.fromEntries(Object.entries(CHANGES).map(([mine, name]) => [mine, api.get(name)]));
const isChanged = ({ shiftX, shiftY, flip, blur, occlude }) => Boolean(shiftX || shiftY || flip || blur || occlude);

/** All pictures to choose from: [{name, words, address(side)}]. */
function gallery({ samples, tests }) {
  return [
    ...samples.map(({ name, credit, small, large }) => ({
      name,
      words: `${name} (${credit})`,
      address: (side) => (side === 32 ? `data:image/png;base64,${small}` : `data:image/jpeg;base64,${large}`),
    })),
    ...tests.pictures.map(({ index, label, png }) => ({
      name: `test picture ${index}`,
      words: `test picture ${index}, ${tests.class_names[label]} (${tests.source})`,
      address: () => `data:image/png;base64,${png}`,
    })),
  ];
}

async function pixelsOf(api, name) {
  const [side] = api.own.about.input;
  if (name === OWN) {
    if (!api.own.mine) throw new Error("Your own picture is in another view of this explorer. Give it here once more.");
    return square(api.own.mine, side);
  }
  const entry = gallery(api.own).find((picture) => picture.name === name);
  if (!entry) throw new Error(`There is no sample picture “${name}”.`);
  const image = new Image();
  image.src = entry.address(side);
  await image.decode();
  return square(image, side);
}

/** What is missing for what is shown, as the function that gets it; nothing if nothing is. */
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
  if (own.pixelsOf !== source)
    return async () => {
      own.pixels = await pixelsOf(api, picture);
      const { answer } = await api.ask({ run: true }, [own.pixels.data.slice().buffer]);
      Object.assign(own, { pixelsOf: source, before: answer.probabilities, now: undefined, nowOf: undefined });
    };
  const change = changes(api);
  const now = source + JSON.stringify(change);
  if (own.nowOf !== now)
    return async () => {
      own.shown = changed(own.pixels, change);
      const { answer } = await api.ask({ run: true }, [own.shown.data.slice().buffer]);
      Object.assign(own, { now: answer.probabilities, nowOf: now, mapsOf: undefined });
    };
  const layer = chosenLayer(api);
  if (own.mapsOf !== layer.name)
    return async () => {
      const { buffers } = await api.ask({ maps: layer.name }, [own.shown.data.slice().buffer]);
      const maps = new Float32Array(buffers[0].slice().buffer);
      Object.assign(own, { maps, mapsOf: layer.name, found: summaries(maps, layer) });
    };
  const unit = { layer: layer.name, unit: chosenUnit(api) };
  const unitKey = JSON.stringify(unit);
  if (own.kernelOf !== unitKey)
    return async () => {
      const { answer, buffers } = await api.ask({ kernel: unit });
      own.kernel = { shape: answer.shape, weights: new Float32Array(buffers[0].slice().buffer) };
      own.kernelOf = unitKey;
    };
  if (own.wantsStrongest && own.strongestOf !== unitKey)
    return async () => {
      own.strongestOf = unitKey;
      own.strongest = await api
        .ask({ strongest: unit })
        .then(({ answer, buffers }) => ({ ...answer, pixels: buffers[0] }))
        .catch((error) => ({ error: error.message }));
    };
  return undefined;
}

/** Gets what is missing, piece by piece; what the reader chooses meanwhile counts. */
async function pump(api) {
  const { own } = api;
  if (own.busy || own.ended) return;
  own.busy = true;
  const asked = JSON.stringify([api.get("picture"), own.version, api.get("layer")]);
  try {
    for (let step = next(api); step && own.failed !== asked; step = next(api)) {
      await step();
      own.error = undefined;
      if (own.ended) return;
      own.quiet = true;
      api.redraw();
      own.quiet = false;
    }
  } catch (error) {
    own.error = error.message;
    own.failed = asked;
    own.quiet = true;
    api.redraw();
    own.quiet = false;
  } finally {
    own.busy = false;
  }
}

async function take(api, file) {
  try {
    api.own.mine = await opened(file);
    mine(api);
  } catch (error) {
    api.own.error = error.message;
    api.redraw();
  }
}

/** The reader's own picture has changed. */
function mine(api) {
  Object.assign(api.own, { version: (api.own.version ?? 0) + 1, started: true, error: undefined, failed: undefined });
  if (api.get("picture") === OWN) api.redraw();
  else api.set({ picture: OWN });
}

function begin(api) {
  Object.assign(api.own, { started: true, failed: undefined });
  api.redraw();
}

function choices(api) {
  const { own } = api;
  return html`<fieldset class="maps-samples">
      <legend>Picture</legend>
      ${
        own.samples
          ? gallery(own).map(
              ({ name, words, address }) => html`<label title=${words}>
              <input type="radio" name=${`${api.id}-picture`} .checked=${api.get("picture") === name}
                @change=${() => {
                  Object.assign(own, { started: true, failed: undefined });
                  api.set({ picture: name });
                }} />
              <img src=${address(33)} alt=${words} width="44" height="44" loading="lazy" /></label>`,
            )
          : "The sample pictures are on their way."
      }
    </fieldset>
    <div class="maps-own">
      <label class="maps-file">your own picture: <input type="file" accept="image/*" @change=${(event) => {
        if (event.target.files.length) take(api, event.target.files[0]);
        event.target.value = "";
      }} /></label>
      ${button(own.drawing ? "put the pen away" : "draw one", () => {
        own.drawing = !own.drawing;
        api.redraw();
      })}
    </div>
    ${own.drawing ? pad(api) : nothing}
    <p class="soft">${
      api.page
        ? "Your picture stays on your machine: the network runs in this page, and nothing is sent anywhere."
        : "Your picture goes to the kernel of this notebook, where the model is, and nowhere else."
    } It can also be dropped here. The middle square of it is used.</p>`;
}

/** A sheet to draw on. */
function pad(api) {
  const pen = api.own.pen ?? { colour: "#c8102e", width: 14 };
  api.own.pen = pen;
  const draw = (event) => {
    if (event.type === "pointerdown") event.currentTarget.setPointerCapture(event.pointerId);
    if (!event.buttons) return;
    const sheet = event.currentTarget;
    const box = sheet.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top].map((v) => (v * sheet.width) / box.width);
    const brush = sheet.getContext("2d");
    brush.strokeStyle = pen.colour;
    brush.lineWidth = pen.width;
    brush.lineCap = "round";
    brush.beginPath();
    brush.moveTo(...(event.type === "pointerdown" ? [x, y] : pen.at));
    brush.lineTo(x, y);
    brush.stroke();
    pen.at = [x, y];
  };
  const finish = (event) => {
    api.own.mine = event.currentTarget;
    mine(api);
  };
  const wipe = () => {
    const sheet = api.root.querySelector(".maps-pad");
    sheet.getContext("2d").fillStyle = "#bcd9f2";
    sheet.getContext("2d").fillRect(0, 0, sheet.width, sheet.height);
    api.own.mine = sheet;
    mine(api);
  };
  return html`<div class="maps-drawing">
    <canvas class="maps-pad" width="192" height="192" role="img" aria-label="a sheet to draw on with the mouse or a finger"
      @pointerdown=${draw} @pointermove=${draw} @pointerup=${finish}></canvas>
    <div>
      <label>colour <input type="color" .value=${pen.colour} @input=${(e) => (pen.colour = e.target.value)} /></label>
      <label>width <input type="range" min="2" max="60" .value=${String(pen.width)} @input=${(e) => (pen.width = Number(e.target.value))} /></label>
      ${button("a clean sheet", wipe)}
    </div>
  </div>`;
}

function alterations(api) {
  const [height, width] = api.own.about.input;
  const reach = { min: -Math.floor(width / 4), max: Math.floor(width / 4), step: 1, format: (v) => fixed(v, 0) };
  const reset = () => api.set({ shift_x: 0, shift_y: 0, flip: false, blur: 0, occlude: false });
  return html`<div class="controls" role="group" aria-label="change the picture">
    ${slider(api, { name: "shift_x", label: "move right", ...reach })}
    ${slider(api, { name: "shift_y", label: "move down", ...reach })}
    ${slider(api, { name: "blur", label: "blur", min: 0, max: 4, step: 0.5, format: (v) => fixed(v, 1) })}
    ${checkbox(api, { name: "flip", label: "mirror" })}
    ${checkbox(api, { name: "occlude", label: "cover a part" })}
    ${
      api.get("occlude")
        ? html`${slider(api, { name: "occlude_x", label: "cover: column", min: 0, max: width - 1, step: 1, format: (v) => fixed(v, 0) })}
          ${slider(api, { name: "occlude_y", label: "cover: row", min: 0, max: height - 1, step: 1, format: (v) => fixed(v, 0) })}`
        : nothing
    }
    ${button("undo the changes", reset, { disabled: !isChanged(changes(api)) })}
  </div>`;
}

const percent = (share) => `${fixed(100 * share, share > 0 && share < 0.0095 ? 1 : 0)} %`;
const best = (probabilities) => probabilities.indexOf(Math.max(...probabilities));

function verdict({ about, before, now }, altered) {
  const says = (p) => `${about.classes[best(p)]} at ${percent(Math.max(...p))}`;
  if (!altered) return `The network says ${says(now)}.`;
  return best(before) === best(now)
    ? `The network still says ${about.classes[best(now)]}: ${percent(now[best(now)])} after the change, ${percent(before[best(now)])} before.`
    : `The change turns ${says(before)} into ${says(now)}.`;
}

function bars(api) {
  const { about, before, now } = api.own;
  const altered = isChanged(changes(api));
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
  const choose = (layer) =>
    api.set({ layer: layer.name, unit: 0, row: Math.floor(layer.rows / 2), column: Math.floor(layer.columns / 2) });
  return html`<div class="controls">
    ${radios(
      {
        id: api.id,
        get: () => chosenLayer(api).name,
        set: ({ layer }) => choose(layers.find((l) => l.name === layer)),
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
      label: "order",
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

function mapsPanel(api) {
  const { own } = api;
  const layer = chosenLayer(api);
  const order = ordered(own.found, api.get("order"));
  const unit = chosenUnit(api);
  const rank = order.indexOf(unit);
  const [low, high] = limits(own.found, unit, api.get("scale"));
  const silent = own.found.filter(({ max }) => max <= 0).length;
  return html`<div>
    <p>${layer.name}: ${layer.maps} maps of ${layer.rows} × ${layer.columns}${silent ? `; ${silent} of them are silent on this picture` : ""}.
      Each unit sees ${layer.size} × ${layer.size} pixels.</p>
    <canvas class="maps-grid" role="img" aria-label=${`all ${layer.maps} maps of ${layer.name}; map ${unit} is framed`}
      @click=${(event) => {
        const { offsetX, offsetY, currentTarget: canvas } = event;
        const tile = canvas.clientWidth / across(layer.maps);
        const at = Math.floor(offsetY / tile) * across(layer.maps) + Math.floor(offsetX / tile);
        if (at < layer.maps) api.set({ unit: order[at] });
      }}></canvas>
    <p class="maps-scale"><span>${fixed(low, 1)}</span><canvas class="maps-colours" width="128" height="1" aria-hidden="true"></canvas><span>${fixed(high, 1)}</span>
      <span class="soft">activation${api.get("scale") === "map" ? `, on the scale of map ${unit}` : ""}</span></p>
    ${slider(
      { get: () => rank },
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

function place(event, layer) {
  const { offsetX, offsetY, currentTarget: canvas } = event;
  return {
    row: Math.max(0, Math.min(layer.rows - 1, Math.floor((offsetY / canvas.clientHeight) * layer.rows))),
    column: Math.max(0, Math.min(layer.columns - 1, Math.floor((offsetX / canvas.clientWidth) * layer.columns))),
  };
}

function unitPanel(api) {
  const { own } = api;
  const layer = chosenLayer(api);
  const unit = chosenUnit(api);
  const { mean, max } = own.found[unit];
  const [row, column] = own.hover ?? chosenPlace(api);
  const at = own.maps[(row * layer.columns + column) * layer.maps + unit];
  const [height, width] = own.about.input;
  const [top, bottom] = seen(layer, row, height);
  const [left, right] = seen(layer, column, width);
  const hover = (found) => {
    own.hover = found;
    api.redraw();
  };
  const count = (v) => fixed(v, 0);
  return html`<div>
    <p><b>Map ${unit} of ${layer.name}</b>: mean ${fixed(mean, 2)}, maximum ${fixed(max, 2)}.</p>
    <div class="maps-unit">
      <canvas class="maps-one" role="img" aria-label=${`map ${unit} of ${layer.name}, enlarged`}
        @click=${(e) => api.set(place(e, layer))}
        @pointermove=${(e) => e.pointerType === "mouse" && hover(Object.values(place(e, layer)))} @pointerleave=${() => hover(undefined)}></canvas>
      <figure><canvas class="maps-kernel" role="img" aria-label=${`the kernel of map ${unit}`}></canvas>
        <figcaption class="soft">its kernel: ${layer.kernel[0]} × ${layer.kernel[1]}${layer.kernel[2] === 3 ? " in colour" : ` for each of ${layer.kernel[2]} maps below`}</figcaption></figure>
    </div>
    ${slider(api, { name: "row", label: "row", min: 0, max: layer.rows - 1, step: 1, format: count })}
    ${slider(api, { name: "column", label: "column", min: 0, max: layer.columns - 1, step: 1, format: count })}
    <p class="maps-place">In row ${row}, column ${column} it is <b>${fixed(at, 2)}</b>. It sees rows ${top} to ${bottom - 1}, columns ${left} to ${right - 1} of the picture: the frame.</p>
  </div>`;
}

function strongestPanel(api) {
  const { own } = api;
  const { strongest } = own;
  const toggle = (event) => {
    own.wantsStrongest = event.target.open;
    if (own.wantsStrongest) pump(api);
  };
  const unit = chosenUnit(api);
  return html`<details class="maps-strongest" @toggle=${toggle}>
    <summary>What excites map ${unit} of ${chosenLayer(api).name} most</summary>
    ${
      !strongest
        ? html`<p class="soft">Looking.</p>`
        : strongest.error
          ? html`<p>${strongest.error}</p>`
          : html`<ul>${strongest.places.map(
              ({
                value,
                name,
              }) => html`<li><canvas role="img" aria-label=${`${name}, with a frame around what the unit sees`}></canvas>
              <span>${fixed(value, 1)}<br /><span class="soft">${name}</span></span></li>`,
            )}</ul><p class="soft">The strongest places of this map, each in another picture, from ${strongest.source}; the number is the activation.</p>`
    }
  </details>`;
}

function view(api) {
  const { own } = api;
  if (!own.quiet) queueMicrotask(() => pump(api));
  const ready = own.now && own.found && own.mapsOf === chosenLayer(api).name;
  const drop = (event) => {
    event.preventDefault();
    const [file] = event.dataTransfer.files;
    if (file) take(api, file);
  };
  return html`<div class="maps" @dragover=${(e) => e.preventDefault()} @drop=${drop}>
    ${choices(api)}
    ${own.error ? html`<p class="result maps-error" role="alert">${own.error}</p>` : nothing}
    ${
      ready
        ? html`${alterations(api)}
          <p class="result" role="status">${verdict(own, isChanged(changes(api)))}</p>
          <div class="columns">
            <figure class="maps-picture"><canvas role="img" aria-label=${`the picture as the network sees it, ${own.about.input[1]} × ${own.about.input[0]} pixels, with the frame of what the chosen unit sees`}
              @click=${(e) => api.get("occlude") && api.set(covered(e, own.about.input))}></canvas>
              <figcaption class="soft">What the network sees: ${own.about.input[1]} × ${own.about.input[0]} pixels${api.get("occlude") ? "; tap to move the cover" : ""}.</figcaption></figure>
            ${bars(api)}
          </div>
          ${layersAndOrder(api)}
          <div class="columns">${own.kernel ? html`${mapsPanel(api)}${unitPanel(api)}` : nothing}</div>
          ${strongestPanel(api)}
          ${own.about.accuracy ? html`<p class="soft">The network: one GPU's tower of AlexNet for 32 × 32 pictures, trained for this book; ${percent(own.about.accuracy)} of the test pictures right. Data: ${own.about.source}.</p>` : nothing}`
        : own.started
          ? html`<p class="result" role="status">${own.error ? "There are no maps to show yet." : "The network is on its way."}</p>`
          : html`<p class="result">${button("Start the network", () => begin(api))} It is fetched when you ask for it: 5 MB, once.</p>`
    }
  </div>`;
}

function covered({ offsetX, offsetY, currentTarget: canvas }, [height, width]) {
  return {
    occlude_x: Math.min(width - 1, Math.floor((offsetX / canvas.clientWidth) * width)),
    occlude_y: Math.min(height - 1, Math.floor((offsetY / canvas.clientHeight) * height)),
  };
}

/** Colours for numbers: paints rows x columns cells of `zoom` pixels on a canvas's image at a place. */
function fill(image, values, columns, zoom, left, top, tint) {
  values.forEach((value, at) => {
    const [r, g, b] = tint(value);
    const x0 = left + (at % columns) * zoom;
    const y0 = top + Math.floor(at / columns) * zoom;
    for (let y = y0; y < y0 + zoom; y++)
      for (let x = x0; x < x0 + zoom; x++) image.data.set([r, g, b, 255], (y * image.width + x) * 4);
  });
}

function frame(pen, x, y, width, height) {
  // Dark within light shows on every ground.
  for (const [stroke, line] of [
    ["#fff", 4],
    ["#d5008f", 2],
  ]) {
    pen.strokeStyle = stroke;
    pen.lineWidth = line;
    pen.strokeRect(x, y, width, height);
  }
}

function tinted(found, unit, scale) {
  const [low, high] = limits(found, unit, scale);
  const colours = low < 0 ? SIGNED : RISING;
  return (value) => colour(colours, (value - low) / (high - low));
}

function drawn(api) {
  const { own, root } = api;
  const picture = root.querySelector(".maps-picture canvas");
  if (!picture) return;
  const layer = chosenLayer(api);
  const unit = chosenUnit(api);
  const [height, width] = own.about.input;
  const [row, column] = own.hover ?? chosenPlace(api);
  paintPicture(picture, own.shown, [...seen(layer, row, height), ...seen(layer, column, width)]);
  if (own.kernel) {
    paintMaps(root, own, layer, unit, api.get("scale"), ordered(own.found, api.get("order")), [row, column]);
    paintKernel(root.querySelector(".maps-kernel"), own.kernel);
  }
  const tiles = root.querySelectorAll(".maps-strongest canvas");
  if (own.strongest?.places)
    own.strongest.places.forEach(({ place: [r, c] }, rank) => {
      const { side, pixels } = own.strongest;
      const data = new Uint8Array(pixels.buffer, pixels.byteOffset + rank * side * side * 3, side * side * 3);
      paintPicture(tiles[rank], { data, height: side, width: side }, [
        ...seen(layer, r, side),
        ...seen(layer, c, side),
      ]);
    });
}

function paintPicture(canvas, pixels, [top, bottom, left, right]) {
  const zoom = Math.max(1, Math.floor(288 / pixels.width));
  const small = document.createElement("canvas");
  paint(small, pixels);
  canvas.width = pixels.width * zoom;
  canvas.height = pixels.height * zoom;
  const pen = canvas.getContext("2d");
  pen.imageSmoothingEnabled = false;
  pen.drawImage(small, 0, 0, canvas.width, canvas.height);
  frame(pen, left * zoom + 1, top * zoom + 1, (right - left) * zoom - 2, (bottom - top) * zoom - 2);
}

function paintMaps(root, { maps, found }, layer, unit, scale, order, [row, column]) {
  const { rows, columns } = layer;
  const wide = across(layer.maps);
  const zoom = Math.max(1, Math.round(40 / rows));
  const tile = Math.max(rows, columns) * zoom + 4;
  const grid = root.querySelector(".maps-grid");
  grid.width = wide * tile;
  grid.height = Math.ceil(layer.maps / wide) * tile;
  const image = new ImageData(grid.width, grid.height);
  order.forEach((number, at) => {
    const tint = tinted(found, number, scale);
    fill(
      image,
      one(maps, layer, number),
      columns,
      zoom,
      (at % wide) * tile + 2,
      Math.floor(at / wide) * tile + 2,
      tint,
    );
  });
  const pen = grid.getContext("2d");
  pen.putImageData(image, 0, 0);
  const at = order.indexOf(unit);
  frame(pen, (at % wide) * tile + 1, Math.floor(at / wide) * tile + 1, columns * zoom + 2, rows * zoom + 2);

  const large = root.querySelector(".maps-one");
  const more = Math.max(1, Math.floor(256 / Math.max(rows, columns)));
  large.width = columns * more;
  large.height = rows * more;
  const enlarged = new ImageData(large.width, large.height);
  fill(enlarged, one(maps, layer, unit), columns, more, 0, 0, tinted(found, unit, scale));
  const brush = large.getContext("2d");
  brush.putImageData(enlarged, 0, 0);
  frame(brush, column * more + 1, row * more + 1, more - 2, more - 2);

  const strip = root.querySelector(".maps-colours");
  const colours = new ImageData(128, 1);
  const scaled = unsigned(found) ? RISING : SIGNED;
  fill(
    colours,
    Array.from({ length: 128 }, (_, x) => x / 127),
    128,
    1,
    0,
    0,
    (share) => colour(scaled, share),
  );
  strip.getContext("2d").putImageData(colours, 0, 0);
}

/** A kernel over three colours as one coloured tile; a deeper one as a slice for each map below. */
function paintKernel(canvas, { shape: [rows, columns, inputs], weights }) {
  const far = weights.reduce((most, weight) => Math.max(most, Math.abs(weight)), 0) || 1;
  const coloured = inputs === 3;
  const wide = coloured ? 1 : Math.min(16, inputs);
  const zoom = coloured ? Math.floor(128 / rows) : Math.max(2, Math.floor(16 / rows));
  const gap = coloured ? 0 : 2;
  canvas.width = wide * (columns * zoom + gap);
  canvas.height = (coloured ? 1 : Math.ceil(inputs / wide)) * (rows * zoom + gap);
  const image = new ImageData(canvas.width, canvas.height);
  const cells = Array.from({ length: rows * columns }, (_, at) => at);
  if (coloured)
    fill(image, cells, columns, zoom, 0, 0, (at) => [0, 1, 2].map((c) => 127.5 + (127.5 * weights[at * 3 + c]) / far));
  else
    for (let input = 0; input < inputs; input++) {
      const [left, top] = [(input % wide) * (columns * zoom + gap), Math.floor(input / wide) * (rows * zoom + gap)];
      fill(image, cells, columns, zoom, left, top, (at) =>
        colour(SIGNED, 0.5 + weights[at * inputs + input] / far / 2),
      );
    }
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
