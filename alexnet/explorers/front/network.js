// A trained network in the browser, off the page's own thread: LiteRT.js runs the .tflite file that `make weights` made.
// A classic worker, as the runtime's loader calls importScripts.

const here = self.location.href;
const loaded = load();
// The picture that was run last, and what came out.
let recent = { pixels: new Uint8Array() };

async function load() {
  if (typeof WebAssembly !== "object") throw new Error("This browser has no WebAssembly, so no network can run in it.");
  const [about, weights] = await Promise.all([
    fetched("assets/cifar10-tower.json").then((answer) => answer.json()),
    fetched("assets/cifar10-tower.tflite").then((answer) => answer.arrayBuffer()),
    runtime(),
  ]);
  const { loadAndCompile, Tensor } = await litert();
  const network = await loadAndCompile(new Uint8Array(weights), { accelerator: "wasm" });
  return { about, weights, network, Tensor };
}

const litert = () => import(new URL("vendor/litert/litert.mjs", here));

async function fetched(path) {
  let why;
  try {
    const answer = await fetch(new URL(path, here));
    if (answer.ok) return answer;
    why = `${answer.status} ${answer.statusText}`;
  } catch (error) {
    why = error.message;
  }
  throw new Error(`A part of the network could not be fetched: ${path} (${why}).`);
}

async function runtime() {
  let content = (await fetched("vendor/litert/runtime.wasm.gz")).body;
  const [first, rest] = content.tee();
  const reader = first.getReader();
  const { value } = await reader.read();
  reader.cancel();
  // A host that knows .gz has already unpacked it.
  content = value[0] === 0x1f && value[1] === 0x8b ? rest.pipeThrough(new DecompressionStream("gzip")) : rest;
  self.Module = { wasmBinary: await new Response(content).arrayBuffer() };
  // What it says about itself is of no use to a reader; its errors come as exceptions.
  self.Module.print = self.Module.printErr = () => {};
  const { Environment, loadLiteRt } = await litert();
  // Only the processor is used; without this it asks for a graphics device first, and warns where there is none.
  Environment.create = async () => new Environment({ webGpuDevice: null });
  await loadLiteRt(new URL("vendor/litert/runtime.js", here).href);
}

const convolutions = (about) =>
  Object.keys(about.layers).filter((name) => about.layers[name].kernel.shape.length === 4);

/** The activations of all layers by name, and the probabilities of a picture. */
async function ran({ about, network, Tensor }, buffer) {
  const pixels = new Uint8Array(buffer);
  if (pixels.length === recent.pixels.length && pixels.every((value, at) => value === recent.pixels[at])) return recent;
  const input = new Tensor(Float32Array.from(pixels), [1, ...about.input]);
  const outputs = await network.run({ [network.getInputDetails()[0].name]: input });
  input.delete();
  // output_0 and on are in the order of about.outputs; the list of outputs is in another.
  const maps = new Map(about.outputs.map((name, at) => [name, outputs[`output_${at}`].toTypedArray().slice()]));
  for (const output of Object.values(outputs)) output.delete();
  recent = { pixels, maps, probabilities: maps.get("probabilities") };
  return recent;
}

const questions = {
  async describe({ about }) {
    const fields = about.fields;
    const layers = convolutions(about).map((name) => {
      const [filters, side, , inputs] = about.layers[name].kernel.shape;
      return { name, maps: filters, kernel: [side, side, inputs], ...fields[name] };
    });
    return {
      answer: {
        layers,
        classes: about.class_names,
        input: about.input,
        accuracy: about.test_accuracy,
        source: about.dataset,
      },
    };
  },

  async run(ready, _, [pixels]) {
    return { answer: { probabilities: [...(await ran(ready, pixels)).probabilities] } };
  },

  // Another explorer of the page may have run another picture meanwhile, so that the question comes with its own.
  async maps(ready, layer, [pixels]) {
    const { maps } = await ran(ready, pixels);
    if (!maps.has(layer)) throw new Error(`There is no layer ${layer}.`);
    return { answer: {}, buffers: [maps.get(layer).slice().buffer] };
  },

  async kernel({ about, weights }, { layer, unit }) {
    const { offset, shape } = about.layers[layer].kernel;
    const [, side, , inputs] = shape;
    const count = side * side * inputs;
    const halves = new Uint16Array(weights.slice(offset + unit * count * 2, offset + (unit + 1) * count * 2));
    return { answer: { shape: [side, side, inputs] }, buffers: [Float32Array.from(halves, half).buffer] };
  },
};

/** The number of a float16's bits. */
function half(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const power = (bits >> 10) & 0x1f;
  const part = bits & 0x3ff;
  if (power === 0) return sign * part * 2 ** -24;
  if (power === 31) return part ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + part / 1024) * 2 ** (power - 15);
}

// One after the other: the runtime holds one run at a time.
let last = loaded.catch(() => {});
self.onmessage = ({ data: { id, question, buffers } }) => {
  last = last.then(async () => {
    let ready;
    try {
      ready = await loaded;
      const [[kind, what]] = Object.entries(question);
      const { answer, buffers: parts = [] } = await questions[kind](ready, what, buffers);
      self.postMessage({ id, answer, buffers: parts }, parts);
    } catch (error) {
      // Without a network this worker is of no further use; the page starts another for the next question.
      self.postMessage({ id, error: error.message, lost: !ready });
    }
  });
};
