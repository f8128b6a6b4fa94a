// "/" puts the cursor into the search box, unless one is typing already. While one types there, htmx fetches
// what is found into the list below it; arrows choose, Enter goes there, Escape closes. Enter without a choice
// opens the page with everything, as it does without any script.
const box = document.querySelector("[data-search]");
const list = document.getElementById("search-found");

document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select, [contenteditable], dialog[open]")) return;
  const first = box ?? document.querySelector(".filters-search input[type=search]");
  if (!first) return;
  event.preventDefault();
  first.focus();
  first.select();
});

if (box && list) {
  const options = () => [...list.querySelectorAll("[role=option]")];
  const chosen = () => list.querySelector("[aria-selected=true]");
  const show = (open) => {
    list.hidden = !open;
    box.setAttribute("aria-expanded", String(open));
    if (!open) choose(null);
  };
  const choose = (option) => {
    chosen()?.setAttribute("aria-selected", "false");
    option?.setAttribute("aria-selected", "true");
    option?.scrollIntoView({ block: "nearest" });
    if (option) box.setAttribute("aria-activedescendant", option.id);
    else box.removeAttribute("aria-activedescendant");
  };

  // Only here, where the keys do what these roles promise.
  for (const [name, value] of Object.entries({
    role: "combobox", "aria-autocomplete": "list", "aria-controls": list.id, "aria-expanded": "false", autocomplete: "off",
  })) box.setAttribute(name, value);

  document.addEventListener("htmx:after:swap", () => {
    const typed = box.value.trim() !== "" && document.activeElement === box;
    if (typed !== !list.hidden || typed) show(typed && list.childElementCount > 0);
  });
  box.addEventListener("input", () => { if (!box.value.trim()) show(false); });
  box.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !list.hidden) {
      event.preventDefault(); // what was typed stays
      show(false);
    } else if (event.key === "Enter" && chosen()) {
      event.preventDefault();
      location.assign(chosen().href);
    } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && options().length) {
      event.preventDefault();
      if (list.hidden) show(true);
      const all = [null, ...options()];
      const step = event.key === "ArrowDown" ? 1 : -1;
      choose(all[(all.indexOf(chosen()) + step + all.length) % all.length]);
    }
  });
  document.addEventListener("focusin", (event) => { if (!event.target.closest(".shell-search")) show(false); });
  document.addEventListener("pointerdown", (event) => { if (!event.target.closest(".shell-search")) show(false); });
}
