// Forms that change something are sent once: a second click while the first is on its way does nothing.
const PATIENCE = 10_000; // ms; then the first is taken as lost and the form may be sent again
const free = (form) => { delete form.dataset.sent; };

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || event.defaultPrevented) return;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "yes";
  setTimeout(free, PATIENCE, form);
});
// Back from the next page, at once.
addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach(free));
