// Pictures as pixels: read from whatever file the reader gives, shrunk to what a network takes, and changed.
// Pixels are {data: Uint8Array of height x width x 3, height, width}.

const LARGEST_FILE = 60e6;
const MOST_PIXELS = 80e6;
const GREY = 128;

/** What a file is, from its first bytes: a file's name and type are only claims. */
export function kind(start) {
  const text = String.fromCharCode(...start.slice(0, 256));
  if (start[0] === 0xff && start[1] === 0xd8) return "jpeg";
  if (text.startsWith("\x89PNG")) return "png";
  if (text.startsWith("GIF8")) return "gif";
  if (text.startsWith("RIFF") && text.slice(8, 12) === "WEBP") return "webp";
  if (text.startsWith("BM")) return "bmp";
  if (text.slice(4, 12).startsWith("ftypavif")) return "avif";
  if (/<svg|<\?xml|<!doctype/i.test(text)) return "markup";
  return "unknown";
}

/** A picture from a file, as something that can be drawn on a canvas. Rejects with words for the reader. */
export async function opened(file) {
  if (file.size === 0) throw new Error("This file is empty.");
  if (file.size > LARGEST_FILE)
    throw new Error(`This file has ${Math.round(file.size / 1e6)} MB; up to 60 MB are read.`);
  const found = kind(new Uint8Array(await file.slice(0, 256).arrayBuffer()));
  if (found === "markup") throw new Error("This is a text file, perhaps an SVG drawing. Save it as PNG or JPEG first.");
  if (found === "unknown")
    throw new Error("This file is not a picture that browsers read (JPEG, PNG, GIF, WebP, BMP or AVIF).");
  const address = URL.createObjectURL(file);
  try {
    const image = new Image();
    await new Promise((resolve, reject) => {
      image.onload = resolve;
      image.onerror = () => reject(new Error("This picture cannot be read: the file is damaged or incomplete."));
      image.src = address;
    });
    // The size is known before anything is unpacked: a small file can hold a picture larger than the memory.
    const { naturalWidth: width, naturalHeight: height } = image;
    if (width * height > MOST_PIXELS)
      throw new Error(
        `This picture has ${width.toLocaleString("en-US")} × ${height.toLocaleString("en-US")} pixels; up to 80 million are read.`,
      );
    return await createImageBitmap(image);
  } catch (error) {
    if (error instanceof DOMException)
      throw new Error("This picture cannot be read: the file is damaged or incomplete.");
    throw error;
  } finally {
    URL.revokeObjectURL(address);
  }
}

/** The middle square of a drawable, shrunk to side x side pixels by means over areas; on white where transparent. */
export function square(drawable, side) {
  const { width, height } = drawable;
  const cut = Math.min(width, height);
  // The canvas shrinks to at most eight times the size, the means do the rest, alike in every browser.
  const large = side * Math.max(1, Math.min(8, Math.floor(cut / side)));
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = large;
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, large, large);
  pen.imageSmoothingEnabled = cut !== large;
  pen.imageSmoothingQuality = "high";
  pen.drawImage(drawable, (width - cut) / 2, (height - cut) / 2, cut, cut, 0, 0, large, large);
  const { data } = pen.getImageData(0, 0, large, large);
  return shrunk(data, large, side);
}

/** Means over areas: RGBA of large x large pixels to pixels of side x side. */
export function shrunk(rgba, large, side) {
  const factor = large / side;
  const data = new Uint8Array(side * side * 3);
  for (let row = 0; row < side; row++)
    for (let column = 0; column < side; column++)
      for (let c = 0; c < 3; c++) {
        let sum = 0;
        for (let y = row * factor; y < (row + 1) * factor; y++)
          for (let x = column * factor; x < (column + 1) * factor; x++) sum += rgba[(y * large + x) * 4 + c];
        data[(row * side + column) * 3 + c] = Math.floor(sum / factor ** 2 + 0.5);
      }
  return { data, height: side, width: side };
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
    now = now.map((value) => Math.floor(value + 0.5));
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
