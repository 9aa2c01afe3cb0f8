import assert from "node:assert/strict";
import test from "node:test";
import { draw, enter, text } from "./setup.mjs";

const module = await import("../../alexnet/explorers/front/towers.mjs");

const row = (name, kind, output_shape, inputs, more) => ({
  name,
  kind,
  output_shape,
  inputs,
  groups: inputs.length,
  parameters: 0,
  macs: 0,
  crosses: false,
  settings: {},
  ...more,
});
const place = (receptive_field, jump, start) => ({ receptive_field, jump, start });
const PADS = [
  [1, 1],
  [1, 1],
];

/** Two towers of a convolution each, one convolution within them, one across them, and an output. */
const TWO = {
  title: "two towers",
  towers: 2,
  parameters: 56 + 152 + 584 + 2570,
  macs: 3024 + 9216 + 36864 + 2560,
  layers: [
    row("input", "input", [16, 16, 1], [[0, 1]], place(1, 1, 0)),
    row("conv1", "conv", [8, 8, 4], [[0, 1]], {
      ...{ kernel: 3, stride: 2, padding: PADS, parameters: 40, macs: 2304, settings: { bias: 0 } },
      ...place(3, 2, -1),
    }),
    row(
      "conv2",
      "conv",
      [8, 8, 8],
      [
        [0, 2],
        [2, 4],
      ],
      {
        ...{ kernel: 3, stride: 1, padding: PADS, parameters: 152, macs: 9216 },
        ...place(7, 2, -3),
      },
    ),
    row("conv3", "conv", [8, 8, 8], [[0, 8]], {
      ...{ kernel: 3, stride: 1, padding: PADS, parameters: 584, macs: 36864, crosses: true },
      ...place(11, 2, -5),
    }),
    row("fc4", "fc", [10], [[0, 512]], { parameters: 5130, macs: 5120, crosses: true }),
  ],
};
const ONE = {
  ...TWO,
  title: "one tower",
  towers: 1,
  layers: [
    ...TWO.layers.slice(0, 2),
    row("pool1", "pool", [4, 4, 4], [[0, 4]], { kernel: 2, stride: 2, padding: PADS, ...place(5, 4, -1) }),
    row("fc4", "fc", [10], [[0, 64]], { parameters: 650, macs: 640 }),
  ],
};
const STATE = {
  table: { two: TWO, one: ONE },
  presets: ["two", "one"],
  preset: "two",
  other: "",
  layer: "conv2",
  batch: 128,
};
const named = (name, net = TWO) => net.layers.find((layer) => layer.name === name);

test("parameters and MACs are counted as products", () => {
  assert.deepEqual(module.counted(named("conv2")), {
    parameters: "8 × (3·3·2) + 8",
    macs: "8·8 × 8 × (3·3·2)",
  });
  assert.equal(module.counted({ ...named("conv2"), parameters: 144 }).parameters, "8 × (3·3·2)");
  assert.deepEqual(module.counted(named("fc4")), { parameters: "10 × 512 + 10", macs: "10 × 512" });
  assert.deepEqual(module.counted(named("pool1", ONE)), { parameters: "", macs: "" });
});

test("what a unit reads", () => {
  assert.equal(module.sight(TWO, named("conv1")), "1 channel of the image, the same on both GPUs");
  assert.equal(module.sight(TWO, named("conv2")), "2 maps of 4, those of its own GPU");
  assert.equal(module.sight(TWO, named("conv3")), "all 8 maps, across both GPUs");
  assert.equal(module.sight(ONE, named("fc4", ONE)), "all 64 values");
});

test("bytes of activations", () => {
  assert.equal(module.activationBytes(named("conv1"), 3), 3 * 8 * 8 * 4 * 4);
  assert.equal(module.activationBytes(named("input"), 3), 0);
  assert.equal(module.activationBytes(row("drop", "dropout", [10], [[0, 10]]), 3), 0);
  assert.deepEqual([999, 61440, 148684800, 2.5e9].map(module.bytes), ["999 bytes", "61.4 kB", "148.7 MB", "2.5 GB"]);
});

test("the window of the unit in the middle", () => {
  assert.deepEqual(module.field(named("conv3")), { top: 1, left: 1, side: 11, jump: 2 });
  assert.equal(module.field(named("fc4")), null);
});

test("boxes are to scale: sides and depths by their square roots", () => {
  const { columns, width, height, pitch } = module.layout(TWO);
  const [input, conv1, conv2, , fc4] = columns.map(({ box }) => box);
  assert.ok(Math.abs(input.high / conv1.high - Math.SQRT2) < 1e-9);
  assert.ok(Math.abs(conv2.wide / conv1.wide - Math.SQRT2) < 1e-9);
  assert.ok(Math.abs(fc4.high / conv2.wide - Math.sqrt(10 / 4)) < 1e-9);
  assert.deepEqual(
    columns.map(({ box }) => box.tops.length),
    [1, 2, 2, 2, 1],
  );
  assert.equal(height, 2 * pitch);
  for (const [n, { left, right, box }] of columns.entries()) {
    assert.ok(left < box.x && box.x + box.wide + box.slant <= right + 1e-9 && right <= width);
    if (n) assert.equal(left, columns[n - 1].right);
  }
});

test("a comparison names what differs and what is missing", () => {
  const rows = module.compare(TWO, ONE);
  assert.deepEqual(
    rows.map((line) => line.name),
    ["pool1", "conv2", "conv3", "fc4"],
  );
  assert.deepEqual(rows[0].cells, ["– → 4×4×4", "– → 2×2\u00a0/2", "", "", ""]);
  assert.equal(rows[3].cells[3], "5,130 → 650");
  assert.deepEqual(module.compare(TWO, TWO), []);
  const shifted = { ...TWO, layers: [...TWO.layers] };
  shifted.layers[1] = { ...shifted.layers[1], start: 0, settings: { bias: 1 } };
  assert.deepEqual(
    module.compare(TWO, shifted).map(({ name, also }) => [name, also]),
    [["conv1", "start, bias"]],
  );
});

test("lines cross only where a layer reads both towers", () => {
  const { root } = draw(module, STATE);
  assert.equal(root.querySelectorAll(".across").length, 4 + 2);
  assert.equal(root.querySelectorAll(".across[stroke-dasharray]").length, 2);
  assert.equal(root.querySelectorAll(".within").length, 2 + 2);
  assert.match(root.querySelector(".towers-scene").getAttribute("aria-label"), /Across the GPUs read conv3, fc4\./);
});

test("a button chooses a layer", () => {
  const { model, root } = draw(module, STATE);
  const before = root.querySelector(".towers-field").innerHTML;
  const button = [...root.querySelectorAll(".towers-layer")].find((b) => text(b).startsWith("conv3"));
  button.click();
  assert.equal(model.get("layer"), "conv3");
  assert.equal(button.getAttribute("aria-pressed"), "true");
  assert.equal(root.querySelectorAll('[aria-pressed="true"]').length, 1);
  assert.match(text(root.querySelector(".result")), /584 of 3,362 parameters \(17\.4 %\).*across both GPUs/);
  assert.notEqual(root.querySelector(".towers-field").innerHTML, before);
});

test("the batch changes only the activations", () => {
  const { root } = draw(module, STATE);
  const bars = () => [...root.querySelectorAll(".towers-bar")].map(text);
  const before = bars();
  enter(root.querySelector('input[type="range"]'), 1);
  const after = bars();
  assert.deepEqual(after.slice(0, 2), before.slice(0, 2));
  assert.match(after[2], new RegExp(module.bytes(4 * (256 + 512 + 512 + 10))));
});

test("shares are in proportion", () => {
  const { root } = draw(module, STATE);
  const grown = (name) =>
    Number(
      root
        .querySelector(`[data-quantity="macs"] [data-layer="${name}"]`)
        .getAttribute("style")
        .match(/flex:(\d+)/)[1],
    );
  assert.deepEqual(["conv1", "conv2", "conv3", "fc4"].map(grown), [2304, 9216, 36864, 5120]);
  assert.equal(root.querySelector('[data-quantity="macs"] [data-layer="input"]'), null);
});

test("another network, without the chosen layer, and a comparison from outside", () => {
  const { model, root } = draw(module, STATE);
  enter(root.querySelectorAll("select")[0], "one");
  assert.equal(model.get("preset"), "one");
  assert.match(text(root.querySelector(".result")), /^conv1 /);
  assert.equal(root.querySelector(".across"), null);
  assert.equal(root.querySelector(".gpu"), null);
  model.set("other", "two");
  model.save_changes();
  assert.match(text(root), /one → two: 4 layers differ\./);
});
