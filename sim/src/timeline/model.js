"use strict";
// What is asked of the model: the way of a record, what a search finds, where a time falls. Nothing here draws.

const model = JSON.parse(document.getElementById("model").textContent);
const { about, lanes, steps, arrows, bars, checkpoints, marked, payloads, lasted } = model;

// For each step the arrows that begin or end with it.
const arrowsAt = new Map();
arrows.forEach((arrow, index) => {
  for (const step of [arrow.from_step, arrow.to_step]) {
    if (step === undefined) continue;
    if (!arrowsAt.has(step)) arrowsAt.set(step, []);
    arrowsAt.get(step).push(index);
  }
});

const TURNS = new Set(["crashed", "ended", "gave-up", "panicked", "paused", "resumed", "restoring", "started"]);
const OF_CHECKPOINT = new Set(["acknowledged", "durable", "expired", "triggered"]);

// The same as Timeline::way_of in way.rs.
function wayOf(record) {
  const carriers = new Set();
  for (const step of steps) {
    if (step.bar !== undefined && step.records?.includes(record)) carriers.add(step.bar);
  }
  const carrying = [...carriers].map((bar) => bars[bar]);
  const named = new Set(carrying.map((bar) => bar.checkpoint).filter((id) => id !== undefined));
  const befalls = (step) => TURNS.has(step.kind) && carrying.some((bar) =>
    lanes[step.lane].name === lanes[bar.lane].name && bar.from <= step.at && step.at <= (bar.decided ?? lasted));
  return indices((step) => step.records?.includes(record)
    || (carriers.has(step.bar) && !step.records)
    || (OF_CHECKPOINT.has(step.kind) && named.has(step.checkpoint))
    || befalls(step));
}

function indices(belongs) {
  const found = [];
  steps.forEach((step, index) => belongs(step) && found.push(index));
  return found;
}

// What was typed: a record, a transaction, a checkpoint, the number of a step; or else words.
function find(query) {
  const words = query.trim();
  if (/^s\d+:\d+$/.test(words)) return wayOf(words);
  if (bars.some((bar) => bar.id === words)) return indices((step) => bars[step.bar]?.id === words);
  if (/^c\d+$/.test(words)) return indices((step) => step.checkpoint === Number(words.slice(1)));
  if (/^#?\d+$/.test(words)) return indices((step) => step.number === Number(words.replace("#", "")));
  const lower = words.toLowerCase();
  return indices((step) => step.text.toLowerCase().includes(lower) || title(step.by ?? step.lane).includes(lower));
}

function title(lane) {
  const { name, life } = lanes[lane];
  return life === undefined ? name : `${name} life ${life}`;
}

function seconds(at, digits = 6) {
  return `${(at / 1e6).toFixed(digits)} s`;
}

function millis(span) {
  return `${(span / 1e3).toFixed(span % 1e3 ? 3 : 0)} ms`;
}

// The first step at or after this time.
function firstStepAt(at) {
  let [low, high] = [0, steps.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (steps[middle].at < at) low = middle + 1; else high = middle;
  }
  return low;
}
