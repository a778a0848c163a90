// Keeps an open list up to date. The stream of events says that something moved; the page is then asked for again with its tag,
// and the parts (data-live) that differ are replaced. A page without a stream of its own (data-follow="") asks every few seconds.
// Without this script the page is complete, and stays as it was opened.

const followed = document.querySelector("[data-follow]");
const live = document.getElementById("live");
const FIRST_LOOK = 1000; // milliseconds: the store of the viewer follows the log a little behind the snapshots
const LAST_LOOK = 4000;
const PAUSE = 10000; // between the last look and the next first one, and between two looks without a stream
const AGAIN = [2000, 4000, 8000, 15000]; // until the next try when the server is gone

let stream = null;
let failures = 0;
let shown = ""; // the main part as the server wrote it last
let planned = false;
let missed = false; // an event came while looks were planned
let asking = null;
let ended = false;

function show(state, text) {
  if (ended || live.dataset.state === state) return;
  live.dataset.state = state;
  live.textContent = text;
}

function open() {
  if (stream || asking || ended || document.hidden) return;
  if (!followed.dataset.follow) {
    asking = setInterval(look, PAUSE);
    look();
    return;
  }
  stream = new EventSource(followed.dataset.follow);
  stream.onopen = () => {
    failures = 0;
    show("live", "Live");
    plan();
  };
  stream.onerror = () => {
    show("away", "Reconnecting …");
    if (stream.readyState !== EventSource.CLOSED) return;
    close();
    setTimeout(open, AGAIN[Math.min(failures++, AGAIN.length - 1)]);
  };
  stream.addEventListener("headline", plan);
}

function close() {
  stream?.close();
  stream = null;
  clearInterval(asking);
  asking = null;
}

// Two looks for any number of events: one soon, and one when the store has certainly read them.
function plan() {
  if (planned) {
    missed = true;
    return;
  }
  [planned, missed] = [true, false];
  setTimeout(look, FIRST_LOOK);
  setTimeout(look, LAST_LOOK);
  setTimeout(rested, LAST_LOOK + PAUSE);
}

function rested() {
  planned = false;
  if (missed) plan();
}

async function look() {
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" }, cache: "no-cache" });
    const isGone = answer.status === 404 || answer.status === 410; // withdrawn while the page was open
    if (!answer.ok && !isGone) throw new Error(answer.statusText);
    const text = await answer.text();
    if (!stream || stream.readyState === EventSource.OPEN) show("live", "Live");
    if (text === shown) return;
    shown = text;
    const newer = new DOMParser().parseFromString(text, "text/html");
    if (isGone) end(newer);
    else replace(newer);
  } catch {
    show("away", "Reconnecting …");
  }
}

function end(newer) {
  close();
  ended = true;
  document.title = newer.title;
  document.querySelector("main").replaceChildren(...document.importNode(newer.querySelector("main"), true).childNodes);
}

function replace(newer) {
  const parts = new Map([...newer.querySelectorAll("[data-live]")].map((part) => [part.dataset.live, part]));
  for (const part of document.querySelectorAll("[data-live]")) {
    const other = parts.get(part.dataset.live);
    if (!other || plain(part) === other.innerHTML || part.contains(document.activeElement)) continue;
    const held = new Set([...part.querySelectorAll("[data-key]")].map((entry) => entry.dataset.key));
    const opened = new Set([...part.querySelectorAll("[data-key]:has(details[open])")].map((entry) => entry.dataset.key));
    part.replaceChildren(...document.importNode(other, true).childNodes);
    for (const entry of part.querySelectorAll("[data-key]")) {
      if (opened.has(entry.dataset.key)) entry.querySelector("details")?.setAttribute("open", "");
      if (held.size && !held.has(entry.dataset.key)) flash(entry);
    }
    if (!held.size) flash(part);
  }
}

function plain(part) {
  const copy = part.cloneNode(true);
  for (const entry of copy.querySelectorAll(".arrived")) {
    entry.classList.remove("arrived");
    if (!entry.getAttribute("class")) entry.removeAttribute("class");
  }
  for (const fold of copy.querySelectorAll("details[open]")) fold.removeAttribute("open");
  return copy.innerHTML;
}

function flash(part) {
  part.classList.add("arrived");
  setTimeout(() => {
    part.classList.remove("arrived");
    if (!part.getAttribute("class")) part.removeAttribute("class");
  }, 4000);
}

// A browser keeps six connections to a server for all its windows: one that nobody looks at gives its own back.
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) return open();
  close();
  show("still", "Paused");
});
addEventListener("pagehide", close);
addEventListener("pageshow", open);

open();
