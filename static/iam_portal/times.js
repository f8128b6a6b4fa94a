// Adds the reader's own time to the title of each <time>, where his zone differs from the page's.
const format = new Intl.DateTimeFormat(document.documentElement.lang || undefined, {
  dateStyle: "medium", timeStyle: "short",
});
const here = new Intl.DateTimeFormat().resolvedOptions().timeZone;

function annotate(root) {
  const zone = document.documentElement.dataset.timezone;
  if (!zone || zone === here) return;
  for (const time of root.querySelectorAll("time[datetime]:not([data-here])")) {
    const moment = new Date(time.dateTime);
    if (Number.isNaN(moment.valueOf())) continue;
    time.dataset.here = here;
    time.title += `\n${format.format(moment)} (${here})`;
  }
}

annotate(document);
document.addEventListener("htmx:after:swap", () => annotate(document));
