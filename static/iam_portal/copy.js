// [data-copy="text"] or [data-copy-from="#id"]: copies, then says so for two seconds.
const textOf = (button) =>
  button.dataset.copy ?? document.querySelector(button.dataset.copyFrom)?.textContent.trim() ?? "";

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy], [data-copy-from]");
  if (!button) return;
  try {
    await navigator.clipboard.writeText(textOf(button));
  } catch {
    return; // no permission: the text stands beside the button and can be selected
  }
  button.classList.add("is-copied");
  const status = document.getElementById("status");
  if (status) status.textContent = button.dataset.copied ?? "";
  setTimeout(() => {
    button.classList.remove("is-copied");
    if (status) status.textContent = "";
  }, 2000);
});
