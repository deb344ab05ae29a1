// Light and dark: what canvases need to know of it, and the button that changes it.
"use strict";

// Okabe & Ito's colours and some of Tol's, which colour-blind readers tell apart; lighter ones on dark paper.
const PALETTES = {
  light: ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#555555", "#882255", "#117733", "#332288"],
  dark: ["#56B4E9", "#E69F00", "#2FC79A", "#E39AC3", "#8CC8F0", "#F0E442", "#B8BEC4", "#EE8866", "#77CC77", "#AAAAEE"],
};

class Theme {
  constructor() {
    this.listeners = [];
    const preferred = window.matchMedia("(prefers-color-scheme: dark)");
    preferred.addEventListener("change", () => this.apply(preferred.matches ? "dark" : "light"));
    this.apply(preferred.matches ? "dark" : "light");
    const button = document.getElementById("theme");
    button.addEventListener("click", () => this.apply(this.name === "dark" ? "light" : "dark"));
  }

  apply(name) {
    this.name = name;
    document.documentElement.dataset.theme = name;
    const style = getComputedStyle(document.documentElement);
    for (const part of ["paper", "ink", "pale", "rule"]) this[part] = style.getPropertyValue("--" + part).trim();
    this.font = getComputedStyle(document.body).fontFamily;
    this.colours = PALETTES[name];
    document.getElementById("theme").textContent = name === "dark" ? "light" : "dark";
    for (const listener of this.listeners) listener();
  }
}
