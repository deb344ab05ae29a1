// Charts that bokeh draws: put in place, coloured by the theme, and moved with the raster's window of time.
"use strict";

const PAUSED = 60; // ms

class Charts {
  constructor(theme, time) {
    Object.assign(this, { theme, time, documents: [], ranges: [], figures: new Map() });
    theme.listeners.push(() => this.documents.forEach((shown) => this.colour(shown)));
    if (time) time.listeners.push(() => this.followSoon());
  }

  // Each when it comes into sight, or near.
  show(items) {
    const places = [...document.querySelectorAll("[data-chart]")];
    this.waiting = new Map(places.map((place) => [place, items[place.dataset.chart]]));
    const watch = new IntersectionObserver((seen) => {
      for (const { target, isIntersecting } of seen) {
        target.dataset.near = isIntersecting;
        if (isIntersecting) this.embed(target).then(() => this.follow());
      }
    }, { rootMargin: "400px" });
    places.forEach((place) => watch.observe(place));
    window.addEventListener("beforeprint", () => this.showAll());
  }

  async showAll() {
    for (const place of [...this.waiting.keys()]) await this.embed(place);
  }

  async embed(place) {
    const item = this.waiting.get(place);
    if (!item) return;
    this.waiting.delete(place);
    const views = await Bokeh.embed.embed_item(item, place);
    const figure = this.adopt([...views][0].model, place);
    this.figures.set(Number(place.dataset.chart), figure);
  }

  // New points for the lines of a chart, in the order of their colours.
  put(chart, lines) {
    const figure = this.figures.get(chart);
    if (!figure) return;
    for (const model of modelsOf(figure.document)) {
      const tag = (model.tags || []).find((one) => typeof one === "string" && one.startsWith("line "));
      const line = tag && lines[Number(tag.slice(5))];
      if (line) model.data = { x: Float64Array.from(line.x), y: Float64Array.from(line.y, (value) => value ?? NaN) };
    }
  }

  adopt(figure, place) {
    this.documents.push(figure.document);
    this.colour(figure.document);
    for (const model of modelsOf(figure.document)) if (model.tags && model.tags.includes("time")) this.link(model, place);
    return figure;
  }

  link(range, place) {
    this.ranges.push(range);
    range.place = place;
    range.setv({ start: this.time.start, end: this.time.stop });
    const moved = () => {
      if (this.following) return;
      // both ends change one after the other: look when they are done
      queueMicrotask(() => this.time.set(range.start, range.end, range));
    };
    range.properties.start.change.connect(moved);
    range.properties.end.change.connect(moved);
  }

  // When the raster pauses, which moves more smoothly by itself.
  followSoon() {
    clearTimeout(this.due);
    this.due = setTimeout(() => this.follow(), PAUSED);
  }

  follow() {
    const { full } = this.time;
    this.following = true;
    for (const range of this.ranges) // those out of sight follow when they come into it
      if (range.place.dataset.near !== "false") range.setv({ bounds: [full.start, full.stop], start: this.time.start, end: this.time.stop });
    this.following = false;
  }

  colour(shown) {
    const { paper, ink, pale, rule, colours, font } = this.theme;
    const text = { text_color: pale, text_font: font };
    const axis = { axis_line_color: rule, major_tick_line_color: rule, major_label_text_color: pale, axis_label_text_color: ink,
                   major_label_text_font: font, axis_label_text_font: font, major_label_text_font_size: "12px", axis_label_text_font_size: "12px" };
    for (const model of modelsOf(shown)) {
      const kind = model.type;
      if (kind.endsWith("Axis")) model.setv(axis);
      else if (kind === "Grid") model.setv({ grid_line_color: model.dimension === 0 ? null : rule });
      else if (kind === "ColorBar") model.setv({ major_label_text_color: pale, major_label_text_font: font, bar_line_color: null });
      else if (kind === "Title") model.setv(text);
      else if (kind === "LinearColorMapper") model.setv({ palette: ramp(colours[1], paper, colours[0]) });
      const tag = (model.tags || []).find((one) => one && typeof one === "object");
      if (tag) tint(model, colours[(tag.colour ?? tag.get("colour")) % colours.length]);
    }
  }
}

function tint(glyph, colour) {
  for (const part of ["line_color", "fill_color"]) {
    const property = glyph.properties[part];
    if (property && !(property.get_value() && property.get_value().value === null)) glyph.setv({ [part]: { value: colour } });
  }
}

// From one colour over the paper to another, in 63 steps.
function ramp(below, paper, above) {
  const [a, b, c] = [below, paper, above].map((text) => [1, 3, 5].map((i) => parseInt(text.slice(i, i + 2), 16)));
  return Array.from({ length: 63 }, (_, k) => {
    const [end, share] = k < 31 ? [a, (31 - k) / 31] : [c, (k - 31) / 31];
    return "#" + b.map((value, i) => Math.round(value + (end[i] - value) * share).toString(16).padStart(2, "0")).join("");
  });
}

function modelsOf(shown) {
  const found = shown._all_models || shown.all_models;
  return found instanceof Map ? [...found.values()] : [...found];
}
