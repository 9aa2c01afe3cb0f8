// Pictures as pixels: read from whatever file the reader gives, shrunk to what a network takes, and changed.
// Pixels are {data: Uint8Array of height x width x 3, height, width}.

const LARGEST_FILE = 60e6;
const MOST_PIXELS = 80e6;
const GREY = 128;
const DAMAGED = "This picture cannot be read: the file is damaged or incomplete.";

/** What a file is, from its first bytes: a file's name and type are only claims. */
export function kind(start) {
  const text = String.fromCharCode(...start.slice(0, 256));
  if (start[0] === 0xff && start[1] === 0xd8) return "jpeg";
  if (text.startsWith("\x89PNG")) return "png";
  if (text.startsWith("GIF8")) return "gif";
  if (text.startsWith("RIFF") && text.slice(8, 12) === "WEBP") return "webp";
  if (text.startsWith("BM")) return "bmp";
  if (text.slice(4, 12).startsWith("ftypavif")) return "avif";
  if (/^ftyp(?:hei|hev|mif1|msf1)/.test(text.slice(4, 12))) return "heic";
  if (/<svg|<\?xml|<!doctype|<html/i.test(text)) return "markup";
  return "unknown";
}

const REFUSED = {
  markup: "This is a text file, perhaps an SVG drawing. Save it as PNG or JPEG first.",
  heic: "This is a HEIC picture, which most browsers do not read. Save it as JPEG first.",
  unknown: "This file is not a picture that browsers read (JPEG, PNG, GIF, WebP, BMP or AVIF).",
};

/** A picture from a file, as something that can be drawn on a canvas. Rejects with words for the reader. */
export async function opened(file) {
  if (file.size === 0) throw new Error("This file is empty.");
  if (file.size > LARGEST_FILE)
    throw new Error(`This file has ${Math.round(file.size / 1e6)} MB; up to 60 MB are read.`);
  const found = kind(new Uint8Array(await file.slice(0, 256).arrayBuffer()));
  if (found in REFUSED) throw new Error(REFUSED[found]);
  // Its content decides what it is read as, and not its name.
  const content = new Blob([file], { type: `image/${found}` });
  // The size is known before anything is unpacked: a small file can hold a picture larger than the memory.
  const [width, height] = await size(content);
  if (width * height > MOST_PIXELS)
    throw new Error(
      `This picture has ${width.toLocaleString("en-US")} × ${height.toLocaleString("en-US")} pixels; up to 80 million are read.`,
    );
  try {
    // From the file itself it is unpacked off the page's own thread; its first frame, and upright.
    return await createImageBitmap(content);
  } catch {
    throw new Error(DAMAGED);
  }
}

async function size(content) {
  const address = URL.createObjectURL(content);
  try {
    const image = new Image();
    await new Promise((resolve, reject) => {
      image.onload = resolve;
      image.onerror = () => reject(new Error(DAMAGED));
      image.src = address;
    });
    return [image.naturalWidth, image.naturalHeight];
  } finally {
    URL.revokeObjectURL(address);
  }
}

/** The middle of a drawable, shrunk to height x width pixels by means over areas; on white where transparent. */
export function framed(drawable, height, width) {
  const share = Math.min(drawable.height / height, drawable.width / width);
  const cut = { width: share * width, height: share * height };
  // The canvas shrinks to at most eight times the size, the means do the rest, alike in every browser.
  const factor = Math.max(1, Math.min(8, Math.floor(share)));
  const canvas = document.createElement("canvas");
  canvas.width = width * factor;
  canvas.height = height * factor;
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.imageSmoothingEnabled = share !== factor;
  pen.imageSmoothingQuality = "high";
  const left = (drawable.width - cut.width) / 2;
  const top = (drawable.height - cut.height) / 2;
  pen.drawImage(drawable, left, top, cut.width, cut.height, 0, 0, canvas.width, canvas.height);
  return shrunk(pen.getImageData(0, 0, canvas.width, canvas.height).data, factor, height, width);
}

/** Means over squares of factor x factor: RGBA pixels to pixels of height x width. */
export function shrunk(rgba, factor, height, width) {
  const data = new Uint8Array(height * width * 3);
  for (let row = 0; row < height; row++)
    for (let column = 0; column < width; column++)
      for (let c = 0; c < 3; c++) {
        let sum = 0;
        for (let y = row * factor; y < (row + 1) * factor; y++)
          for (let x = column * factor; x < (column + 1) * factor; x++) sum += rgba[(y * width * factor + x) * 4 + c];
        data[(row * width + column) * 3 + c] = Math.floor(sum / factor ** 2 + 0.5);
      }
  return { data, height, width };
}

/** Pixels moved, mirrored, blurred and covered, in this order; as `changed` in featuremaps.py. */
export function changed({ data, height, width }, { shiftX, shiftY, flip, blur, occlude, occludeX, occludeY }) {
  const within = (value, length) => Math.max(0, Math.min(length - 1, value));
  let now = new Float64Array(data.length);
  for (let row = 0; row < height; row++)
    for (let column = 0; column < width; column++) {
      const target = flip ? width - 1 - column : column;
      const from = (within(row - shiftY, height) * width + within(column - shiftX, width)) * 3;
      for (let c = 0; c < 3; c++) now[(row * width + target) * 3 + c] = data[from + c];
    }
  if (blur) {
    const reach = Math.ceil(3 * blur);
    const weights = Array.from({ length: 2 * reach + 1 }, (_, at) => Math.exp(-((at - reach) ** 2) / (2 * blur ** 2)));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    for (const down of [true, false]) {
      const before = now;
      now = new Float64Array(data.length);
      for (let row = 0; row < height; row++)
        for (let column = 0; column < width; column++)
          for (let at = 0; at < weights.length; at++) {
            const y = down ? within(row + at - reach, height) : row;
            const x = down ? column : within(column + at - reach, width);
            for (let c = 0; c < 3; c++)
              now[(row * width + column) * 3 + c] += (weights[at] / total) * before[(y * width + x) * 3 + c];
          }
    }
    // What lies halfway must fall alike here and in Python, whose sums differ in their last digit.
    now = now.map((value) => Math.floor(value + 0.5 + 1e-9));
  }
  if (occlude) {
    const side = Math.max(1, Math.floor(height / 4));
    const top = occludeY - Math.floor(side / 2);
    const left = occludeX - Math.floor(side / 2);
    for (let row = Math.max(0, top); row < Math.min(height, top + side); row++)
      now.fill(GREY, (row * width + Math.max(0, left)) * 3, (row * width + Math.min(width, left + side)) * 3);
  }
  return { data: Uint8Array.from(now), height, width };
}

/** Paints pixels on a canvas of their own size. */
export function paint(canvas, { data, height, width }) {
  canvas.width = width;
  canvas.height = height;
  const image = new ImageData(width, height);
  for (let at = 0; at < width * height; at++) {
    for (let c = 0; c < 3; c++) image.data[at * 4 + c] = data[at * 3 + c];
    image.data[at * 4 + 3] = 255;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}
