// [data-reveal="id"]: shows what is typed into a password field, until it is pressed again or the form is sent.
const shown = (button, yes) => {
  const field = document.getElementById(button.dataset.reveal);
  if (!field) return;
  field.type = yes ? "text" : "password";
  button.dataset.show ??= button.textContent;
  button.textContent = yes ? button.dataset.hide : button.dataset.show;
  button.toggleAttribute("data-shown", yes);
};

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-reveal]");
  if (button) shown(button, !button.hasAttribute("data-shown"));
});
// Sent as a password: browsers keep what was typed into a text field, for anybody to be offered later.
document.addEventListener("submit", (event) => {
  event.target.querySelectorAll("[data-shown]").forEach((button) => shown(button, false));
});
