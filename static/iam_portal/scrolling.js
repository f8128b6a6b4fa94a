// A table that is wider than its place is scrolled by the keyboard, too (WCAG 2.1.1): where nothing in it takes the
// focus, it is a stop of the Tab key itself, by the name of its caption.
const inside = "a[href], button, input, select, textarea, summary";
const mark = (wrap) => {
  const wide = wrap.scrollWidth > wrap.clientWidth && !wrap.querySelector(inside);
  wrap.toggleAttribute("tabindex", wide);
  if (wide) {
    wrap.tabIndex = 0;
    wrap.setAttribute("role", "region");
    wrap.setAttribute("aria-label", wrap.querySelector("caption")?.textContent ?? "");
  } else {
    wrap.removeAttribute("role");
    wrap.removeAttribute("aria-label");
  }
};

const watched = new ResizeObserver((entries) => entries.forEach(({ target }) => mark(target.closest(".table-wrap"))));
document.querySelectorAll(".table-wrap, .table-wrap > table").forEach((each) => watched.observe(each));
