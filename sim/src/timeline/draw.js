// Where everything stands, and how it looks. Only what is in view is drawn, and nothing of it is an element.

const GUTTER = 158, AXIS = 46;
const LINE = 17, ROW = 15, BAR = 11; // within a lane: the line of its events, and the rows of bars below it
const MANY_ARROWS = 2500;

const chart = document.getElementById("chart");
const view = { from: 0, to: Math.max(lasted, 1), top: 0, width: 0, height: 0 };
let colors = {};

// Each lane with its top, the line its steps stand on, and its height.
const places = [];
function layOut(room) {
  place(1);
  if (places.height > room) place(0.78);
}

function place(scale) {
  const rows = lanes.map(() => 0);
  for (const bar of bars) rows[bar.lane] = Math.max(rows[bar.lane], bar.row + 1);
  places.length = 0;
  let y = 0;
  lanes.forEach((lane, index) => {
    const plain = { world: 34, output: 68, broker: 40, store: 36, coordinator: 40 }[lane.kind] * scale;
    const height = Math.round(plain || Math.max(LINE + 18 * scale ** 4 + rows[index] * ROW, 42));
    places.push({ y, line: y + (lane.kind === "output" ? height - 8 : LINE), height });
    y += height;
  });
  places.height = y;
}

const x = (at) => GUTTER + ((at - view.from) / (view.to - view.from)) * (view.width - GUTTER);
const time = (px) => view.from + ((px - GUTTER) / (view.width - GUTTER)) * (view.to - view.from);
const lineOf = (lane) => AXIS + places[lane].line - view.top;

function stepPlace(index) {
  const step = steps[index];
  const height = lanes[step.lane].kind === "output" ? stableHeight(step.offset) : 0;
  return { x: x(step.at), y: lineOf(step.lane) - height };
}

function fit(canvas) {
  const scale = window.devicePixelRatio || 1;
  const { clientWidth: width, clientHeight: height } = canvas;
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.clearRect(0, 0, width, height);
  return { pen, width, height };
}

function readColors() {
  const style = getComputedStyle(document.documentElement);
  for (const name of ["bg", "lane", "grid", "edge", "ink", "muted", "life", "commit", "abort", "open", "fault",
    "checkpoint", "band", "zombie", "way", "glow", "on-fill", "bad"]) {
    colors[name] = style.getPropertyValue(`--${name}`).trim();
  }
  colors.font = getComputedStyle(document.body).fontFamily;
}

function draw(found) {
  const { pen, width, height } = fit(chart);
  [view.width, view.height] = [width, height];
  pen.lineCap = "round";
  pen.fillStyle = colors.bg;
  pen.fillRect(0, 0, width, height);
  pen.save();
  pen.beginPath();
  pen.rect(GUTTER, AXIS, width - GUTTER, height - AXIS);
  pen.clip();
  drawLanes(pen);
  drawCheckpoints(pen);
  drawLifelines(pen);
  drawBars(pen, found);
  drawArrows(pen, found);
  drawOutput(pen);
  drawSteps(pen, found);
  pen.restore();
  drawAxis(pen);
  drawGutter(pen);
}

function drawLanes(pen) {
  places.forEach((place, index) => {
    const y = AXIS + place.y - view.top;
    if (index % 2) { pen.fillStyle = colors.lane; pen.fillRect(GUTTER, y, view.width, place.height); }
    stroke(pen, colors.grid, 1);
    line(pen, GUTTER, y + place.height, view.width, y + place.height);
  });
  stroke(pen, colors.grid, 1);
  for (const tick of ticks()) line(pen, x(tick), AXIS, x(tick), view.height);
}

function drawCheckpoints(pen) {
  const bottom = AXIS + places.height - view.top;
  for (const { from, durable, given_up: givenUp } of checkpoints) {
    const end = durable ?? givenUp ?? from;
    if (end < view.from || from > view.to) continue;
    pen.fillStyle = colors.band;
    pen.globalAlpha = 0.75;
    pen.fillRect(x(from), AXIS, Math.max(1, x(end) - x(from)), bottom - AXIS);
    pen.globalAlpha = 1;
    if (durable !== undefined) { stroke(pen, colors.checkpoint, 1.5); line(pen, x(durable), AXIS, x(durable), bottom); }
    if (givenUp !== undefined) { stroke(pen, colors.checkpoint, 1, [2, 4]); line(pen, x(givenUp), AXIS, x(givenUp), bottom); }
  }
}

function drawLifelines(pen) {
  lanes.forEach((lane, index) => {
    const [y, top] = [lineOf(index), AXIS + places[index].y - view.top];
    if (lane.kind === "output") return;
    const [from, to] = [Math.max(x(lane.from), GUTTER - 9), Math.min(x(lane.to), view.width + 9)];
    if (lane.zombie !== undefined) {
      const since = Math.max(x(lane.zombie), GUTTER);
      hatch(pen, since, top + 1, Math.max(0, to - since), places[index].height - 2, colors.zombie);
      label(pen, "zombie", since + 5, top + places[index].height - 7, colors.zombie, "bold 11px");
    }
    if (to < from) return;
    stroke(pen, colors.life, lane.life === undefined ? 1 : 2);
    line(pen, from, y, to, y);
    for (const [since, until] of lane.still) {
      const [a, b] = [Math.max(x(since), GUTTER - 9), Math.min(x(until), view.width + 9)];
      stroke(pen, index % 2 ? colors.lane : colors.bg, 4);
      if (b > a) line(pen, a, y, b, y);
      stroke(pen, colors.life, 2, [0.1, 5]);
      if (b > a) line(pen, a, y, b, y);
    }
    let free = -Infinity;
    for (const [at, name] of lane.incarnations) {
      if (x(at) < free || x(at) > view.width) continue;
      label(pen, name, x(at) + 3, y - 6, colors.muted, "11px");
      free = x(at) + 24;
    }
  });
}

const COLOR_OF = { open: "open", committed: "commit", aborted: "abort", "timed-out": "abort" };

function barPlace(bar) {
  const top = lineOf(bar.lane) + 9 + bar.row * ROW;
  return { top, from: x(bar.from), to: x(bar.decided ?? lasted) };
}

function drawBars(pen, found) {
  const highlighted = new Set([...found].map((index) => steps[index].bar).filter((bar) => bar !== undefined));
  bars.forEach((bar, index) => {
    const { top, from, to } = barPlace(bar);
    if (to < GUTTER || from > view.width || top > view.height || top + ROW < AXIS) return;
    drawBar(pen, bar, top, Math.max(from, GUTTER - 20), Math.min(to, view.width + 20), highlighted.has(index));
  });
}

function drawBar(pen, bar, top, from, to, isHighlighted) {
  const color = colors[COLOR_OF[bar.outcome]];
  const wide = Math.max(3, to - from);
  if (isHighlighted) { pen.fillStyle = colors.glow; round(pen, from - 3, top - 3, wide + 6, BAR + 6, 7); pen.fill(); }
  pen.fillStyle = colors.bg;
  round(pen, from, top, wide, BAR, 4);
  pen.fill();
  pen.save();
  pen.clip();
  const inside = (at) => Math.min(Math.max(x(at), from), from + wide);
  if (bar.pre_committed !== undefined) {
    const start = inside(bar.pre_committed);
    hatch(pen, start, top, from + wide - start, BAR, color);
  }
  if (bar.promised !== undefined) {
    const start = inside(bar.promised);
    pen.fillStyle = color;
    pen.fillRect(start, top, from + wide - start, BAR);
  }
  if (wide < 5) { pen.fillStyle = color; pen.fillRect(from, top, wide, BAR); }
  pen.restore();
  stroke(pen, bar.wrong ? colors.bad : color, bar.wrong ? 2.5 : 1.3, bar.outcome === "open" ? [4, 3] : []);
  round(pen, from, top, wide, BAR, 4);
  pen.stroke();
  const name = bar.outcome === "open" ? `${bar.id} open` : bar.id;
  pen.font = `11px ${colors.font}`;
  const room = Math.min(bar.promised === undefined ? to : inside(bar.promised), to) - Math.max(from, GUTTER) - 24;
  const needs = pen.measureText(name).width;
  if (needs < room) {
    const at = Math.max(from, GUTTER) + 6;
    pen.fillStyle = colors.bg;
    pen.fillRect(at - 2, top + 1.5, needs + 4, BAR - 3);
    label(pen, name, at, top + BAR - 2, color, "11px");
  }
  if (bar.outcome !== "open" && wide > 9) cap(pen, bar, to, top + BAR / 2, color);
}

function cap(pen, bar, px, py, color) {
  disc(pen, px, py, 7, color);
  stroke(pen, colors["on-fill"], 1.8);
  if (bar.outcome === "committed") path(pen, [[px - 3.2, py], [px - 0.8, py + 2.6], [px + 3.4, py - 2.8]]);
  if (bar.outcome === "aborted") cross(pen, px, py, 2.6);
  if (bar.outcome === "timed-out") { line(pen, px - 3, py - 2.6, px + 3, py - 2.6); line(pen, px, py - 2.6, px, py + 3.4); }
  if (bar.wrong) label(pen, "!", px + 10, py + 5, colors.bad, "bold 14px");
}

const isTroubled = (arrow) => arrow.fate === "lost" || arrow.late > 0 || arrow.again;
const inView = (arrow) => arrow.due >= view.from && arrow.left <= view.to;
let showQuiet = false;

function drawArrows(pen, found) {
  const seen = arrows.filter((arrow) => inView(arrow) && (showQuiet || !arrow.quiet));
  const ordinary = seen.length < MANY_ARROWS;
  const onWay = (arrow) => found.has(arrow.from_step) || found.has(arrow.to_step);
  const [way, others] = [[], []];
  for (const arrow of seen) (onWay(arrow) ? way : others).push(arrow);
  for (const arrow of others) if (ordinary || isTroubled(arrow)) drawArrow(pen, arrow, false);
  for (const arrow of way) drawArrow(pen, arrow, true);
}

function drawArrow(pen, arrow, isOnWay) {
  const [x1, y1, y2] = [x(arrow.left), lineOf(arrow.from), lineOf(arrow.to)];
  let [x2, end] = [x(arrow.due), y2];
  const isLost = arrow.fate === "lost";
  if (isLost) [x2, end] = [x1 + (x2 - x1) * 0.6, y1 + (y2 - y1) * 0.6];
  const color = isTroubled(arrow) ? colors.fault : isOnWay ? colors.way : arrow.kind === "message" ? colors.muted : colors.life;
  const wide = isOnWay || isTroubled(arrow) ? 2 : arrow.kind === "message" ? 1.1 : 0.7;
  if (isOnWay) { stroke(pen, colors.glow, 6); line(pen, x1, y1, x2, end); }
  pen.globalAlpha = isOnWay || isTroubled(arrow) ? 1 : 0.75;
  stroke(pen, color, wide, isLost ? [5, 4] : arrow.late ? [8, 3, 2, 3] : []);
  if (arrow.again) { line(pen, x1 - 2, y1, x2 - 2, end); line(pen, x1 + 2, y1, x2 + 2, end); } else line(pen, x1, y1, x2, end);
  pen.setLineDash([]);
  const angle = Math.atan2(end - y1, x2 - x1);
  if (isLost) { stroke(pen, color, 2.4); cross(pen, x2, end, 4.5); }
  else if (arrow.fate === "unheard") { stroke(pen, color, 1.3); ring(pen, x2, end, 3.2); }
  else head(pen, x2, end, angle, wide > 1.5 ? 8 : 5, color);
  pen.globalAlpha = 1;
  if (isTroubled(arrow)) {
    const said = isLost ? `${arrow.label} lost` : arrow.late ? `${arrow.label} +${millis(arrow.late)}` : `${arrow.label} again`;
    if (Math.abs(x2 - x1) + Math.abs(end - y1) > 30) label(pen, said, (x1 + x2) / 2 + 7, (y1 + end) / 2 + 4, color, "bold 11px", true);
  }
}

// The last stable offset of each partition, over time.
const curves = new Map();
let highest = 1;
steps.forEach((step, index) => {
  if (step.kind !== "visible") return;
  if (!curves.has(step.lane)) curves.set(step.lane, []);
  curves.get(step.lane).push({ at: step.at, offset: step.offset, index });
  highest = Math.max(highest, step.offset + 1);
});
function stableHeight(offset) { return ((offset + 1) / highest) * 34; }

function drawOutput(pen) {
  lanes.forEach((lane, index) => {
    if (lane.kind !== "output") return;
    const base = lineOf(index);
    const points = [[GUTTER - 9, base]];
    let height = 0;
    for (const { at, offset } of curves.get(index) ?? []) {
      if (at > view.to) break;
      const px = Math.max(x(at), GUTTER - 9);
      points.push([px, base - height]);
      height = stableHeight(offset);
      points.push([px, base - height]);
    }
    points.push([Math.min(x(lasted), view.width), base - height]);
    pen.fillStyle = colors.commit;
    pen.globalAlpha = 0.16;
    pen.beginPath();
    points.forEach(([px, py]) => pen.lineTo(px, py));
    pen.lineTo(Math.min(x(lasted), view.width), base);
    pen.lineTo(GUTTER - 9, base);
    pen.fill();
    pen.globalAlpha = 1;
    stroke(pen, colors.commit, 1.8);
    path(pen, points);
  });
}

// Steps that are only a dot, so that many at one place are one dot.
const DOTS = new Set(["sent", "got", "applied", "put", "noted", "restored", "remark", "visible", "asked-to-stop"]);

function drawSteps(pen, found) {
  const taken = new Set();
  const [first, last] = [firstStepAt(time(GUTTER - 12)), firstStepAt(time(view.width + 12) + 1)];
  const later = [];
  for (let index = first; index < last; index++) {
    const step = steps[index];
    if (found.has(index)) { later.push(index); continue; }
    if (step.quiet && !showQuiet) continue;
    const { x: px, y: py } = stepPlace(index);
    if (py < AXIS - 10 || py > view.height + 10) continue;
    const key = `${Math.round(px / 2)} ${step.lane} ${DOTS.has(step.kind) ? "" : step.kind}`;
    if (taken.has(key)) continue;
    taken.add(key);
    glyph(pen, step.kind, px, py, false);
  }
  for (const index of later) {
    const { x: px, y: py } = stepPlace(index);
    disc(pen, px, py, 10, colors.glow);
    stroke(pen, colors.way, 1.5);
    ring(pen, px, py, 10);
  }
  for (const index of later) {
    const { x: px, y: py } = stepPlace(index);
    glyph(pen, steps[index].kind, px, py, true);
  }
}

function glyph(pen, kind, px, py, isOnWay) {
  const plain = isOnWay ? colors.way : colors.muted;
  switch (kind) {
    case "crashed": case "panicked": case "gave-up": case "broker-down":
      stroke(pen, colors.fault, 3.4);
      return cross(pen, px, py, 5.5);
    case "fault": return diamond(pen, px, py, 6.5, colors.fault);
    case "timed-out":
      disc(pen, px, py, 6, colors.abort);
      stroke(pen, colors["on-fill"], 1.6);
      return path(pen, [[px, py - 3.5], [px, py], [px + 2.6, py + 1.6]]);
    case "started": case "resumed": case "broker-up": case "healed": return triangle(pen, px, py, 6, colors.ink);
    case "ended": pen.fillStyle = colors.ink; return pen.fillRect(px - 4, py - 4, 8, 8);
    case "paused":
      stroke(pen, colors.fault, 2.6);
      line(pen, px - 2.5, py - 5, px - 2.5, py + 5);
      return line(pen, px + 2.5, py - 5, px + 2.5, py + 5);
    case "refused": case "unanswered":
      disc(pen, px, py, 4.4, colors.bg);
      stroke(pen, colors.abort, 2);
      return ring(pen, px, py, 4.4);
    case "began": stroke(pen, isOnWay ? colors.way : colors.open, 2); return line(pen, px, py - 6, px, py + 6);
    case "pre-committed": stroke(pen, isOnWay ? colors.way : colors.open, 2); line(pen, px - 2, py - 6, px - 2, py + 6); return line(pen, px + 2, py - 6, px + 2, py + 6);
    case "committed": disc(pen, px, py, 5.5, colors.commit); stroke(pen, colors["on-fill"], 1.6); return path(pen, [[px - 2.6, py], [px - 0.6, py + 2.2], [px + 2.8, py - 2.4]]);
    case "aborted": disc(pen, px, py, 5.5, colors.abort); stroke(pen, colors["on-fill"], 1.6); return cross(pen, px, py, 2.1);
    case "triggered": case "acknowledged": case "completed": return triangle(pen, px, py, 5, colors.checkpoint);
    case "durable": return star(pen, px, py, 8, colors.checkpoint);
    case "expired": stroke(pen, colors.checkpoint, 2.4); return cross(pen, px, py, 4);
    case "restoring": case "restarting": stroke(pen, colors.ink, 1.8); pen.beginPath(); pen.arc(px, py, 4.6, -0.4, 4.6); return pen.stroke();
    case "marker": stroke(pen, colors.commit, 2.4); return line(pen, px, py, px, py + 9);
    case "remark": pen.fillStyle = plain; return pen.fillRect(px - 1.5, py - 9, 3, 5);
    case "visible": return disc(pen, px, py, isOnWay ? 4 : 2.4, isOnWay ? colors.way : colors.commit);
    default: return disc(pen, px, py, isOnWay ? 4 : 2.8, plain);
  }
}

function ticks() {
  const wanted = (view.to - view.from) / Math.max(2, (view.width - GUTTER) / 130);
  const power = 10 ** Math.floor(Math.log10(Math.max(wanted, 1)));
  const size = Math.max(1, [1, 2, 5, 10].map((n) => n * power).find((n) => n >= wanted));
  const all = [];
  for (let at = Math.ceil(view.from / size) * size; at <= view.to; at += size) all.push(at);
  all.size = size;
  return all;
}

function drawAxis(pen) {
  pen.fillStyle = colors.bg;
  pen.fillRect(0, 0, view.width, AXIS);
  stroke(pen, colors.edge, 1);
  line(pen, 0, AXIS, view.width, AXIS);
  const all = ticks();
  const digits = Math.max(0, Math.min(6, 6 - Math.floor(Math.log10(all.size))));
  for (const tick of all) label(pen, seconds(tick, digits), x(tick) + 4, 14, colors.muted, "11px");
  stroke(pen, colors.edge, 1);
  for (const tick of all) line(pen, x(tick), 4, x(tick), 16);
  let free = GUTTER;
  for (const { id, from, durable, given_up: givenUp } of checkpoints) {
    const end = durable ?? givenUp ?? from;
    if (end < view.from || from > view.to) continue;
    const said = durable !== undefined ? `c${id} durable` : givenUp !== undefined ? `c${id} given up` : `c${id} unfinished`;
    pen.font = `bold 11px ${colors.font}`;
    let [px, text] = [Math.min(Math.max(x(end) + 5, GUTTER + 4), view.width - 80), said];
    if (px < free) text = `c${id}`;
    if (px < free) continue;
    label(pen, text, px, 38, colors.checkpoint, "bold 11px");
    if (x(end) >= GUTTER && x(end) <= view.width) { stroke(pen, colors.checkpoint, 1.5, durable === undefined ? [2, 3] : []); line(pen, x(end), 27, x(end), AXIS); }
    free = px + pen.measureText(text).width + 12;
  }
}

function drawGutter(pen) {
  pen.fillStyle = colors.bg;
  pen.fillRect(0, 0, GUTTER, view.height);
  pen.save();
  pen.beginPath();
  pen.rect(0, AXIS, GUTTER, view.height - AXIS);
  pen.clip();
  lanes.forEach((lane, index) => {
    const place = places[index];
    const y = AXIS + place.y - view.top;
    if (y > view.height || y + place.height < AXIS) return;
    if (index % 2) { pen.fillStyle = colors.lane; pen.fillRect(0, y, GUTTER, place.height); }
    const base = y + (lane.kind === "output" ? 26 : LINE + 4);
    label(pen, lane.name, 14, base, colors.ink, "bold 13px");
    const second = lane.life !== undefined ? `life ${lane.life}` : lane.kind === "output" ? "last stable offset" : "";
    const beside = lane.kind === "coordinator" || lane.life === undefined;
    if (lane.kind === "output") label(pen, second, 14, base + 15, colors.muted, "11px");
    else if (second) label(pen, second, 76, base, colors.muted, "12px");
    const end = lane.zombie !== undefined ? `zombie, ${lane.end ?? "still there"}` : lane.life !== undefined ? lane.end : undefined;
    if (end && (!beside || place.height > 44)) label(pen, end, 14, base + 16, lane.zombie !== undefined ? colors.zombie : lane.end === "ended" ? colors.muted : colors.fault, "11px");
    stroke(pen, colors.grid, 1);
    line(pen, 0, y + place.height, GUTTER, y + place.height);
  });
  pen.restore();
  label(pen, "time", 14, 15, colors.muted, "11px");
  label(pen, "checkpoints", 14, 38, colors.muted, "11px");
  stroke(pen, colors.edge, 1);
  line(pen, GUTTER, 0, GUTTER, view.height);
  line(pen, 0, AXIS, GUTTER, AXIS);
}

// The whole history, small, with the part that is in view.
const overview = document.getElementById("overview");
function drawOverview(found) {
  const { pen, width, height } = fit(overview);
  const at = (when) => GUTTER + (when / Math.max(lasted, 1)) * (width - GUTTER - 8);
  overview.time = (px) => ((px - GUTTER) / (width - GUTTER - 8)) * lasted;
  const counts = new Float32Array(Math.ceil(width));
  for (const step of steps) if (!step.quiet || showQuiet) counts[Math.floor(at(step.at))] += 1;
  const most = Math.max(1, ...counts);
  pen.fillStyle = colors.life;
  counts.forEach((count, px) => { if (count) { const tall = 3 + Math.sqrt(count / most) * 22; pen.fillRect(px, height - 4 - tall, 1, tall); } });
  pen.fillStyle = colors.checkpoint;
  for (const { durable } of checkpoints) if (durable !== undefined) pen.fillRect(at(durable), 4, 1, height - 8);
  for (const index of found) disc(pen, at(steps[index].at), 9, 2.6, colors.way);
  for (const step of steps) if (step.kind === "fault") diamond(pen, at(step.at), 9, 4, colors.fault);
  if (marked !== null) { stroke(pen, colors.bad, 2); line(pen, at(steps[marked].at), 3, at(steps[marked].at), height - 3); }
  const [from, to] = [at(Math.max(0, view.from)), at(Math.min(lasted, view.to))];
  pen.fillStyle = colors.commit;
  pen.globalAlpha = 0.14;
  pen.fillRect(from, 1, Math.max(3, to - from), height - 2);
  pen.globalAlpha = 1;
  stroke(pen, colors.commit, 1.5);
  pen.strokeRect(from, 1, Math.max(3, to - from), height - 2);
  label(pen, "whole history", 14, 20, colors.muted, "11px");
  label(pen, seconds(lasted, 3), 14, 35, colors.muted, "11px");
}

function drawLegend() {
  const { pen, width } = fit(document.getElementById("legend"));
  const sample = (outcome, extra) => (px, py) => { const top = py - BAR / 2; pen.save(); legendBar(pen, outcome, extra, px, top); pen.restore(); };
  const sign = (kind) => (px, py) => glyph(pen, kind, px + 11, py, false);
  const items = [
    [sample("open", ""), "open"], [sample("committed", "hatch"), "pre-committed"], [sample("committed", "full"), "promised ✓ committed"],
    [sample("aborted", ""), "✕ aborted"], [sign("fault"), "fault"], [sign("crashed"), "killed"], [sign("refused"), "refused"],
    [sign("durable"), "durable"], [legendLost(pen), "lost"], [legendWay(pen), about.record ? `way of ${about.record}` : "found"],
  ];
  let px = 14;
  for (const [paint, text] of items) {
    pen.font = `12px ${colors.font}`;
    const needs = 30 + pen.measureText(text).width + 16;
    if (px + needs > width) break;
    paint(px, 13);
    label(pen, text, px + 30, 17, colors.muted, "12px");
    px += needs;
  }
}

function legendBar(pen, outcome, extra, px, top) {
  const color = colors[COLOR_OF[outcome]];
  if (extra === "hatch") hatch(pen, px, top, 24, BAR, color);
  if (extra === "full") { pen.fillStyle = color; round(pen, px, top, 24, BAR, 4); pen.fill(); }
  stroke(pen, color, 1.3, outcome === "open" ? [4, 3] : []);
  round(pen, px, top, 24, BAR, 4);
  pen.stroke();
}

const legendLost = (pen) => (px, py) => { stroke(pen, colors.fault, 2, [5, 4]); line(pen, px, py, px + 16, py); stroke(pen, colors.fault, 2.4); cross(pen, px + 20, py, 4); };
const legendWay = (pen) => (px, py) => { disc(pen, px + 12, py, 8, colors.glow); stroke(pen, colors.way, 1.5); ring(pen, px + 12, py, 8); disc(pen, px + 12, py, 3.5, colors.way); };

// Pens and shapes.
function stroke(pen, color, wide, dash = []) { pen.strokeStyle = color; pen.lineWidth = wide; pen.setLineDash(dash); }
function line(pen, x1, y1, x2, y2) { pen.beginPath(); pen.moveTo(x1, y1); pen.lineTo(x2, y2); pen.stroke(); }
function path(pen, points) { pen.beginPath(); points.forEach(([px, py]) => pen.lineTo(px, py)); pen.stroke(); }
function disc(pen, px, py, radius, color) { pen.fillStyle = color; pen.beginPath(); pen.arc(px, py, radius, 0, 7); pen.fill(); }
function ring(pen, px, py, radius) { pen.beginPath(); pen.arc(px, py, radius, 0, 7); pen.stroke(); }
function cross(pen, px, py, r) { line(pen, px - r, py - r, px + r, py + r); line(pen, px - r, py + r, px + r, py - r); }
function round(pen, px, py, wide, high, radius) { pen.beginPath(); pen.roundRect(px, py, wide, high, Math.min(radius, wide / 2)); }
function filled(pen, color, points) { pen.fillStyle = color; pen.beginPath(); points.forEach(([px, py]) => pen.lineTo(px, py)); pen.fill(); }
function diamond(pen, px, py, r, color) { filled(pen, color, [[px, py - r], [px + r, py], [px, py + r], [px - r, py]]); }
function triangle(pen, px, py, r, color) { filled(pen, color, [[px - r * 0.7, py - r], [px + r, py], [px - r * 0.7, py + r]]); }
function star(pen, px, py, r, color) {
  const points = [];
  for (let i = 0; i < 10; i++) { const far = i % 2 ? r * 0.45 : r, turn = (i * Math.PI) / 5 - Math.PI / 2; points.push([px + far * Math.cos(turn), py + far * Math.sin(turn)]); }
  filled(pen, color, points);
}
function head(pen, px, py, angle, size, color) {
  const side = (turn) => [px - size * Math.cos(angle + turn), py - size * Math.sin(angle + turn)];
  filled(pen, color, [[px, py], side(0.42), side(-0.42)]);
}
function hatch(pen, px, py, wide, high, color) {
  if (wide <= 0) return;
  pen.save();
  pen.beginPath();
  pen.rect(px, py, wide, high);
  pen.clip();
  stroke(pen, color, 1.2);
  pen.globalAlpha = 0.65;
  const start = Math.floor((Math.max(px, 0) - high) / 6) * 6;
  pen.beginPath();
  for (let at = start; at < Math.min(px + wide, view.width || px + wide) + 6; at += 6) { pen.moveTo(at, py + high); pen.lineTo(at + high, py); }
  pen.stroke();
  pen.restore();
}
function label(pen, text, px, py, color, font, halo = false) {
  pen.font = `${font} ${colors.font}`;
  if (halo) { stroke(pen, colors.bg, 3.5); pen.strokeText(text, px, py); }
  pen.fillStyle = color;
  pen.fillText(text, px, py);
}
