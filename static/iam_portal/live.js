// [data-live]: a list that takes new rows at its top. It asks the page itself, which shows what one may see.
// Where a page may read the event service, its stream says when to ask; without a stream a clock does.
const list = document.querySelector("[data-live]");
const button = document.querySelector("[data-live-switch]");
const EVERY = 5_000; // ms
const SELDOM = 6; // of these: with an open stream, and between two tries to open one
let source = null, open = false, clock = 0, turn = 0, asking = false, again = false;

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

// The stream only says when: what is shown comes from the page. Named events need no names here. The address
// may be another port of this host: the session's cookie goes there only when it is included.
async function listen() {
  if (source || !list.dataset.live) return;
  const mine = source = new AbortController();
  try {
    const url = new URL(list.dataset.live, location.href);
    url.searchParams.set("after", list.dataset.position);
    const headers = { Accept: "text/event-stream" };
    const answer = await fetch(url, { credentials: "include", headers, signal: mine.signal });
    if (answer.ok) await heed(answer.body.pipeThrough(new TextDecoderStream()).getReader(), mine);
    else if (![429, 503].includes(answer.status)) list.dataset.live = ""; // nothing that passes
  } catch { /* the clock tries again */ }
  if (source === mine) { source = null; open = false; }
}

async function heed(reader, mine) {
  open = source === mine;
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    if (part.value.includes("data:")) look();
  }
}

function tick() {
  turn += 1;
  const seldom = turn % SELDOM === 0;
  if (seldom) listen();
  if (seldom || !open) look();
}

function follow(on) {
  button.setAttribute("aria-pressed", String(on));
  button.querySelector("span").textContent = on ? button.dataset.on : button.dataset.off;
  clearInterval(clock);
  source?.abort();
  source = null;
  open = false;
  if (!on) return;
  clock = setInterval(tick, EVERY);
  listen();
  look();
}

if (list && button) {
  button.addEventListener("click", () => follow(!following()));
  document.addEventListener("visibilitychange", look);
  follow(true);
}
