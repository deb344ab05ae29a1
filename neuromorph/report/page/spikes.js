// The spikes that a page carries (coding.py says how they are packed), and what of them a window shows.
"use strict";

const CELLS = 256; // of a block: an index within it is one byte
const MARKS = 20000; // so many spikes are drawn one by one
const CROWDED = 0.1; // of the pixels of a cell's lane: more spikes would cover each other
const EXACT = 2000000; // so many are counted at each step; beyond, the density is looked up
const FINE = 4; // bins of a pixel, at least, where a density is added up: each goes to one pixel as a whole
const BINS = 4096; // of a density, over the whole run

async function inflate(text) {
  const packed = Uint8Array.fromBase64
    ? Uint8Array.fromBase64(text)
    : Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// Index of the first of values[from..to) that is not below the limit.
function lowerBound(values, limit, from, to) {
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (values[middle] < limit) from = middle + 1;
    else to = middle;
  }
  return from;
}

function undoDeltas(bytes, planes, first, from, count, stride, ticks) {
  const p1 = planes > 1 ? stride : 0, p2 = planes > 2 ? 2 * stride : 0, p3 = planes > 3 ? 3 * stride : 0;
  let tick = first;
  for (let i = from; i < from + count; i++) {
    tick += bytes[i];
    if (p1) tick += bytes[p1 + i] << 8;
    if (p2) tick += bytes[p2 + i] << 16;
    if (p3) tick += bytes[p3 + i] * 16777216;
    ticks[i] = tick;
  }
}

function countInto(counts, width, ticks, ids, from, to, origin, scale, rows) {
  for (let i = from; i < to; i++) counts[rows[ids[i]] * width + (((ticks[i] - origin) * scale) | 0)]++;
}

// All spikes of one population, block by block in order of time.
class Population {
  constructor(band, packed, tickMs, startMs) {
    Object.assign(this, { band, tickMs, startMs, blocks: [], spikes: 0 });
    let from = 0;
    for (const [number, first, count] of packed.blocks) {
      this.blocks.push({ number, first, from, to: from + count });
      from += count;
    }
    this.spikes = from;
    this.planes = packed.planes;
  }

  async load(text) {
    const bytes = await inflate(text);
    const n = this.spikes;
    this.ticks = new Uint32Array(n);
    for (const block of this.blocks)
      undoDeltas(bytes, this.planes, block.first, block.from, block.to - block.from, n, this.ticks);
    this.ids = bytes.subarray(this.planes * n, (this.planes + 1) * n);
  }

  // Blocks that have cells in [low, high), and of each the spikes of the window.
  parts(start, stop, low, high) {
    const a = (start - this.startMs) / this.tickMs - 1e-6, b = (stop - this.startMs) / this.tickMs - 1e-6;
    const found = [];
    for (const block of this.blocks) {
      if ((block.number + 1) * CELLS <= low || block.number * CELLS >= high) continue;
      const from = lowerBound(this.ticks, a, block.from, block.to);
      const to = lowerBound(this.ticks, b, from, block.to);
      if (to > from) found.push({ base: block.number * CELLS, from, to });
    }
    return found;
  }

  marks(parts, low, high) {
    const total = parts.reduce((sum, part) => sum + part.to - part.from, 0);
    const times = new Float64Array(total), ids = new Uint32Array(total);
    let n = 0;
    for (const { base, from, to } of parts)
      for (let i = from; i < to; i++) {
        const id = base + this.ids[i];
        if (id < low || id >= high) continue;
        times[n] = this.startMs + this.ticks[i] * this.tickMs;
        ids[n++] = id;
      }
    return { kind: "marks", times: times.subarray(0, n), ids: ids.subarray(0, n) };
  }

  image(parts, start, stop, low, high, width, height) {
    const rows = Math.max(1, Math.min(height, high - low));
    const counts = new Uint32Array((rows + 1) * width); // the last row takes the cells that are not shown
    const origin = (start - this.startMs) / this.tickMs, scale = width / ((stop - start) / this.tickMs);
    const rowOf = new Int32Array(CELLS);
    for (const { base, from, to } of parts) {
      for (let k = 0; k < CELLS; k++) {
        const id = base + k;
        rowOf[k] = id < low || id >= high ? rows : Math.floor(((high - id - 0.5) * rows) / (high - low));
      }
      countInto(counts, width, this.ticks, this.ids, from, to, origin - 1e-6, scale * (1 - 1e-9), rowOf);
    }
    return { kind: "image", counts, rows, low, high, unit: 1, step: this.tickMs, origin: this.startMs, phase: 0 };
  }

  buildDensity(endMs) {
    const ticks = Math.max(1, Math.ceil((endMs - this.startMs) / this.tickMs) + 1);
    const density = new Density(this.band, this.startMs, (ticks * this.tickMs) / BINS, BINS);
    const rowOf = new Int32Array(CELLS);
    for (const block of this.blocks) {
      for (let k = 0; k < CELLS; k++)
        rowOf[k] = Math.min(Math.floor((block.number * CELLS + k) / this.band.unit), density.rows - 1);
      countInto(density.levels[0], BINS, this.ticks, this.ids, block.from, block.to, 0, BINS / ticks, rowOf);
    }
    density.finish();
    this.density = density;
  }
}

// Counts of strips of cells and bins of time, and the same with bins of 2, 4, 8 ... times the length.
class Density {
  constructor(band, startMs, binMs, bins) {
    Object.assign(this, { band, startMs, binMs, bins, rows: Math.ceil(band.size / band.unit) });
    this.levels = [new Uint32Array(this.rows * bins)];
  }

  finish() {
    for (let bins = this.bins / 2; bins >= 256; bins /= 2) {
      const fine = this.levels[this.levels.length - 1];
      const coarse = new Uint32Array(this.rows * bins);
      for (let i = 0; i < coarse.length; i++) coarse[i] = fine[2 * i] + fine[2 * i + 1];
      this.levels.push(coarse);
    }
  }

  image(start, stop, low, high, width, height) {
    const unit = this.band.unit;
    const lowRow = Math.max(0, Math.floor(low / unit)), highRow = Math.min(this.rows, Math.ceil(high / unit));
    let level = 0;
    while (level + 1 < this.levels.length && (this.binMs * 2 ** (level + 1) * width * FINE) / (stop - start) <= 1) level++;
    const fine = this.levels[level], bins = this.bins >> level, binMs = this.binMs * 2 ** level;
    const rows = Math.max(1, Math.min(height, highRow - lowRow));
    const counts = new Uint32Array((rows + 1) * width);
    // bins shorter than a pixel are added up; of longer ones each pixel shows the bin that it lies in
    const columns = pixelColumns(this.startMs, binMs, bins, start, stop, width);
    for (let r = lowRow; r < highRow; r++) {
      const to = Math.floor(((highRow - r - 0.5) * rows) / (highRow - lowRow)) * width, from = r * bins;
      for (let k = 0; k < columns.length; k += 2) counts[to + columns[k]] += fine[from + columns[k + 1]];
    }
    return { kind: "image", counts, rows, low: lowRow * unit, high: highRow * unit, unit, step: binMs, origin: this.startMs, phase: 0.5 };
  }
}

// Pairs of (pixel, bin): bins at least as many as pixels go one by one, else pixels do.
function pixelColumns(startMs, binMs, bins, start, stop, width) {
  const pairs = [], pixelMs = (stop - start) / width;
  if (binMs <= pixelMs) {
    const last = Math.min(bins, Math.ceil((stop - startMs) / binMs));
    for (let bin = Math.max(0, Math.floor((start - startMs) / binMs)); bin < last; bin++) {
      const pixel = Math.floor((startMs + (bin + 0.5) * binMs - start) / pixelMs);
      if (pixel >= 0 && pixel < width) pairs.push(pixel, bin);
    }
  } else
    for (let pixel = 0; pixel < width; pixel++) {
      const bin = Math.floor((start + (pixel + 0.5) * pixelMs - startMs) / binMs);
      if (bin >= 0 && bin < bins) pairs.push(pixel, bin);
    }
  return Int32Array.from(pairs);
}

// What a raster asks: here all spikes are in the page.
class LocalSpikes {
  constructor(description) {
    this.description = description;
    this.populations = [];
  }

  async load(textOf) {
    const { bands, packed, densities, tick_ms, start_ms, stop_ms } = this.description;
    let total = 0;
    for (const [i, band] of bands.entries()) {
      const population = new Population(band, packed[i] || { planes: 1, blocks: [] }, tick_ms, start_ms);
      if (packed[i]) await population.load(textOf("spikes-" + i));
      if (densities[i]) population.density = await readDensity(band, densities[i], textOf("density-" + i));
      this.populations.push(population);
      total += population.spikes;
    }
    if (total > EXACT) for (const population of this.populations) if (!population.density) population.buildDensity(stop_ms);
  }

  frame(window, shown, width) {
    const parts = shown.map(({ index, low, high }) =>
      this.populations[index].ticks ? this.populations[index].parts(window.start, window.stop, low, high) : null);
    const spikes = parts.reduce((sum, list) => sum + (list || []).reduce((n, part) => n + part.to - part.from, 0), 0);
    return shown.map(({ index, low, high, height }, k) => {
      const population = this.populations[index];
      if (!parts[k] || (spikes > EXACT && population.density))
        return population.density.image(window.start, window.stop, low, high, width, height);
      const own = parts[k].reduce((n, part) => n + part.to - part.from, 0);
      if (spikes <= MARKS && own < CROWDED * width * (high - low)) return population.marks(parts[k], low, high);
      return population.image(parts[k], window.start, window.stop, low, high, width, height);
    });
  }
}

async function readDensity(band, { bin_ms, start_ms, bins }, text) {
  const bytes = await inflate(text);
  const density = new Density(band, start_ms, bin_ms, bins);
  const counts = density.levels[0], n = counts.length;
  for (let i = 0; i < n; i++)
    counts[i] = bytes[i] + (bytes[n + i] << 8) + (bytes[2 * n + i] << 16) + bytes[3 * n + i] * 16777216;
  density.finish();
  return density;
}
