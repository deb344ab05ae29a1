// The live view: the server draws what the window shows; a run that goes on is followed until somebody says stop.
"use strict";

const neuromorph = {};
const POLL = 1000; // ms between two looks at a run
const SETTLED = 120; // ms without a move before panels are asked for

async function ask(path) {
  const answer = await fetch(path, { cache: "no-store" });
  if (!answer.ok) throw new Error((await answer.text()).trim() || answer.statusText);
  return answer;
}

// One question at a time; of those that come meanwhile, the last.
class Questions {
  constructor(act) {
    Object.assign(this, { act, busy: false, next: null });
  }

  put(...question) {
    this.next = question;
    if (!this.busy) this.run();
  }

  async run() {
    this.busy = true;
    try {
      while (this.next) {
        const question = this.next;
        this.next = null;
        await this.act(...question);
      }
      complain("");
    } catch (error) {
      complain(error.message);
    } finally {
      this.busy = false;
    }
  }
}

function complain(text) {
  const place = document.getElementById("trouble");
  place.hidden = !text;
  place.textContent = text && `The server of this page does not answer as it should: ${text}`;
}

function unpack(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const { strips } = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  let at = 4 + length;
  const take = (Kind, count) => {
    const part = new Kind(buffer, at, count);
    at += Math.ceil((count * Kind.BYTES_PER_ELEMENT) / 8) * 8;
    return part;
  };
  return strips.map(({ lengths, ...strip }) =>
    strip.kind === "marks"
      ? { ...strip, times: take(Float64Array, lengths[0]), ids: take(Uint32Array, lengths[1]) }
      : { ...strip, counts: take(Uint32Array, lengths[0]) });
}

// A raster whose pictures come from the server; until one has come, the one before is shown where it belongs.
class LiveRaster extends Raster {
  compose(context, place, ratio) {
    const { time, low, high, of } = this, asked = { start: time.start, stop: time.stop, low, high, ...place, ratio };
    if (of) {
      const width = ((of.stop - of.start) / time.span) * place.width, height = ((of.high - of.low) / (high - low)) * place.height;
      const x = place.x + ((of.start - time.start) / time.span) * place.width;
      const y = place.y + ((high - of.high) / (high - low)) * place.height;
      context.save();
      context.beginPath();
      context.rect(place.x, place.y, place.width, place.height);
      context.clip();
      context.drawImage(this.picture, x, y, width, height);
      context.restore();
    }
    const key = JSON.stringify([asked, this.version, this.theme.name]);
    if (key === this.key) return;
    this.key = key;
    this.questions ??= new Questions((...question) => this.fetch(...question));
    this.questions.put(asked, this.shown(place.height));
  }

  async fetch(asked, shown) {
    const bands = shown.map(({ index, low, high, height }) => [index, low, high, height].join(":")).join(",");
    const answer = await ask(`frame?start=${asked.start}&stop=${asked.stop}&width=${asked.width}&bands=${bands}`);
    const frames = unpack(await answer.arrayBuffer());
    this.paint(asked, asked, shown, frames, asked.ratio);
    this.of = asked;
    this.answered = (this.answered || 0) + 1;
    this.redraw();
  }

  // The run has gone on: what is shown may not be all any more.
  refresh() {
    this.version = (this.version || 0) + 1;
    this.redraw();
  }
}

class Follower {
  constructor(time, raster, panels) {
    Object.assign(this, { time, raster, panels, following: true, running: null, spikes: -1 });
    this.button = document.getElementById("follow");
    this.button.addEventListener("click", () => this.toggle());
    document.getElementById("all").addEventListener("click", () => raster && resetView(raster));
  }

  toggle() {
    this.following = !this.following;
    this.button.textContent = this.following ? "stop following" : "follow";
    if (this.following) this.look();
  }

  // Look at the run now and, as long as it goes on and is followed, again and again.
  async look() {
    clearTimeout(this.timer);
    if (!this.following) return;
    try {
      this.show(await (await ask("status")).json());
      complain("");
    } catch (error) {
      complain(error.message);
      this.running = true; // it may come back
    }
    if (this.running || this.counting) this.timer = setTimeout(() => this.look(), POLL);
  }

  show(status) {
    const { time } = this, all = time.start === time.full.start && time.stop === time.full.stop;
    const atEnd = time.stop === time.full.stop, stop = Math.max(status.simulated_ms, time.full.stop);
    this.running = status.running;
    this.counting = status.counted < status.spikes && !status.error;
    const changed = status.spikes !== this.spikes || stop !== time.full.stop || this.counted !== status.counted;
    Object.assign(this, { spikes: status.spikes, counted: status.counted });
    if (stop !== time.full.stop) {
      time.full.stop = stop;
      if (all) time.set(time.full.start, stop, this);
      else if (atEnd) time.set(stop - time.span, stop, this);
    }
    this.write(status);
    if (changed && this.raster) this.raster.refresh();
    if (changed) this.panels.later();
  }

  write(status) {
    const badge = document.querySelector(".status");
    badge.textContent = status.status;
    badge.className = "status " + ({ complete: "good", running: "going", unknown: "unknown" }[status.status] || "bad");
    const told = [`${numberText(status.simulated_ms)} ms simulated`, `${numberText(status.spikes)} spikes`];
    if (this.counting) told.push(`${Math.floor((100 * status.counted) / status.spikes)} % counted`);
    if (status.error) told.push(status.error);
    document.getElementById("state").textContent = told.join(" \u00b7 ");
    this.button.hidden = !status.running;
  }
}

// Rates and states of the window, asked for when it has come to rest.
class Panels {
  constructor(charts, time, shared) {
    Object.assign(this, { charts, time, shared });
    this.questions = new Questions((start, stop) => this.fetch(start, stop));
    time.listeners.push(() => this.later());
  }

  later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.questions.put(this.time.start, this.time.stop), SETTLED);
  }

  async fetch(start, stop) {
    const { rates, states } = await (await ask(`panels?start=${start}&stop=${stop}`)).json();
    this.charts.put(0, this.shared ? rates : [together(rates)]);
    for (const [k, { x, y }] of states.entries()) this.charts.put(k + 1, y.map((values) => ({ x, y: values })));
    this.shown = (this.shown || 0) + 1;
  }
}

// The mean of rates over all populations, which have the same bins.
function together(rates) {
  return { x: rates[0].x, y: rates[0].y.map((_, i) => rates.reduce((sum, { y }) => sum + y[i], 0) / rates.length) };
}

// The server runs the neuron again, without one arrival after the other.
async function askWhy(neuron, time, follow) {
  const found = await (await ask(`why?neuron=${encodeURIComponent(neuron)}&at=${time}`)).json();
  return found.refused ? [element("p", found.refused, "none")] : account(found, follow);
}

async function startView() {
  const data = JSON.parse(document.getElementById("data").textContent);
  const theme = (neuromorph.theme = new Theme()), { raster } = data;
  const time = (neuromorph.time = new TimeWindow(raster.start_ms, raster.stop_ms));
  const place = document.querySelector(".raster");
  if (place) {
    place.querySelector(".loading").remove();
    const [canvas, tip] = [place.querySelector("canvas"), place.querySelector(".tip")];
    neuromorph.raster = new LiveRaster(canvas, tip, raster.bands, time, null, theme);
    theme.listeners.push(() => neuromorph.raster.redraw());
    const explain = data.explains ? askWhy : howToAsk(data.trace);
    neuromorph.why = new Why(document.getElementById("why"), neuromorph.raster, explain);
  }
  neuromorph.charts = new Charts(theme, time);
  neuromorph.charts.show(data.charts);
  await neuromorph.charts.showAll();
  neuromorph.panels = new Panels(neuromorph.charts, time, data.shared);
  neuromorph.follower = new Follower(time, neuromorph.raster, neuromorph.panels);
  await neuromorph.follower.look();
  neuromorph.panels.later();
  neuromorph.ready = true;
}

startView().catch((error) => {
  complain(error.message);
  throw error;
});
