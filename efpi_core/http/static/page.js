// The live page: follows /api/events and keeps the document in step. Texts of devices enter it as text only.

import * as house from "/static/house.js";

const KINDS = "health,appliance,balance,event";
const EVENTS_SHOWN = 60;
const RETRY_MS = 2000;

const byId = (id) => document.getElementById(id);
const appliances = new Map();
const cards = new Map();
let health = null;
let present = null;
let lastEvent = 0;
const eventItems = new Map();
let clock = { server: Date.now(), here: performance.now() };

const now = () => clock.server + (performance.now() - clock.here);

function setClock(instant) {
  clock = { server: Date.parse(instant), here: performance.now() };
}

/** Set a text only when it differs, so that a screen reader and a selection are left in peace. */
function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function make(name, className, text) {
  const element = document.createElement(name);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}

function showStatus(state) {
  const element = byId("status");
  element.dataset.state = state;
  say(element, house.statusWord(state));
}

function showHealth(view) {
  health = view;
  setClock(view.now);
  showStatus(view.status);
  say(byId("site"), view.site || "efpi");
  document.title = `${view.site || "efpi"} – ${house.statusWord(view.status)}`;
  say(byId("version"), `efpi ${view.version}, site revision ${view.revision}.`);
  showTroubles();
}

function showBalance(balance) {
  for (const part of house.PARTS) {
    const row = document.querySelector(`#balance [data-part="${part}"]`);
    say(row.querySelector(".watts"), house.watts(balance[part]));
    say(row.querySelector(".word"), house.flowWord(part, balance[part]));
  }
  const { sources, uses } = house.sides(balance);
  byId("flows").hidden = balance.grid === null;
  showBar("sources", sources, "Power comes from");
  showBar("uses", uses, "Power goes to");
  say(byId("zero"), house.zeroSentence(balance));
}

function showBar(id, flows, words) {
  const bar = byId(id);
  const wanted = new Map(flows.map((flow) => [flow.part, flow.power]));
  for (const part of house.PARTS) {
    let piece = bar.querySelector(`.${part}`);
    if (!piece) {
      piece = make("span", part);
      bar.append(piece);
    }
    piece.style.flexGrow = wanted.get(part) ?? 0;
    piece.hidden = !wanted.has(part);
  }
  const told = flows.map((flow) => `${flow.part} ${house.watts(flow.power)}`).join(", ");
  bar.setAttribute("aria-label", `${words}: ${told || "nothing"}`);
  say(byId(`${id}-sum`), house.watts(house.total(flows)));
}

/** An instance's name for people. */
function title(name) {
  return health?.instances.find((instance) => instance.instance === name)?.title || name;
}

function newCard(id) {
  const card = make("li", "card");
  const head = make("header");
  const parts = {
    card,
    name: make("h3"),
    category: make("span", "category"),
    watts: make("span", "watts"),
    word: make("span", "word"),
    age: make("span", "age"),
    summary: make("p"),
    control: make("p", "control"),
    allocation: make("div", "allocation"),
    trouble: make("p", "trouble"),
    link: make("a", "", "What it told"),
  };
  head.append(parts.name, parts.category);
  const power = make("p");
  power.append(parts.watts, " ", parts.word, " ", parts.age);
  parts.link.href = `/api/appliances/${encodeURIComponent(id)}`;
  card.append(head, power, parts.summary, parts.control, parts.allocation, parts.trouble, parts.link);
  byId("cards").append(card);
  return parts;
}

function showAppliance(view) {
  if (view.state === "gone") {
    forget(view.id);
    return;
  }
  appliances.set(view.id, view);
  present?.add(view.id);
  if (!cards.has(view.id)) cards.set(view.id, newCard(view.id));
  const parts = cards.get(view.id);
  parts.card.dataset.state = view.state;
  say(parts.name, view.name);
  say(parts.category, house.categoryName(view.category));
  say(parts.watts, house.watts(view.power));
  say(parts.word, house.applianceWord(view.power, view.role));
  say(parts.summary, view.summary);
  parts.link.setAttribute("aria-label", `What ${view.name} told`);
  showControl(parts.control, view);
  showAllocation(parts.allocation, house.shownAllocation(view));
  showTrouble(parts.trouble, view.condition !== "ok" || view.state === "offline", view.text || "out of reach", view.cure);
  showAge(view.id);
  byId("none").hidden = cards.size > 0;
  showTroubles();
}

function showControl(element, view) {
  const [before, who] = house.controlSentence(view, title);
  if (element.dataset.said === `${before}${who}`) return;
  element.dataset.said = `${before}${who}`;
  element.replaceChildren(before, before ? make("b", "", who) : who);
}

function showAllocation(element, allocation) {
  element.hidden = allocation === null;
  if (allocation === null) return;
  const told = JSON.stringify([allocation.status, allocation.reason, allocation.text, allocation.app]);
  if (element.dataset.told === told) return;
  element.dataset.told = told;
  element.dataset.status = allocation.status;
  element.replaceChildren(make("span", "chip", allocation.status), ` ${allocation.reason || `asked by ${allocation.app}`}`);
  if (allocation.text) element.append(make("span", "cure", allocation.text));
}

function showTrouble(element, troubled, why, cure) {
  element.hidden = !troubled;
  const told = troubled ? `${why}\n${cure}` : "";
  if (element.dataset.told === told) return;
  element.dataset.told = told;
  element.replaceChildren(why);
  if (cure) element.append(make("span", "cure", cure));
}

function showAge(id) {
  const view = appliances.get(id);
  const parts = cards.get(id);
  const stale = view.power !== null && view.power_quality !== "good";
  parts.card.classList.toggle("stale", stale);
  const seconds = view.power_at === null ? null : (now() - Date.parse(view.power_at)) / 1000;
  say(parts.age, stale && seconds !== null ? `stale, ${house.age(seconds)} old` : "");
}

function showTroubles() {
  const found = house.troubles(health, appliances.values());
  byId("attention").hidden = found.length === 0;
  const told = JSON.stringify(found);
  const list = byId("troubles");
  if (list.dataset.told === told) return;
  list.dataset.told = told;
  list.replaceChildren(...found.map((trouble) => {
    const item = make("li", "trouble");
    item.append(make("b", "", trouble.what), `: ${trouble.why}`);
    if (trouble.cure) item.append(make("span", "cure", trouble.cure));
    return item;
  }));
}

function showEvent(view) {
  lastEvent = Math.max(lastEvent, view.number);
  eventItems.get(view.number)?.remove();
  const item = make("li", `level-${view.level}`);
  const at = view.last_at || view.at;
  const time = make("time", "", house.wallTime(at, new Date(now())));
  time.dateTime = at;
  time.title = new Date(view.at).toLocaleString();
  const words = make("span");
  words.append(make("b", "", view.subject), ` ${view.text}`);
  if (view.count > 1) words.append(` (${view.count} times)`);
  if (view.cure) words.append(make("span", "cure", view.cure));
  item.append(time, words);
  const list = byId("events");
  list.prepend(item);
  eventItems.set(view.number, item);
  while (list.childElementCount > EVENTS_SHOWN) list.lastElementChild.remove();
  for (const [number, shown] of eventItems) if (!shown.isConnected) eventItems.delete(number);
}

function forget(id) {
  appliances.delete(id);
  cards.get(id)?.card.remove();
  cards.delete(id);
  byId("none").hidden = cards.size > 0;
  showTroubles();
}

function follow() {
  const source = new EventSource(`/api/events?kinds=${KINDS}&after=${lastEvent}`);
  const on = (kind, act) => source.addEventListener(kind, (message) => act(JSON.parse(message.data)));
  on("begin", () => { present = new Set(); });
  on("live", ({ now: instant }) => {
    setClock(instant);
    for (const id of [...cards.keys()]) if (!present.has(id)) forget(id);
    present = null;
  });
  on("health", showHealth);
  on("balance", showBalance);
  on("appliance", showAppliance);
  on("event", showEvent);
  source.addEventListener("error", () => {
    showStatus("lost");
    if (source.readyState === EventSource.CLOSED) setTimeout(follow, RETRY_MS);
  });
}

setInterval(() => { for (const id of cards.keys()) showAge(id); }, 1000);
follow();
