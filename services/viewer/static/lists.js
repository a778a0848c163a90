// Keeps an open list up to date. The stream of events says that something moved; the page is then asked for again with its tag,
// and the parts (data-live) that differ are replaced. Without this script the page is complete, and stays as it was opened.

const followed = document.querySelector("[data-follow]");
const live = document.getElementById("live");
const FIRST_LOOK = 1000; // milliseconds: the store of the viewer follows the log a little behind the snapshots
const LAST_LOOK = 4000;
const AGAIN = [2000, 4000, 8000, 15000]; // until the next try when the server is gone

let stream = null;
let failures = 0;
let shown = ""; // the main part as the server wrote it last
let timers = [];

function show(state, text) {
  if (live.dataset.state === state) return;
  live.dataset.state = state;
  live.textContent = text;
}

function open() {
  if (stream || document.hidden) return;
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
}

// Two looks for any number of events: one soon, and one when the store has certainly read them.
function plan() {
  if (timers.length) return;
  timers = [setTimeout(look, FIRST_LOOK), setTimeout(lastLook, LAST_LOOK)];
}

function lastLook() {
  timers = [];
  look();
}

async function look() {
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" }, cache: "no-cache" });
    if (!answer.ok) return;
    const text = await answer.text();
    if (text === shown) return;
    shown = text;
    replace(new DOMParser().parseFromString(text, "text/html"));
  } catch {
    show("away", "Reconnecting …");
  }
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
