// What the page knows of the house, and how it says it. No part of this touches the document.

export const PARTS = ["grid", "producers", "storages", "consumers", "unmeasured"];

const CATEGORIES = {
  inflexible: "Inflexible",
  time_shiftable: "Time-shiftable",
  storage: "Storage",
  output_adjustable: "Adjustable",
  demand_driven: "Demand-driven",
};

const WORDS = {
  grid: ["drawn", "fed in"],
  producers: ["used by them", "produced"],
  storages: ["charging", "discharging"],
  consumers: ["used", "given"],
  unmeasured: ["used elsewhere", "from elsewhere"],
};

const OPEN = new Set(["accepted", "processing", "started", "pending"]);

/** Less than this, in W, is told as nothing. */
const NOTHING = 0.5;

/** Power as people read it; without a sign, since words tell the direction. */
export function watts(power) {
  if (power === null || power === undefined) return "–";
  const size = Math.abs(power);
  if (size < 999.5) return `${Math.round(size)} W`;
  const [unit, worth] = size < 999500 ? ["kW", 1e3] : size < 999.5e6 ? ["MW", 1e6] : ["GW", 1e9];
  const number = size / worth;
  return `${number < 99.95 ? number.toFixed(2) : number.toFixed(0)} ${unit}`;
}

/** What one part of the balance does: "drawn", "discharging" … */
export function flowWord(part, power) {
  if (power === null || power === undefined) return part === "grid" ? "no meter" : "not known";
  if (Math.abs(power) < NOTHING) return "";
  return WORDS[part][power > 0 ? 0 : 1];
}

/** What an appliance does with power; a meter tells of the grid behind it. */
export function applianceWord(power, role) {
  if (power === null || power === undefined) return "power not known";
  if (Math.abs(power) < NOTHING) return "";
  if (role === "grid") return WORDS.grid[power > 0 ? 0 : 1];
  return power > 0 ? "consumes" : "produces";
}

/** The balance as two sides of the house's node: where power comes from and where it goes. */
export function sides(balance) {
  const sources = [];
  const uses = [];
  for (const part of PARTS) {
    const power = balance[part];
    if (power === null || power === undefined || Math.abs(power) < NOTHING) continue;
    const incoming = part === "grid" ? power > 0 : power < 0;
    (incoming ? sources : uses).push({ part, power: Math.abs(power) });
  }
  return { sources, uses };
}

export function total(flows) {
  return flows.reduce((sum, flow) => sum + flow.power, 0);
}

const SHARES = {
  grid: ["from the grid", "into the grid"],
  producers: ["produced", "into producers"],
  storages: ["from storages", "into storages"],
  consumers: ["from consumers", "used"],
  unmeasured: ["from elsewhere", "used elsewhere"],
};

/** The sentence that shows that nothing is lost: what comes in, what goes out, and their difference. */
export function zeroSentence(balance) {
  const missing = balance.missing.length ? ` Not known now: ${balance.missing.join(", ")}.` : "";
  if (balance.grid === null) return `There is no grid meter, so the sum cannot be checked.${missing}`;
  const { sources, uses } = sides(balance);
  const told = (flows, side) => flows.map(({ part, power }) => `${watts(power)} ${SHARES[part][side]}`).join(" + ") || "nothing";
  const rest = watts(total(sources) - total(uses));
  return `${told(sources, 0)} = ${told(uses, 1)}. The sum is ${rest}.${missing}`;
}

export function categoryName(category) {
  return CATEGORIES[category] ?? category;
}

/** Who is in control, as words and the name to stress; `title` gives an app's name for people. */
export function controlSentence(appliance, title) {
  switch (appliance.controlled_by) {
    case "app": return ["Steered by ", title(appliance.app)];
    case "resident": return ["In the hands of ", "the resident"];
    case "limit": return ["Held by ", "a limit"];
    default:
      if (!appliance.steerable) return ["", "Measured only"];
      return ["", appliance.app ? `${title(appliance.app)} leaves it alone` : "No app steers it"];
  }
}

/** The allocation to show: an open one before one that ended, a newer before an older. */
export function shownAllocation(appliance) {
  const newestFirst = [...appliance.allocations].sort((a, b) => (a.changed_at < b.changed_at ? 1 : -1));
  return newestFirst.find((allocation) => OPEN.has(allocation.status)) ?? newestFirst[0] ?? null;
}

/** A span as people say it. */
export function age(seconds) {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.round(s / 60)} min`;
  if (s < 172800) return `${Math.round(s / 3600)} h`;
  return `${Math.round(s / 86400)} days`;
}

const STATUS = { ok: "All well", degraded: "Degraded", starting: "Starting …", failed: "Out of order", lost: "Connection lost, trying again …" };

export function statusWord(status) {
  return STATUS[status] ?? status;
}

/** The time of the clock on this wall; with the day, when it was not today. */
export function wallTime(instant, today) {
  const at = new Date(instant);
  const time = at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
  if (at.toDateString() === today.toDateString()) return time;
  return `${at.toLocaleDateString([], { day: "numeric", month: "short" })} ${time}`;
}

/** Everything that is not well: what, why, and what to do. */
export function troubles(health, appliances) {
  const found = [];
  for (const part of health?.parts ?? []) {
    if (part.state !== "ok") found.push({ key: `part ${part.name}`, what: part.name, why: part.text || part.detail || part.state, cure: part.cure });
  }
  for (const instance of health?.instances ?? []) {
    const well = instance.condition === "ok" && ["running", "stopped", "starting"].includes(instance.state);
    if (!well) {
      const why = instance.text || instance.detail || instance.state.replaceAll("_", " ");
      const alike = health.instances.filter((other) => other.title === instance.title).length > 1;
      const what = instance.title && alike ? `${instance.title} (${instance.instance})` : instance.title || instance.instance;
      found.push({ key: `instance ${instance.instance}`, instance: instance.instance, what, why, cure: instance.cure });
    }
  }
  for (const appliance of appliances) {
    if (appliance.condition !== "ok" || appliance.state === "offline") {
      const why = appliance.text || (appliance.state === "offline" ? "out of reach" : appliance.condition);
      const told = found.some((other) => other.instance === appliance.instance && other.why === why);
      if (!told) found.push({ key: `appliance ${appliance.id}`, what: appliance.name, why, cure: appliance.cure });
    }
  }
  return found;
}
