// Charts that bokeh draws: put in place, coloured by the theme, and moved with the raster's window of time.
"use strict";

class Charts {
  constructor(theme, time) {
    Object.assign(this, { theme, time, documents: [], ranges: [] });
    theme.listeners.push(() => this.documents.forEach((shown) => this.colour(shown)));
    if (time) time.listeners.push(() => this.follow());
  }

  // One after the other, so that the page answers in between.
  async show(items) {
    for (const [k, item] of items.entries()) {
      const place = document.querySelector(`[data-chart="${k}"]`);
      const views = await Bokeh.embed.embed_item(item, place);
      this.adopt([...views][0].model);
      await new Promise((done) => setTimeout(done));
    }
  }

  adopt(figure) {
    this.documents.push(figure.document);
    this.colour(figure.document);
    for (const model of modelsOf(figure.document)) if (model.tags && model.tags.includes("time")) this.link(model);
    return figure;
  }

  link(range) {
    this.ranges.push(range);
    range.setv({ start: this.time.start, end: this.time.stop });
    const moved = () => {
      if (this.following) return;
      // both ends change one after the other: look when they are done
      queueMicrotask(() => this.time.set(range.start, range.end, range));
    };
    range.properties.start.change.connect(moved);
    range.properties.end.change.connect(moved);
  }

  follow() {
    this.following = true;
    for (const range of this.ranges) range.setv({ start: this.time.start, end: this.time.stop });
    this.following = false;
  }

  colour(shown) {
    const { ink, pale, rule, colours, font } = this.theme;
    const text = { text_color: pale, text_font: font };
    const axis = { axis_line_color: rule, major_tick_line_color: rule, major_label_text_color: pale, axis_label_text_color: ink,
                   major_label_text_font: font, axis_label_text_font: font, major_label_text_font_size: "12px", axis_label_text_font_size: "12px" };
    for (const model of modelsOf(shown)) {
      const kind = model.type;
      if (kind.endsWith("Axis")) model.setv(axis);
      else if (kind === "Grid") model.setv({ grid_line_color: model.dimension === 0 ? null : rule });
      else if (kind === "Legend") model.setv({ label_text_color: ink, label_text_font: font, background_fill_color: null });
      else if (kind === "ColorBar") model.setv({ major_label_text_color: pale, major_label_text_font: font, bar_line_color: null });
      else if (kind === "Title") model.setv(text);
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

function modelsOf(shown) {
  const found = shown._all_models || shown.all_models;
  return found instanceof Map ? [...found.values()] : [...found];
}
