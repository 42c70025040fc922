// Draws what the server says once a second of itself: see sipapp.admin.stats.overview.

import { Plot, brief } from "./plot.js";
import { fill, number, rows, set } from "./tables.js";

// Seconds without news until the page says so, and until it looks for the server anew.
const QUIET = 3;
const ANEW = 5;

const at = (id) => document.getElementById(id);
const plots = { calls: new Plot(at("calls")), registers: new Plot(at("registers")) };
let before = null;
let heard = 0;
let isLost = false;
let trouble = "";

const count = new Intl.NumberFormat("en").format;
const percent = (part) => `${Math.round(part * 100)} %`;
const milliseconds = (seconds) => `${count(Math.round(seconds * 1000))} ms`;
const mebibytes = (bytes) => `${count(Math.round(bytes / 1048576))} MiB`;

function duration(seconds) {
  if (seconds === null) return "until lifted";
  const units = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
  const first = Math.max(units.findIndex(([, size]) => seconds >= size), 0);
  let rest = Math.floor(seconds);
  if (rest < 1) return "0 s";
  return units.slice(first, first + 2).map(([unit, size]) => {
    const whole = Math.floor(rest / size);
    rest -= whole * size;
    return whole ? `${whole} ${unit}` : "";
  }).join(" ").trim();
}

// Events a second since the overview before, of a total that both have.
function rate(total, overview) {
  if (before === null || overview.time <= before.time) return null;
  const then = total(before);
  if (then === undefined) return null;
  return Math.max(0, total(overview) - then) / (overview.time - before.time);
}

const perSecond = (value) => (value === null ? "\u2013" : brief(value));

const lag = (seconds) => ({
  text: milliseconds(seconds), kind: seconds > 0.5 ? "bad" : seconds > 0.1 ? "doubtful" : "",
});

const POOLS = {
  "Pool": (pool) => pool.name,
  "Endpoints": (pool) => pool.endpoints.join("\n"),
  "Resources": (pool) => pool.resources.join(" "),
  "Ready": (pool) => ({
    text: `${pool.ready} of ${pool.size}`,
    kind: pool.ready === pool.size ? "good" : pool.ready ? "doubtful" : "bad",
  }),
  "Busy": (pool) => ({ text: percent(pool.busy), part: pool.busy }),
  "Requests/s": number((pool) => perSecond(pool.rate)),
  "Lag": number((pool) => lag(pool.lag)),
  "Transactions": number((pool) => count(pool.transactions)),
  "Connections": number((pool) => count(pool.connections)),
};

const known = (worker, text) => (worker.answers ? text() : "\u2013");

const WORKERS = {
  "Worker": (worker) => worker.name,
  "State": (worker) => {
    if (worker.state === "ready" && !worker.answers) {
      return { text: "does not answer", kind: "bad" };
    }
    const kinds = { ready: "good", starting: "doubtful", leaving: "doubtful", draining: "doubtful" };
    return { text: worker.state, kind: kinds[worker.state] ?? "bad" };
  },
  "Restarts": number((worker) => ({
    text: count(worker.restarts), kind: worker.restarts ? "doubtful" : "",
  })),
  "Busy": (worker) => known(worker, () => ({ text: percent(worker.busy), part: worker.busy })),
  "Lag": number((worker) => known(worker, () => lag(worker.lag))),
  "Memory": number((worker) => known(worker, () => mebibytes(worker.memory))),
  "Transactions": number((worker) => known(worker, () => count(worker.transactions))),
  "Connections": number((worker) => known(worker, () => count(worker.connections))),
  "Process": number((worker) => (worker.pid === null ? "\u2013" : String(worker.pid))),
};

const BANS = {
  "Network": (ban) => ban.network,
  "Left": (ban) => duration(ban.left),
  "Reason": (ban) => ban.reason,
};

function draw(overview) {
  const running = `running for ${duration(overview.uptime)}`;
  set(at("server"), `${overview.version}, ${running}, generation ${overview.generation}`);
  for (const [name, plot] of Object.entries(plots)) {
    const value = rate((each) => each[name], overview);
    if (value !== null) plot.add(overview.time, value);
  }
  const sum = (name) => overview.pools.reduce((total, pool) => total + pool[name], 0);
  const totals = [
    ["Registered", overview.registrations < 0 ? "unknown" : count(overview.registrations)],
    ["Requests/s", perSecond(rate((each) =>
      each.pools.reduce((total, pool) => total + pool.requests, 0), overview))],
    ["Transactions", count(sum("transactions"))],
    ["Connections", count(sum("connections"))],
    ["Workers ready", `${sum("ready")} of ${sum("size")}`],
  ];
  fill(at("totals"), totals);
  const pools = overview.pools.map((pool) => ({
    ...pool,
    rate: rate((each) => each.pools.find(({ name }) => name === pool.name)?.requests, overview),
  }));
  rows(at("pools"), POOLS, pools);
  rows(at("workers"), WORKERS, overview.workers);
  drawBans(overview.bans, overview.banned);
  drawFindings(overview.doctor);
  before = overview;
}

// all: how many there are, of which only those that were made last are told.
function drawBans(bans, all) {
  rows(at("bans"), BANS, bans);
  at("bans").hidden = bans.length === 0;
  set(at("banned"), all === 0 ? "Nobody is banned."
    : all > bans.length ? `${count(all)} are banned; these are the last ${bans.length}.` : "");
}

function drawFindings(doctor) {
  set(at("diagnosis"), doctor.summary || "No examination has ended yet.");
  const list = at("findings");
  // They seldom change, and somebody may be copying a line.
  const drawn = JSON.stringify(doctor.findings);
  if (list.dataset.drawn === drawn) return;
  list.dataset.drawn = drawn;
  list.replaceChildren(...doctor.findings.map((finding) => {
    const item = document.createElement("li");
    item.dataset.kind = { error: "bad", warning: "doubtful", note: "" }[finding.severity];
    const add = (name, text) => {
      item.appendChild(document.createElement(name)).textContent = text;
    };
    add("strong", `${finding.severity}: ${finding.name}`);
    add("p", `${finding.current}; wanted: ${finding.wanted}`);
    add("p", finding.why);
    if (finding.mend) add("code", finding.mend);
    return item;
  }));
}

// What the page knows of the server, and whether that is news.

function judge() {
  const silent = heard ? Math.floor((Date.now() - heard) / 1000) : 0;
  const state = at("state");
  let news = "fresh";
  let text;
  if (trouble) {
    news = "old";
    text = trouble;
  } else if (isLost && (!heard || silent >= QUIET)) {
    news = "old";
    text = "There is no connection to the server; trying again";
  } else if (!heard) {
    news = "none";
    text = "Connecting";
  } else if (silent >= QUIET) {
    news = "old";
    text = "No news from the server: what is shown is old";
  } else {
    text = before.ready ? "Ready" : `Not ready: ${before.unready}`;
  }
  document.body.dataset.news = news;
  state.dataset.kind = news === "old" ? "bad" : news === "none" ? "" : before.ready ? "good" : "doubtful";
  set(state, text);
  document.title = `sipapp: ${text.toLowerCase()}`;
}

function listen() {
  const source = new EventSource("events");
  source.addEventListener("overview", (event) => {
    heard = Date.now();
    isLost = false;
    trouble = "";
    draw(JSON.parse(event.data));
    judge();
  });
  source.addEventListener("silence", (event) => {
    isLost = false;
    trouble = `The server cannot say how it is: ${JSON.parse(event.data).text}`;
    judge();
  });
  source.addEventListener("error", () => {
    // It has ended as it does after a while, or at a reload, and is there again in a second.
    isLost = true;
    trouble = "";
    judge();
    // An answer other than a stream, such as a refusal, ends it; all else is tried again by itself.
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, ANEW * 1000);
  });
}

judge();
setInterval(judge, 1000);
listen();
