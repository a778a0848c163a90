// Keeps an open profile up to date. The server renders every version of the page; this puts the parts that changed in place.
//
// The stream of events says when there is a newer version. The page then tells the server which state it has, and gets the parts that
// differ; it puts them in place by name (data-live, data-list, data-key, data-whole). So there is one rendering, and a page that was
// updated looks as one that was opened anew. Where the server has forgotten the state, the whole page comes.

const article = document.querySelector("article.profile");
const live = document.getElementById("live");
const spoken = document.getElementById("spoken");
const PAUSE = 300; // milliseconds between two updates at least
const SPEAK = 5000; // and between two announcements to screen readers
const AGAIN = [2000, 4000, 8000, 15000]; // until the next try when the server is gone
const CATCHING_UP = [1000, 2000, 4000, 8000, 15000, 30000, 60000]; // until the next look while the store is behind

let stream = null;
let failures = 0;
let wanted = article.dataset.version; // the newest version heard of
let working = false;
let lastSpoken = 0;
let toSpeak = null;
let ticking = null;
let ended = false; // the author was erased
let later = null;
let looks = 0; // while the store is behind

function show(state, text) {
  if (live.dataset.state !== state) {
    live.dataset.state = state;
    live.textContent = text;
  }
}

function open() {
  if (stream || ended || document.hidden) return;
  stream = new EventSource(article.dataset.events);
  stream.onopen = () => {
    failures = 0;
    show("live", "Live");
    look(); // something may have happened before the stream began
  };
  stream.onerror = () => {
    show("away", "Reconnecting …");
    if (stream.readyState === EventSource.CLOSED) {
      // the browser has given up (an answer that is no stream); it comes again by itself otherwise
      close();
      setTimeout(open, AGAIN[Math.min(failures++, AGAIN.length - 1)]);
      look(); // the author may have been erased meanwhile
    }
  };
  stream.addEventListener("headline", (event) => {
    const { generation, version } = JSON.parse(event.data);
    wanted = `${generation}-${version}`;
    update();
  });
  stream.addEventListener("gone", look);
}

function close() {
  stream?.close();
  stream = null;
}

// Asks for what is new whatever the version is.
function look() {
  clearTimeout(later);
  wanted = "";
  update();
}

async function update() {
  if (working || ended) return;
  working = true;
  try {
    while (wanted !== article.dataset.version) {
      const { fresh, version, state } = article.dataset;
      const asked = wanted; // an event that comes meanwhile may be newer than the answer
      const answer = await fetch(`${fresh}${fresh.includes("?") ? "&" : "?"}since=${state}`, { headers: { accept: "text/html" }, cache: "no-store" });
      if (answer.status === 404) return gone(await answer.text());
      if (!answer.ok) throw new Error(answer.statusText);
      if (answer.redirected) return location.replace(answer.url); // the author was merged into another one
      const newer = new DOMParser().parseFromString(await answer.text(), "text/html");
      const next = newer.querySelector("article.profile");
      if (newer.querySelector("h1")) rename(newer); // the whole page
      for (const part of newer.querySelectorAll("template")) next.append(part.content);
      replace(next);
      if (article.dataset.version === version && wanted === asked) break; // the server has nothing newer yet
      await new Promise((done) => setTimeout(done, PAUSE));
    }
    catchUp();
  } catch {
    show("away", "Reconnecting …");
    setTimeout(update, AGAIN[1]);
  } finally {
    working = false;
  }
}

// The list of papers comes from a store that reads the log by itself. While it is behind, the page looks again.
function catchUp() {
  clearTimeout(later);
  if (!("behind" in article.dataset)) looks = 0;
  else if (!document.hidden) later = setTimeout(look, CATCHING_UP[Math.min(looks++, CATCHING_UP.length - 1)]);
}

// The author was erased: nothing of the profile stays, the page says so.
function gone(text) {
  const newer = new DOMParser().parseFromString(text, "text/html");
  close();
  ended = true;
  clearInterval(ticking);
  clearTimeout(toSpeak);
  replaceHead(newer);
  document.querySelector("main").replaceChildren(...copy(newer.querySelector("main")).childNodes);
}

// An author may have got another name.
function rename(newer) {
  replaceHead(newer);
  const [heading, other] = [article, newer].map((place) => place.querySelector("h1"));
  if (heading.innerHTML !== other.innerHTML) heading.replaceChildren(...copy(other).childNodes);
}

// Title, description, previews and feeds name the author too. What the newer head does not have goes; what only it has comes.
function replaceHead(newer) {
  const held = new Map([...document.head.children].map((part) => [part.outerHTML, part]));
  for (const part of newer.head.children) if (!held.delete(part.outerHTML)) document.head.append(copy(part));
  for (const part of held.values()) part.remove();
}

function replace(next) {
  const news = [];
  for (const whole of article.querySelectorAll("[data-whole]")) {
    const newer = next.querySelector(`[data-whole="${CSS.escape(whole.dataset.whole)}"]`);
    if (!newer || newer.dataset.shape === whole.dataset.shape) continue;
    const other = copy(newer);
    keepOpen(whole, other);
    whole.replaceWith(other);
  }
  const list = next.querySelector("[data-list]");
  if (list) replaceList(article.querySelector("[data-list]"), list, news);
  replaceParts(article, next, news);
  article.dataset.version = next.dataset.version;
  article.dataset.state = next.dataset.state;
  article.toggleAttribute("data-behind", next.hasAttribute("data-behind"));
  tell(news);
  tick();
}

// Every named part under `root` gets the content of its namesake; entries of the list take care of themselves.
function replaceParts(root, next, news) {
  const newer = new Map([...next.querySelectorAll("[data-live]")].map((part) => [part.dataset.live, part]));
  for (const part of root.querySelectorAll("[data-live]")) {
    const other = newer.get(part.dataset.live);
    if (!other || (root === article && part.closest("[data-key]"))) continue;
    if (part.innerHTML === other.innerHTML && part.className === withoutFlash(part, other)) continue;
    const [was, is] = [part.textContent, other.textContent];
    if (other.hasAttribute("class")) part.className = other.className;
    else part.removeAttribute("class");
    part.hidden = other.hidden;
    part.replaceChildren(...copy(other).childNodes);
    if (was === is || "quiet" in part.dataset) continue;
    if (part.matches(".tile .value, .cited .value, .numbers td, [data-live=papers_total]")) flash(part, "changed");
    if (part.dataset.live.startsWith("headline.")) news.unshift(`${part.parentElement.querySelector("dt").textContent} ${was} → ${is}`);
    if (part.dataset.live.startsWith("cited.")) news.push(`“${part.closest("[data-key]").dataset.title}” ${was} → ${is}`);
  }
}

function withoutFlash(part, other) {
  return part.classList.contains("changed") ? `${other.className} changed`.trim() : other.className;
}

// The same entries stay the same elements (focus and selection survive); they move only where the order changed.
function replaceList(list, next, news) {
  const held = new Map([...list.children].map((entry) => [entry.dataset.key, entry]));
  let place = list.firstElementChild;
  for (const newer of [...next.children]) {
    let entry = held.get(newer.dataset.key);
    held.delete(newer.dataset.key);
    if (!entry) {
      entry = copy(newer);
      list.insertBefore(entry, place);
      flash(entry, "arrived");
      news.push(`new paper “${entry.dataset.title}”`);
      continue;
    }
    if (!("same" in newer.dataset)) {
      replaceParts(entry, newer, news);
      if (plain(entry) !== plain(newer)) replaceEntry(entry, newer); // another title, date, …
      entry.dataset.title = newer.dataset.title;
    }
    if (entry === place) place = place.nextElementSibling;
    else list.insertBefore(entry, place);
  }
  for (const entry of held.values()) entry.remove();
}

function replaceEntry(entry, newer) {
  const other = copy(newer);
  keepOpen(entry, other);
  const focused = entry.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  entry.replaceChildren(...other.childNodes);
  if (focused) entry.querySelector(`[href="${CSS.escape(focused)}"]`)?.focus();
}

// Folds that are open stay so.
function keepOpen(older, newer) {
  for (const fold of older.querySelectorAll("details[open]")) {
    newer.querySelector(fold.id ? `#${CSS.escape(fold.id)}` : `details.${fold.className}`)?.setAttribute("open", "");
  }
}

function copy(part) {
  return document.importNode(part, true);
}

function plain(entry) {
  return entry.innerHTML.replaceAll(" changed", "").replaceAll(' open=""', "");
}

function flash(part, how) {
  part.classList.remove(how);
  void part.offsetWidth; // starts the animation anew
  part.classList.add(how);
  setTimeout(() => {
    part.classList.remove(how);
    if (!part.getAttribute("class")) part.removeAttribute("class");
  }, 4000);
}

function tell(news) {
  if (!news.length) return;
  const line = document.getElementById("news");
  line.textContent = line.title = news.slice(0, 3).join(", ");
  if (!news.some((line) => !line.startsWith("“"))) return; // only the headline and new papers are spoken
  const tiles = [...article.querySelectorAll(".tile")].filter((tile) => tile.querySelector(".value"));
  const said = tiles.map((tile) => `${tile.querySelector("dt").textContent} ${tile.querySelector(".value").textContent}`).join(", ");
  clearTimeout(toSpeak);
  toSpeak = setTimeout(() => {
    lastSpoken = Date.now();
    spoken.textContent = said;
  }, Math.max(0, lastSpoken + SPEAK - Date.now()));
}

// "last change 3 seconds ago"
const words = new Intl.RelativeTimeFormat("en", { numeric: "always", style: "long" });
function tick() {
  const time = document.getElementById("changed");
  const seconds = Math.max(0, Math.round((Date.now() - Date.parse(time.dateTime)) / 1000));
  const [value, unit] = seconds < 60 ? [seconds, "second"] : seconds < 3600 ? [seconds / 60, "minute"] : seconds < 86400 ? [seconds / 3600, "hour"] : [seconds / 86400, "day"];
  const text = seconds < 2 ? "just now" : words.format(-Math.floor(value), unit);
  if (time.textContent !== text) time.textContent = text;
}

// A browser keeps six connections to a server for all its windows: one that nobody looks at gives its own back.
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) return open();
  close();
  clearTimeout(later);
  show("still", "Paused");
});
addEventListener("pagehide", close);
addEventListener("pageshow", open);

open();
tick();
ticking = setInterval(tick, 1000);
