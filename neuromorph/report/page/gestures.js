// How a raster is moved: wheel, drag, double click, keys; and what lies under the pointer.
"use strict";

const DOUBLE = 250; // ms after which a click is no half of a double one
const STEP = 1.25; // a notch of the wheel, or a key

function listenTo(raster) {
  const { canvas, time } = raster;
  canvas.tabIndex = 0;
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    const turns = Math.max(-3, Math.min(3, (event.deltaY || event.deltaX) / 100)), factor = STEP ** turns;
    if (event.shiftKey) zoomCells(raster, factor, raster.levelAt(event.offsetY));
    else time.zoom(factor, raster.timeAt(event.offsetX), raster);
  }, { passive: false });
  canvas.addEventListener("dblclick", () => resetView(raster));
  canvas.addEventListener("keydown", (event) => {
    if (pressed(raster, event)) event.preventDefault();
  });
  listenToDrag(raster);
  canvas.addEventListener("pointerleave", () => (raster.tip.hidden = true));
}

function listenToDrag(raster) {
  const { canvas, time } = raster;
  let held = null, still = false, waiting = 0;
  canvas.addEventListener("dblclick", () => clearTimeout(waiting));
  canvas.addEventListener("pointerdown", (event) => {
    clearTimeout(waiting);
    if (held) still = false; // a second finger
    if (event.button !== 0 || held) return;
    held = { x: event.offsetX, y: event.offsetY };
    still = true;
    canvas.setPointerCapture(event.pointerId);
    canvas.classList.add("held");
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!held) return showTip(raster, event);
    const { box } = raster;
    if (still && Math.hypot(held.x - event.offsetX, held.y - event.offsetY) < 3) return; // a hand is never quite at rest
    still = false;
    time.pan(((held.x - event.offsetX) / box.width) * time.span, raster);
    moveCells(raster, ((event.offsetY - held.y) / box.height) * (raster.high - raster.low));
    held = { x: event.offsetX, y: event.offsetY };
    raster.tip.hidden = true;
  });
  for (const end of ["pointerup", "pointercancel"])
    canvas.addEventListener(end, (event) => {
      if (held && still && end === "pointerup") waiting = setTimeout(() => pick(raster, event), DOUBLE);
      held = null;
      canvas.classList.remove("held");
    });
}

function pressed(raster, event) {
  const { time } = raster, shift = event.shiftKey, middle = (raster.low + raster.high) / 2;
  const tenth = time.span / 10, up = (raster.high - raster.low) / 10;
  const actions = {
    ArrowLeft: () => time.pan(-tenth, raster),
    ArrowRight: () => time.pan(tenth, raster),
    ArrowUp: () => moveCells(raster, up),
    ArrowDown: () => moveCells(raster, -up),
    "+": () => time.zoom(1 / STEP, time.start + time.span / 2, raster),
    "=": () => time.zoom(1 / STEP, time.start + time.span / 2, raster),
    "-": () => time.zoom(STEP, time.start + time.span / 2, raster),
    "*": () => zoomCells(raster, 1 / STEP, middle),
    _: () => zoomCells(raster, STEP, middle),
    PageUp: () => zoomCells(raster, 1 / STEP, middle),
    PageDown: () => zoomCells(raster, STEP, middle),
    Home: () => time.set(time.full.start, time.full.start + time.span, raster),
    End: () => time.set(time.full.stop - time.span, time.full.stop, raster),
    0: () => resetView(raster),
    Escape: () => resetView(raster),
  };
  if (event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(actions, event.key)) return false;
  if (shift && event.key.startsWith("Arrow") && event.key.length > 7) return false;
  actions[event.key]();
  return true;
}

function resetView(raster) {
  raster.low = 0;
  raster.high = 1;
  raster.time.set(raster.time.full.start, raster.time.full.stop, raster);
  raster.redraw();
}

function zoomCells(raster, factor, at) {
  const span = Math.min(1, Math.max((raster.high - raster.low) * factor, 1e-6));
  const low = at - ((at - raster.low) / (raster.high - raster.low)) * span;
  raster.low = Math.min(Math.max(0, low), 1 - span);
  raster.high = raster.low + span;
  raster.redraw();
}

function moveCells(raster, by) {
  const span = raster.high - raster.low, low = Math.min(Math.max(0, raster.low + by), 1 - span);
  if (low === raster.low) return;
  raster.low = low;
  raster.high = low + span;
  raster.redraw();
}

// The band, the place in it and the time under the pointer, and the spike where one is near; null outside.
function under(raster, event) {
  const { box, bands } = raster, level = raster.levelAt(event.offsetY);
  const band = bands.find(({ bottom, top }) => level >= bottom && level < top);
  if (!band || event.offsetX < box.x || event.offsetX > box.x + box.width) return null;
  const position = ((level - band.bottom) / (band.top - band.bottom)) * band.size, time = raster.timeAt(event.offsetX);
  return { band, position, time, spike: nearestSpike(raster, band, time, position) };
}

// A click on a spike chooses it.
function pick(raster, event) {
  const found = under(raster, event);
  if (!found || !raster.picked) return;
  if (found.spike) return raster.picked(found.band, found.spike);
  const frame = raster.frameOf(found.band);
  if (frame && frame.kind !== "marks") raster.tip.textContent = "zoom in until spikes stand alone, and click on one: why it came";
}

function showTip(raster, event) {
  const { box, tip } = raster, found = under(raster, event);
  tip.hidden = !found;
  if (!found) return;
  const { band, position, time, spike } = found;
  const id = spike ? spike.id : Math.floor(position);
  const digits = raster.time.span < 50 ? 2 : 1;
  tip.textContent = `${band.name} ${numberText(id)} ${spike ? "fired at" : "at"} ${numberText(spike ? spike.time : time, digits)} ms`;
  const right = event.offsetX > box.x + box.width / 2;
  tip.style.left = right ? "" : event.offsetX + 14 + "px";
  tip.style.right = right ? raster.canvas.clientWidth - event.offsetX + 14 + "px" : "";
  tip.style.top = event.offsetY + 12 + "px";
}

function nearestSpike(raster, band, time, position) {
  const frame = raster.frameOf(band), { box } = raster;
  if (!frame || frame.kind !== "marks") return null;
  const perMs = box.width / raster.time.span;
  const lane = ((band.top - band.bottom) / (raster.high - raster.low) / band.size) * box.height;
  let best = null, least = 7;
  for (let i = 0; i < frame.times.length; i++) {
    const away = Math.hypot((frame.times[i] - time) * perMs, Math.max(0, Math.abs(frame.ids[i] + 0.5 - position) - 0.5) * lane);
    if (away < least) {
      least = away;
      best = { time: frame.times[i], id: frame.ids[i] };
    }
  }
  return best;
}
