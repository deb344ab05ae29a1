// The page of a report: its raster first, then its charts.
"use strict";

const neuromorph = {};

async function startPage() {
  const data = JSON.parse(document.getElementById("data").textContent);
  const theme = (neuromorph.theme = new Theme());
  const { raster } = data, time = (neuromorph.time = new TimeWindow(raster.start_ms, raster.stop_ms));
  time.set(...raster.opening);
  const place = document.querySelector(".raster");
  if (place) {
    const spikes = new LocalSpikes(raster);
    await spikes.load((id) => document.getElementById(id).textContent);
    place.querySelector(".loading").remove();
    const [canvas, tip] = [place.querySelector("canvas"), place.querySelector(".tip")];
    neuromorph.raster = new Raster(canvas, tip, raster.bands, time, spikes, theme);
    theme.listeners.push(() => neuromorph.raster.redraw());
    neuromorph.why = new Why(document.getElementById("why"), neuromorph.raster, howToAsk(data.trace));
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    neuromorph.rasterAt = performance.now();
  }
  neuromorph.charts = new Charts(theme, time);
  neuromorph.charts.show(data.charts);
  neuromorph.ready = true;
}

startPage().catch((error) => {
  const said = document.querySelector(".loading") || document.body.appendChild(document.createElement("p"));
  said.textContent = `This page could not be drawn: ${error.message}. It needs a browser of 2023 or later.`;
  throw error;
});
