// Light and dark: what canvases need to know of it, and the button that changes it.
"use strict";

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
    this.colours = Array.from({ length: 10 }, (_, k) => style.getPropertyValue("--c" + k).trim());
    document.getElementById("theme").textContent = name === "dark" ? "light" : "dark";
    for (const listener of this.listeners) listener();
  }
}
