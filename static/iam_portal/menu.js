// <details class="menu">: a choice, a click elsewhere or Escape closes it. Opening needs no script.
const close = (except) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (menu !== except) menu.open = false;
  }
};

document.addEventListener("click", (event) => {
  const chosen = event.target.closest(".menu-item");
  close(chosen ? null : event.target.closest("details.menu"));
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = event.target.closest("details.menu[open]");
  close();
  menu?.querySelector("summary").focus();
});
