// "/" puts the cursor into the search box, unless one is typing already.
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select, [contenteditable], dialog[open]")) return;
  const box = document.querySelector("[data-search], .filters-search input[type=search]");
  if (!box) return;
  event.preventDefault();
  box.focus();
  box.select();
});
