// a[data-dialog]: fetches the page behind the link and shows its #confirm in the shell's <dialog>.
// Whatever goes wrong, the link is followed: that page does the same by itself.
const dialog = document.getElementById("dialog");

async function show(link) {
  const answer = await fetch(link.href, { credentials: "same-origin", headers: { Accept: "text/html" } });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const part = page.getElementById("confirm");
  if (!answer.ok || answer.redirected || !part) throw new Error("no dialog behind this link");
  dialog.replaceChildren(document.adoptNode(part));
  dialog.showModal();
}

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-dialog-close]") && dialog?.open) {
    event.preventDefault();
    dialog.close();
    return;
  }
  const link = event.target.closest("a[data-dialog]");
  if (!link || !dialog || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  show(link).catch(() => location.assign(link.href));
});
dialog?.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
