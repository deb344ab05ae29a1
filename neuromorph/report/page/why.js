// Why a spike came: what a click on it in the raster shows.
"use strict";

// HTML knows by itself which elements are of a drawing; in scripts they would need an address for that
const CURVE = '<svg viewBox="0 0 600 92" preserveAspectRatio="none" role="img"><polyline></polyline></svg>';

function element(tag, text = "", name = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  if (name) made.className = name;
  return made;
}

// One spike at a time; `explain(neuron, time)` gives what is shown of it, or a promise of that.
class Why {
  constructor(place, raster, explain) {
    Object.assign(this, { place, explain, asked: 0, shown: 0 });
    raster.picked = (band, { id, time }) => this.show(`${band.name}/${id}`, time);
  }

  async show(neuron, time) {
    const mine = ++this.asked, { place } = this;
    const close = element("button", "close");
    close.type = "button";
    close.addEventListener("click", () => this.hide());
    const heading = element("h3", `${neuron} fired at ${numberText(time, 2)} ms`);
    heading.append(close);
    const waiting = element("p", "looking for the causes \u2026", "none");
    place.replaceChildren(heading, waiting);
    place.hidden = false;
    let parts;
    try {
      parts = await this.explain(neuron, time, (name, at) => this.show(name, at));
    } catch (error) {
      parts = [element("p", error.message, "none")];
    }
    if (mine !== this.asked) return; // another spike has been chosen meanwhile
    waiting.remove();
    place.append(...parts);
    this.shown++;
  }

  hide() {
    this.asked++;
    this.place.hidden = true;
    this.place.replaceChildren();
  }
}

// A page alone can say how to ask.
function howToAsk(trace) {
  return (neuron, time) => {
    const words = ["neuromorph", "why", "spike", quoted(trace), "--neuron", quoted(neuron), "--at", String(Number(time.toFixed(4)))];
    const line = element("p", "Which arrivals made it fire: ");
    line.append(element("code", words.join(" ")));
    return [line, element("p", "neuromorph view answers that in the browser.", "none")];
  };
}

function quoted(text) {
  return /^[\w./:@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

// The account of a spike, as `neuromorph why spike --json` gives it.
function account(found, follow) {
  const { causes, time_ms } = found;
  const within = `within ${numberText(found.patience_ms, 2)} ms more`;
  const decisive = found.decisive
    ? `${numberText(found.decisive)} of them decisive: without it, no spike ${within}.`
    : `None of them alone is decisive: without any one, it fires ${within}.`;
  const early = found.earlier ? `; ${numberText(found.earlier)} came before that` : "";
  const parts = [
    element("p", `${numberText(found.looked_at)} arrivals since ${found.since} (${numberText(found.begins_ms, 2)} ms)${early}. ${decisive}`),
    membrane(found),
  ];
  const table = document.createElement("table"), head = table.createTHead().insertRow(), body = table.createTBody();
  for (const name of ["source", "emitted (ms)", "arrived (ms)", "weight", "raised by (mV)", "without it"]) head.append(element("th", name));
  for (const cause of causes) {
    const row = body.insertRow(), name = element("th");
    if (cause.is_input) name.textContent = cause.name;
    else {
      const more = element("button", cause.name, "source");
      more.type = "button";
      more.title = "why this one fired";
      more.addEventListener("click", () => follow(cause.name, cause.emitted_ms));
      name.append(more);
    }
    row.append(name);
    const times = cause.count > 1 ? `${cause.count} \u00d7 ` : "";
    const raised = cause.contribution_mV === null ? "\u2013" : signed(cause.contribution_mV);
    for (const text of [numberText(cause.emitted_ms, 2), signed(cause.arrived_ms - time_ms), `${times}${+cause.weight.toPrecision(5)} ${cause.unit}`,
                        raised, cause.without])
      row.append(element("td", text));
    if (cause.decisive) row.className = "decisive";
  }
  const wide = element("div", "", "wide");
  wide.append(table);
  parts.push(wide);
  if (found.looked_at > causes.length) parts.push(element("p", `and ${numberText(found.looked_at - causes.length)} more that matter less`, "none"));
  return parts;
}

function signed(value) {
  return (value < 0 ? "\u2212" : "+") + String(+Math.abs(value).toPrecision(4));
}

// The membrane since the list begins, up to the spike.
function membrane({ membrane: { at_ms, V_m }, time_ms, begins_ms }) {
  const values = V_m.filter((value) => value !== null);
  if (values.length < 2) return element("p", "", "none");
  const low = Math.min(...values), high = Math.max(...values), first = at_ms[0];
  const x = (time) => (600 * (time - first)) / (time_ms - first || 1), y = (value) => 88 - (84 * (value - low)) / (high - low || 1);
  const points = at_ms.map((time, k) => `${x(time).toFixed(2)},${y(V_m[k] ?? low).toFixed(2)}`);
  const figure = element("figure", "", "membrane");
  figure.innerHTML = CURVE;
  figure.querySelector("polyline").setAttribute("points", points.join(" "));
  const range = `membrane: ${numberText(low, 1)} to ${numberText(high, 1)} mV, in the ${numberText(time_ms - first, 2)} ms before the spike`;
  figure.querySelector("svg").setAttribute("aria-label", range);
  figure.append(element("figcaption", range));
  return figure;
}
