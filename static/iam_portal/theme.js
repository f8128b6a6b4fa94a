// Loaded blocking, before the first paint: no flash of the other theme. Not a module for that reason.
"use strict";
(() => {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const chosen = () => {
    try { return localStorage.getItem("theme"); } catch { return null; }
  };
  const show = () => { root.dataset.bsTheme = chosen() || (system.matches ? "dark" : "light"); };
  root.classList.add("js");
  show();
  system.addEventListener("change", show);
  addEventListener("storage", show);
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-theme-switch]")) return;
    const next = root.dataset.bsTheme === "dark" ? "light" : "dark";
    try {
      // The system's own theme is not stored, so that the page follows it again.
      if (next === (system.matches ? "dark" : "light")) localStorage.removeItem("theme");
      else localStorage.setItem("theme", next);
    } catch { /* storage is forbidden: the choice lasts for this page */ }
    root.dataset.bsTheme = next;
  });
})();
