// Loaded blocking, before the first paint: no flash of the other theme. Not a module for that reason.
"use strict";
(() => {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  let choice = null; // where storage is forbidden it lasts for this page
  const chosen = () => {
    try { choice = localStorage.getItem("theme"); } catch { /* see above */ }
    return choice === "light" || choice === "dark" ? choice : "system";
  };
  const show = () => {
    const wanted = chosen();
    root.dataset.bsTheme = wanted === "system" ? (system.matches ? "dark" : "light") : wanted;
    root.dataset.theme = wanted;
    for (const button of document.querySelectorAll("[data-theme-choice]")) {
      button.setAttribute("aria-pressed", String(button.dataset.themeChoice === wanted));
    }
  };
  root.classList.add("js");
  show();
  document.addEventListener("DOMContentLoaded", show);
  system.addEventListener("change", show);
  addEventListener("storage", show);
  addEventListener("pageshow", show);
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-theme-choice]");
    if (!button) return;
    choice = button.dataset.themeChoice === "system" ? null : button.dataset.themeChoice;
    try {
      // The system's own theme is not stored, so that the page follows it again.
      if (choice === null) localStorage.removeItem("theme");
      else localStorage.setItem("theme", choice);
    } catch { /* the choice lasts for this page */ }
    show();
  });
})();
