import assert from "node:assert/strict";
import test from "node:test";
import { changed, kind, shrunk } from "../../alexnet/explorers/front/pictures.mjs";

const NONE = { shiftX: 0, shiftY: 0, flip: false, blur: 0, occlude: false, occludeX: 0, occludeY: 0 };
const bytes = (text) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));

/** A picture of one number for each pixel, in all three colours. */
function grey(rows) {
  const height = rows.length;
  const width = rows[0].length;
  return { data: Uint8Array.from(rows.flat().flatMap((n) => [n, n, n])), height, width };
}

/** The numbers of a picture whose colours are alike. */
function numbers({ data, height, width }) {
  assert.equal(data.length, height * width * 3);
  const rows = Array.from({ length: height }, (_, row) =>
    Array.from({ length: width }, (_, column) => data[(row * width + column) * 3]),
  );
  for (let at = 0; at < data.length; at++) assert.equal(data[at], data[at - (at % 3)]);
  return rows;
}

const change = (rows, what) => numbers(changed(grey(rows), { ...NONE, ...what }));

test("what a file is, from its first bytes", () => {
  for (const [start, wanted] of [
    [Uint8Array.of(0xff, 0xd8, 0xff, 0xe0), "jpeg"],
    [bytes("\x89PNG\r\n\x1a\n"), "png"],
    [bytes("GIF89a"), "gif"],
    [bytes("RIFF\x10\0\0\0WEBPVP8 "), "webp"],
    [bytes("RIFF\x10\0\0\0WAVEfmt "), "unknown"],
    [bytes("BM\x36\0"), "bmp"],
    [bytes("\0\0\0\x1cftypavif"), "avif"],
    [bytes("\0\0\0\x18ftypheic"), "heic"],
    [bytes("\0\0\0\x18ftypmp42"), "unknown"],
    [bytes("  <SVG xmlns="), "markup"],
    [bytes("<?xml version='1.0'?>"), "markup"],
    [bytes("<!DOCTYPE html>"), "markup"],
    [bytes("<html>"), "markup"],
    [bytes("Dear reader"), "unknown"],
    [new Uint8Array(), "unknown"],
    [new Uint8Array(300), "unknown"],
  ])
    assert.equal(kind(start), wanted);
});

test("means over areas, rounded, without the fourth number", () => {
  // Two by four pixels, to one by two of the means of four.
  const rgba = [
    [0, 10, 100, 255],
    [1, 20, 100, 255],
    [200, 0, 7, 0],
    [200, 0, 7, 9],
    [2, 30, 100, 255],
    [3, 40, 101, 255],
    [100, 0, 7, 255],
    [101, 0, 8, 255],
  ].flat();
  const { data, height, width } = shrunk(rgba, 2, 1, 2);
  // 1.5, 25 and 100.25; 150.25, 0 and 7.25.
  assert.deepEqual([...data], [2, 25, 100, 150, 0, 7]);
  assert.deepEqual([height, width], [1, 2]);
  assert.deepEqual([...shrunk(Uint8Array.of(9, 8, 7, 6), 1, 1, 1).data], [9, 8, 7]);
});

test("a picture is moved, and its edge repeated", () => {
  const rows = [
    [1, 2, 3],
    [4, 5, 6],
  ];
  assert.deepEqual(change(rows, { shiftX: 1 }), [
    [1, 1, 2],
    [4, 4, 5],
  ]);
  assert.deepEqual(change(rows, { shiftX: -2, shiftY: 1 }), [
    [3, 3, 3],
    [3, 3, 3],
  ]);
  assert.deepEqual(change(rows, {}), rows);
});

test("it is mirrored after it is moved", () => {
  assert.deepEqual(change([[1, 2, 3]], { flip: true }), [[3, 2, 1]]);
  assert.deepEqual(change([[1, 2, 3]], { flip: true, shiftX: 1 }), [[2, 1, 1]]);
});

test("it is blurred by a Gaussian, along both axes", () => {
  // exp(-1/2σ²), σ = 0.5: 1, 0.135335, 0.000335; their sum on both sides 1.271341.
  const [near, far] = [Math.exp(-2), Math.exp(-8)];
  const sum = 1 + 2 * near + 2 * far;
  const along = (n) => Math.floor((255 * n) / sum + 0.5);
  assert.deepEqual(change([[0, 0, 0, 255, 0, 0, 0]], { blur: 0.5 }), [[0, 0, 27, 201, 27, 0, 0]]);
  assert.deepEqual([along(far), along(near), along(1)], [0, 27, 201]);
  const square = change(
    [
      [0, 0, 0],
      [0, 255, 0],
      [0, 0, 0],
    ],
    { blur: 0.5 },
  );
  assert.equal(square[1][1], Math.floor(255 * ((1 / sum) * (1 / sum)) + 0.5));
  // Beyond the edge it goes on with the edge: what is flat stays flat, whatever the width.
  for (const blur of [0.5, 1, 2.5, 4]) assert.deepEqual(change([[7, 7, 7]], { blur }), [[7, 7, 7]]);
});

test("it is covered last, a quarter of its height", () => {
  const rows = Array.from({ length: 8 }, () => Array(8).fill(1));
  const covered = change(rows, { occlude: true, occludeX: 4, occludeY: 2, blur: 1 });
  const at = covered.flatMap((row, r) => row.flatMap((n, c) => (n === 128 ? [[r, c]] : [])));
  assert.deepEqual(at, [
    [1, 3],
    [1, 4],
    [2, 3],
    [2, 4],
  ]);
  const corner = change(rows, { occlude: true, occludeX: 0, occludeY: 7 });
  assert.deepEqual([corner[7][0], corner[6][0], corner[7][1]], [128, 128, 1]);
  assert.deepEqual(change(rows, { occlude: true, occludeX: 99, occludeY: 99 }), rows);
  assert.deepEqual(change(rows, { occlude: false, occludeX: 4, occludeY: 2 }), rows);
  // Three pixels high, it still is one pixel.
  assert.deepEqual(change([[1], [1], [1]], { occlude: true, occludeX: 0, occludeY: 1 }), [[1], [128], [1]]);
});

test("the picture that is changed stays as it was", () => {
  const picture = grey([[1, 2, 3]]);
  changed(picture, { ...NONE, shiftX: 1, flip: true, blur: 1, occlude: true });
  assert.deepEqual(numbers(picture), [[1, 2, 3]]);
});
