// Answers the feature-map explorer's questions on the published page: from the network in the worker, and from the
// files beside the modules. The reader's picture goes no further than this.

let worker;
let count = 0;
const waiting = new Map();

function start() {
  const mine = new Worker(new URL("network.js", import.meta.url));
  worker = mine;
  mine.onmessage = ({ data: { id, error, lost, answer, buffers } }) => {
    const { resolve, reject } = waiting.get(id) ?? {};
    waiting.delete(id);
    if (lost) end(error);
    if (error) reject?.(new Error(error));
    else resolve?.({ answer, buffers });
  };
  mine.onerror = (event) => {
    event.preventDefault();
    end(`The network could not be started. ${event.message ?? ""}`.trim());
  };

  /** Gives the worker up, and all that it was asked; the next question starts another. */
  function end(words) {
    if (worker !== mine) return;
    mine.terminate();
    worker = undefined;
    for (const { reject } of waiting.values()) reject(new Error(words));
    waiting.clear();
  }
}

async function asset(name) {
  const answer = await fetch(new URL(`assets/${name}`, import.meta.url));
  if (!answer.ok)
    throw new Error(`The pictures could not be fetched: ${name} (${answer.status} ${answer.statusText}).`);
  return answer;
}

const patches = new Map();

/** The strongest places of a map: an atlas of pictures a layer, cut when the site was built. */
async function strongest({ layer, unit }) {
  if (!patches.has(layer)) {
    const list = asset(`strongest-${layer}.json`).then((answer) => answer.json());
    const atlas = asset(`strongest-${layer}.webp`)
      .then((answer) => answer.blob())
      .then(pixels);
    const both = Promise.all([list, atlas]);
    both.catch(() => patches.delete(layer));
    patches.set(layer, both);
  }
  const [list, atlas] = await patches.get(layer);
  const { side } = list;
  const places = list.maps[unit].map(([tile, ...place], rank) => ({
    place,
    value: list.values[unit][rank],
    name: list.names[tile],
  }));
  const across = atlas.width / side;
  const cut = new Uint8Array(places.length * side * side * 3);
  list.maps[unit].forEach(([tile], rank) => {
    const left = (tile % across) * side;
    const top = Math.floor(tile / across) * side;
    for (let row = 0; row < side; row++)
      for (let column = 0; column < side; column++)
        for (let c = 0; c < 3; c++)
          cut[((rank * side + row) * side + column) * 3 + c] =
            atlas.data[((top + row) * atlas.width + left + column) * 4 + c];
  });
  return { answer: { places, source: list.source, height: side, width: side }, buffers: [cut.buffer] };
}

async function pixels(blob) {
  const picture = await createImageBitmap(blob);
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  const pen = canvas.getContext("2d");
  pen.drawImage(picture, 0, 0);
  return pen.getImageData(0, 0, picture.width, picture.height);
}

/** The answer to a question; raises what went wrong. */
export function answer(question, buffers) {
  if (question.strongest) return strongest(question.strongest);
  if (!worker) start();
  const id = ++count;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject });
    worker.postMessage({ id, question, buffers });
  });
}
