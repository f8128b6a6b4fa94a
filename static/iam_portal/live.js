// [data-live]: a list that takes new rows at its top. It asks the page itself, which shows what one may see.
// Where the event service stands at the same address, it says when to ask; elsewhere a clock does.
const list = document.querySelector("[data-live]");
const button = document.querySelector("[data-live-switch]");
const EVERY = 5_000; // ms
let source = null, clock = 0, asking = false, again = false;

const following = () => button?.getAttribute("aria-pressed") === "true";

async function look() {
  if (asking) { again = true; return; }
  if (!following() || document.hidden) return;
  asking = true;
  again = false;
  try {
    const url = new URL(location.href);
    url.searchParams.set("after", list.dataset.position);
    const answer = await fetch(url, { credentials: "same-origin", headers: { Accept: "text/html" } });
    if (!answer.ok || answer.redirected) throw new Error("signed out, or not allowed any more");
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    take(page.getElementById("list"));
  } catch {
    follow(false);
  }
  asking = false;
  if (again) look();
}

function take(part) {
  const rows = [...part.querySelectorAll("tbody tr")];
  list.dataset.position = part.dataset.position;
  if (!rows.length) return;
  const body = list.querySelector("tbody");
  if (!body) { list.replaceChildren(...part.childNodes); } else {
    body.prepend(...rows.map((row) => document.adoptNode(row)));
    while (body.rows.length > Number(list.dataset.most)) body.lastElementChild.remove();
  }
  for (const row of rows) row.classList.add("is-new");
  document.getElementById("status").textContent = list.dataset.said;
}

// The stream of events only says when: what is shown comes from the page. Named events need no names here.
async function listen() {
  if (source || !list.dataset.live) return;
  source = new AbortController();
  try {
    const headers = { Accept: "text/event-stream" };
    const answer = await fetch(list.dataset.live, { credentials: "same-origin", headers, signal: source.signal });
    if (!answer.ok) list.dataset.live = ""; // not asked again: that would keep the session from idling
    const reader = answer.ok ? answer.body.pipeThrough(new TextDecoderStream()).getReader() : null;
    for (let part = await reader?.read(); part && !part.done; part = await reader.read()) {
      if (part.value.includes("data:")) look();
    }
  } catch { /* the clock goes on, and tries again */ }
  source = null;
}

function follow(on) {
  button.setAttribute("aria-pressed", String(on));
  button.querySelector("span").textContent = on ? button.dataset.on : button.dataset.off;
  clearInterval(clock);
  source?.abort();
  if (!on) return;
  clock = setInterval(() => { listen(); look(); }, list.dataset.live ? 6 * EVERY : EVERY);
  listen();
  look();
}

if (list && button) {
  button.addEventListener("click", () => follow(!following()));
  document.addEventListener("visibilitychange", look);
  follow(true);
}
