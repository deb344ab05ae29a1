// The raster: bands of populations over time, drawn on a canvas; wheel, drag, double click and keys move the window.
"use strict";

// A window of time that several panels share.
class TimeWindow {
  constructor(start, stop) {
    this.full = { start, stop };
    Object.assign(this, { start, stop, listeners: [] });
  }

  get span() {
    return this.stop - this.start;
  }

  set(start, stop, source) {
    const { full } = this;
    const span = Math.min(Math.max(stop - start, 1e-3), full.stop - full.start);
    start = Math.min(Math.max(start, full.start), full.stop - span);
    if (start === this.start && start + span === this.stop) return;
    this.start = start;
    this.stop = start + span;
    for (const listener of this.listeners) listener(source);
  }

  zoom(factor, at, source) {
    const span = Math.min(Math.max(this.span * factor, 1e-3), this.full.stop - this.full.start);
    const start = at - ((at - this.start) / this.span) * span;
    this.set(start, start + span, source);
  }

  pan(by, source) {
    this.set(this.start + by, this.stop + by, source);
  }
}

const MARGIN = { left: 108, right: 30, top: 10, bottom: 46 };

// A few cells need no more room than their marks.
function heightFor(bands) {
  const cells = bands.reduce((sum, band) => sum + band.size, 0);
  return Math.min(460, MARGIN.top + MARGIN.bottom + Math.max(28 * Math.min(cells, 100), 18 * bands.length, 50));
}

function niceTicks(low, high, most) {
  const raw = (high - low) / Math.max(most, 1), power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= raw * 0.999);
  const ticks = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) ticks.push(k * step || 0);
  return { ticks, digits: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) };
}

function numberText(value, digits = 0) {
  return value.toLocaleString("en-GB", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

class Raster {
  constructor(canvas, tip, bands, time, source, theme) {
    Object.assign(this, { canvas, tip, bands, time, source, theme, low: 0, high: 1, frames: null, drawn: 0 });
    this.picture = document.createElement("canvas");
    canvas.style.height = heightFor(bands) + "px";
    listenTo(this);
    time.listeners.push(() => this.redraw());
    new ResizeObserver(() => this.redraw()).observe(canvas);
  }

  // -- geometry ------------------------------------------------------------------------------------------------------

  get box() {
    const { clientWidth, clientHeight } = this.canvas;
    return {
      x: MARGIN.left, y: MARGIN.top,
      width: Math.max(10, clientWidth - MARGIN.left - MARGIN.right),
      height: Math.max(10, clientHeight - MARGIN.top - MARGIN.bottom),
    };
  }

  timeAt(x) {
    return this.time.start + ((x - this.box.x) / this.box.width) * this.time.span;
  }

  levelAt(y) {
    return this.high - ((y - this.box.y) / this.box.height) * (this.high - this.low);
  }

  // Bands in view: which cells [low, high) of each, and the pixels [top, bottom) of its strip that lie in the picture.
  shown(pixels) {
    const at = (level) => ((this.high - level) / (this.high - this.low)) * pixels;
    const found = [];
    for (const [index, band] of this.bands.entries()) {
      const bandTop = at(band.top), bandBottom = at(band.bottom), lane = (bandBottom - bandTop) / band.size;
      const top = Math.max(0, Math.round(bandTop)), bottom = Math.min(pixels, Math.round(bandBottom));
      if (bottom <= top) continue;
      const low = Math.max(0, Math.floor((bandBottom - bottom) / lane + 1e-9));
      const high = Math.min(band.size, Math.ceil((bandBottom - top) / lane - 1e-9));
      if (high > low) found.push({ index, band, low, high, top, bottom, height: bottom - top, lane, bandTop, bandBottom });
    }
    return found;
  }

  frameOf(band) {
    return this.byBand ? this.byBand.get(band.colour) : null;
  }

  // -- drawing -------------------------------------------------------------------------------------------------------

  redraw() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.draw();
    });
  }

  draw() {
    const begin = performance.now();
    const ratio = devicePixelRatio || 1, { canvas, box } = this;
    canvas.width = Math.round(canvas.clientWidth * ratio);
    canvas.height = Math.round(canvas.clientHeight * ratio);
    const context = canvas.getContext("2d");
    this.compose(context, { x: Math.round(box.x * ratio), y: Math.round(box.y * ratio),
                            width: Math.round(box.width * ratio), height: Math.round(box.height * ratio) }, ratio);
    context.scale(ratio, ratio);
    this.drawAxes(context, this.shown(box.height), box);
    if (this.frames && !this.frames.some(hasSpikes)) this.say(context, box, "no spikes in this window");
    this.drawn++;
    this.lastMs = performance.now() - begin;
  }

  // Put the picture of the window into its place, in pixels of the screen.
  compose(context, place, ratio) {
    const shown = this.shown(place.height);
    this.paint(this.time, place, shown, this.source.frame(this.time, shown, place.width), ratio);
    context.drawImage(this.picture, place.x, place.y);
  }

  paint(window, { width, height }, shown, frames, ratio) {
    Object.assign(this.picture, { width, height });
    this.frames = frames;
    this.byBand = new Map(shown.map(({ band }, k) => [band.colour, frames[k]]));
    const context = this.picture.getContext("2d", { willReadFrequently: true });
    context.fillStyle = this.theme.paper;
    context.fillRect(0, 0, width, height);
    for (const [k, place] of shown.entries()) {
      const colour = this.theme.colours[place.band.colour % this.theme.colours.length];
      if (frames[k].kind === "marks") this.paintMarks(window, context, place, frames[k], colour, ratio);
      else this.paintImage(window, context, place, frames[k], colour);
    }
  }

  paintMarks(window, context, place, { times, ids }, colour, ratio) {
    const scale = this.picture.width / (window.stop - window.start);
    const wide = 1.4 * ratio, tall = Math.max(place.lane > 4 ? place.lane * 0.8 : place.lane, 2 * ratio);
    const high = Math.min(tall, 22 * ratio);
    context.fillStyle = colour;
    for (let i = 0; i < times.length; i++) {
      const y = place.bandBottom - (ids[i] + 0.5) * place.lane - high / 2;
      context.fillRect((times[i] - window.start) * scale - wide / 2, y, wide, high);
    }
  }

  paintImage(window, context, place, image, colour) {
    const { width } = this.picture, { counts, rows, low, high } = image;
    const shades = shadesOf(this.theme.paper, colour);
    const across = evenness(window, image, width), down = rowEvenness(image);
    const scale = 255 / fullCount(counts, rows * width);
    const pixels = context.createImageData(width, place.height), out = new Uint32Array(pixels.data.buffer);
    const gap = place.lane * image.unit >= 5 && image.unit === 1 ? 0.12 : 0;
    for (let y = 0; y < place.height; y++) {
      const id = (place.bandBottom - place.top - y - 0.5) / place.lane; // at the middle of this pixel
      const row = Math.floor(((high - id) * rows) / (high - low));
      const within = id - Math.floor(id);
      const empty = row < 0 || row >= rows || within < gap || within > 1 - gap;
      const from = row * width, to = y * width, factor = empty ? 0 : scale * down[row];
      if (empty) out.fill(shades[0], to, to + width);
      else
        for (let x = 0; x < width; x++) {
          const count = counts[from + x];
          const shade = count ? 1 + count * factor * across[x] : 0;
          out[to + x] = shades[shade < 255 ? shade | 0 : 255];
        }
    }
    context.putImageData(pixels, 0, place.top);
  }

  say(context, box, text) {
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillStyle = this.theme.pale;
    context.fillText(text, box.x + box.width / 2, box.y + box.height / 2);
  }

  drawAxes(context, shown, box) {
    const { theme, time } = this;
    context.font = "12px " + theme.font;
    context.lineWidth = 1;
    context.strokeStyle = theme.rule;
    for (const { bandBottom, bandTop } of shown)
      for (const y of [bandTop, bandBottom]) if (y >= -0.5 && y <= box.height + 0.5) line(context, box, y);
    this.drawNames(context, shown, box);
    const { ticks, digits } = niceTicks(time.start, time.stop, box.width / 110);
    context.textAlign = "center";
    context.textBaseline = "top";
    for (const tick of ticks) {
      const x = box.x + ((tick - time.start) / time.span) * box.width;
      context.fillStyle = theme.rule;
      context.fillRect(Math.round(x), box.y + box.height, 1, 5);
      context.fillStyle = theme.pale;
      context.fillText(numberText(tick, digits), x, box.y + box.height + 8);
    }
    context.fillStyle = theme.ink;
    context.fillText("time (ms)", box.x + box.width / 2, box.y + box.height + 27);
    const coarse = (this.frames || []).find(({ kind, step }) => kind === "image" && step > (3 * time.span) / box.width);
    if (!coarse || !coarse.phase) return;
    context.textAlign = "right";
    context.fillStyle = theme.pale;
    context.fillText(`density: bins of ${numberText(coarse.step, 1)} ms`, box.x + box.width, box.y + box.height + 27);
  }

  drawNames(context, shown, box) {
    context.textAlign = "right";
    context.textBaseline = "middle";
    let last = -Infinity;
    for (const { band, top, bottom, lane, bandBottom, low, high } of shown) {
      const middle = (top + bottom) / 2;
      if (middle - last < 13) continue; // names would lie on each other
      const tall = bottom - top, ids = tall > 60 && high - low > 1 ? niceTicks(low, high - 1, tall / 45).ticks : [];
      context.fillStyle = this.theme.pale;
      for (const id of ids) {
        const y = box.y + bandBottom - (id + 0.5) * lane;
        if (Number.isInteger(id) && Math.abs(y - box.y - middle) > 22 && y > box.y + top + 5 && y < box.y + bottom - 5)
          context.fillText(numberText(id), box.x - 8, y);
      }
      context.fillStyle = this.theme.colours[band.colour % this.theme.colours.length];
      const two = tall > 34;
      context.font = "600 13px " + this.theme.font;
      context.fillText(fitted(context, band.name, MARGIN.left - 20), box.x - 8, box.y + middle - (two ? 7 : 0));
      context.font = "12px " + this.theme.font;
      context.fillStyle = this.theme.pale;
      if (two) context.fillText(numberText(band.size) + (band.size === 1 ? " cell" : " cells"), box.x - 8, box.y + middle + 8);
      last = middle;
    }
  }
}

function hasSpikes(frame) {
  return frame.kind === "marks" ? frame.times.length > 0 : frame.counts.some((count) => count > 0);
}

function line(context, box, y) {
  context.beginPath();
  context.moveTo(box.x, Math.round(box.y + y) + 0.5);
  context.lineTo(box.x + box.width, Math.round(box.y + y) + 0.5);
  context.stroke();
}

function fitted(context, text, width) {
  if (context.measureText(text).width <= width) return text;
  let cut = text.slice(0, 40);
  while (cut.length > 1 && context.measureText(cut + "\u2026").width > width) cut = cut.slice(0, -1);
  return cut + "\u2026";
}

// From the paper to a colour in 256 steps, as pixels; the first is the paper itself, and one spike can be seen.
function shadesOf(paper, colour) {
  const [a, b] = [paper, colour].map((text) => [1, 3, 5].map((i) => parseInt(text.slice(i, i + 2), 16)));
  const shades = new Uint32Array(256);
  for (let i = 0; i < 256; i++) {
    const strength = i ? 0.14 + 0.86 * (i / 255) ** 0.8 : 0;
    const [red, green, blue] = a.map((value, k) => Math.round(value + (b[k] - value) * strength));
    shades[i] = (255 << 24) | (blue << 16) | (green << 8) | red;
  }
  return shades;
}

// The count that takes the full colour: 99 % of the pixels with spikes have no more.
function fullCount(counts, length) {
  const histogram = new Uint32Array(1024);
  let filled = 0, most = 1;
  for (let i = 0; i < length; i++) if (counts[i] > most) most = counts[i];
  const scale = most < 1024 ? 1 : 1023 / most;
  for (let i = 0; i < length; i++)
    if (counts[i]) {
      histogram[(counts[i] * scale) | 0]++;
      filled++;
    }
  let left = filled * 0.99;
  for (let k = 0; k < 1024; k++) if ((left -= histogram[k]) <= 0) return Math.max(1, k / scale);
  return most;
}

// Pixels hold 8 or 9 ticks of time (or bins of a density) where they hold 8.3 on average: without this factor, stripes
// would be seen. `phase`: where in its step a tick is counted.
function evenness(window, { step, origin, phase }, width) {
  const span = window.stop - window.start, perPixel = span / step / width;
  const factors = new Float64Array(width).fill(1), held = new Uint32Array(width);
  if (perPixel < 1 || perPixel > 64) return factors;
  const last = Math.floor((window.stop - origin) / step - phase + 1e-6);
  for (let k = Math.ceil((window.start - origin) / step - phase - 1e-6); k <= last; k++) {
    const x = Math.floor((((k + phase) * step + origin - window.start) / span) * width + 1e-6);
    if (x >= 0 && x < width) held[x]++;
  }
  for (let x = 0; x < width; x++) if (held[x]) factors[x] = perPixel / held[x];
  return factors;
}

function rowEvenness({ rows, low, high, unit }) {
  const lanes = Math.round((high - low) / unit), held = new Uint32Array(rows);
  for (let k = 0; k < lanes; k++) held[Math.floor(((lanes - k - 0.5) * rows) / lanes)]++;
  return Float64Array.from(held, (n) => (n ? lanes / rows / n : 1));
}
