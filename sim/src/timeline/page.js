// What a person does, and what follows. All that changes is here: the view, the selection, what was found.

const $ = (id) => document.getElementById(id);
const ROW_HEIGHT = 22;
let selected = null;
let found = new Set(model.way);
let hits = model.way;
let onlyFound = model.way.length > 0;
let list = [];
let isDrawn = false;

function refresh() {
  if (isDrawn) return;
  isDrawn = true;
  requestAnimationFrame(() => {
    isDrawn = false;
    draw(found);
    drawOverview(found);
    drawLegend();
    placeCursor();
    placeMark();
  });
}

// Moves.

function look(from, to) {
  const least = 200, most = Math.max(lasted * 1.08, 1000);
  const span = Math.min(Math.max(to - from, least), most);
  const margin = span * 0.05;
  const [first, last] = [span / 2 - margin, lasted - span / 2 + margin];
  const middle = first > last ? lasted / 2 : Math.min(Math.max((from + to) / 2, first), last);
  [view.from, view.to] = [middle - span / 2, middle + span / 2];
  refresh();
}

function zoom(factor, around = (view.from + view.to) / 2) {
  look(around - (around - view.from) * factor, around + (view.to - around) * factor);
}

function move(span) { look(view.from + span, view.to + span); }

function scroll(to) {
  view.top = Math.max(0, Math.min(to, places.height + AXIS + 12 - view.height));
  refresh();
}

function lookAtAll() { look(-lasted * 0.03, lasted * 1.03); }

function lookAtSteps(indexes) {
  if (!indexes.length) return;
  const [from, to] = [steps[indexes[0]].at, steps[indexes[indexes.length - 1]].at];
  const margin = Math.max((to - from) * 0.06, 2000);
  look(from - margin, to + margin);
}

// A whole way if that is not too much to see at once, else the surroundings of the marked step.
function lookAtMark() {
  if (marked === null) return steps.length > 600 ? look(0, steps[Math.min(400, steps.length - 1)].at) : lookAtAll();
  const seen = (from, to) => { let count = 0; for (let i = from; i <= to; i++) if (!steps[i].quiet) count += 1; return count; };
  const way = [...new Set([...model.way, marked])].sort((a, b) => a - b);
  if (seen(way[0], way[way.length - 1]) <= 260) lookAtSteps(way);
  else {
    let [from, to] = [marked, marked];
    while (seen(from, to) < 90 && (from > 0 || to < steps.length - 1)) { from = Math.max(0, from - 4); to = Math.min(steps.length - 1, to + 4); }
    const span = Math.max(steps[to].at - steps[from].at, 4000);
    look(steps[marked].at - span / 2, steps[marked].at + span / 2);
  }
}

function reveal(index) {
  const { at, lane } = steps[index];
  const span = view.to - view.from;
  if (at < view.from + span * 0.04 || at > view.to - span * 0.04) look(at - span / 2, at + span / 2);
  const place = places[lane];
  if (place.y < view.top) scroll(place.y - 8);
  if (place.y + place.height + AXIS > view.top + view.height) scroll(place.y + place.height + AXIS - view.height + 8);
}

function select(index) {
  if (index === undefined || index === null) return;
  selected = index;
  reveal(index);
  tell(index);
  showRow(index);
  refresh();
}

function stepBy(indexes, direction) {
  if (!indexes.length) return;
  const from = selected ?? -1;
  const next = direction > 0 ? indexes.find((index) => index > from) : indexes.findLast((index) => index < from);
  select(next ?? from);
}

const shown = () => { const all = []; steps.forEach((step, index) => (showQuiet || !step.quiet || found.has(index)) && all.push(index)); return all; };
let shownNow = shown();

// Placed above the canvas: the ring around the selected step, and the flag of the marked one.

function placeCursor() {
  const isSeen = selected !== null && within(stepPlace(selected));
  $("cursor").hidden = !isSeen;
  if (isSeen) { const { x: px, y: py } = stepPlace(selected); $("cursor").style.transform = `translate(${px}px, ${py}px)`; }
}

function within({ x: px, y: py }) { return px >= GUTTER && px <= view.width && py >= AXIS && py <= view.height; }

function placeMark() {
  const flag = $("mark");
  flag.hidden = marked === null;
  if (marked === null) return;
  const place = stepPlace(marked);
  const isHere = within(place);
  const side = place.x < GUTTER ? "◀ " : place.x > view.width ? "▶ " : place.y < AXIS ? "▲ " : isHere ? "" : "▼ ";
  flag.textContent = `${side}${about.verdict}${isHere ? ` · step ${steps[marked].number}` : ""}`;
  flag.classList.toggle("here", isHere);
  const wide = flag.offsetWidth;
  const px = Math.min(Math.max(place.x - wide / 2, GUTTER + 4), view.width - wide - 4);
  const py = Math.min(Math.max(place.y - 42, AXIS + 2), view.height - 26);
  flag.style.transform = `translate(${px}px, ${py}px)`;
}

// What is under the pointer: a step, else a bar, else an arrow.

function under(px, py) {
  if (px < GUTTER || py < AXIS) return null;
  let [best, near] = [null, 13];
  for (let index = firstStepAt(time(px - 14)); index < steps.length && x(steps[index].at) < px + 14; index++) {
    if (steps[index].quiet && !showQuiet && !found.has(index)) continue;
    const place = stepPlace(index);
    const far = Math.hypot(place.x - px, place.y - py) - (found.has(index) ? 4 : 0);
    if (far < near) [best, near] = [{ step: index }, far];
  }
  if (best) return best;
  const bar = bars.findIndex((one) => { const { top, from, to } = barPlace(one); return py >= top - 2 && py <= top + BAR + 2 && px >= from - 3 && px <= to + 8; });
  if (bar >= 0) return { bar };
  let arrow = -1;
  near = 6;
  arrows.forEach((one, index) => {
    if (!inView(one) || (one.quiet && !showQuiet)) return;
    const far = away(px, py, x(one.left), lineOf(one.from), x(one.due), lineOf(one.to));
    if (far < near) [arrow, near] = [index, far];
  });
  return arrow >= 0 ? { arrow } : null;
}

function away(px, py, x1, y1, x2, y2) {
  const [dx, dy] = [x2 - x1, y2 - y1];
  const part = Math.min(1, Math.max(0, ((px - x1) * dx + (py - y1) * dy) / (dx * dx + dy * dy || 1)));
  return Math.hypot(px - x1 - part * dx, py - y1 - part * dy);
}

function describe(thing) {
  if (thing.step !== undefined) { const step = steps[thing.step]; return [`${title(step.by ?? step.lane)} ${step.text}`, `${step.number ? `step ${step.number} · ` : ""}${seconds(step.at)}`]; }
  if (thing.bar !== undefined) return [`${bars[thing.bar].id}: ${outcomeOf(bars[thing.bar])}`, barSays(bars[thing.bar])];
  const arrow = arrows[thing.arrow];
  return [`${arrow.kind} ${arrow.label}: ${title(arrow.from)} to ${title(arrow.to)}`, travelled(arrow)];
}

function travelled(arrow) {
  const late = arrow.late ? `, held up for ${millis(arrow.late)} by a fault` : "";
  const again = arrow.again ? ", the second of two: a fault repeated it" : "";
  const end = { arrived: `arrived ${seconds(arrow.due)}`, lost: "lost on its way", unheard: `came at ${seconds(arrow.due)}, and nobody was there`, "under-way": "still under way at the end" }[arrow.fate];
  return `left ${seconds(arrow.left)}, ${end}${late}${again}`;
}

function outcomeOf(bar) {
  const word = { open: "never ended", committed: "committed", aborted: "aborted", "timed-out": "timed out, aborted" }[bar.outcome];
  return bar.wrong ? `${word}, which breaks the promise` : word;
}

function barSays(bar) {
  const part = (name, at) => (at === undefined ? "" : `, ${name} ${seconds(at)}`);
  const records = `${bar.records} ${bar.records === 1 ? "record" : "records"}`;
  return `${records}, began ${seconds(bar.from)}${part("pre-committed", bar.pre_committed)}${part("promised", bar.promised)}${part("decided", bar.decided)}`;
}

// The panel.

function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function finder(query) {
  const button = element("button", query);
  button.type = "button";
  button.title = `Find ${query}`;
  button.addEventListener("click", () => search(query));
  return button;
}

function tell(index) {
  const step = steps[index];
  const panel = $("details");
  panel.replaceChildren();
  panel.append(element("h2", step.text));
  const number = step.number ? `step ${step.number} of ${steps[steps.length - 1].number ?? steps.length}` : "said";
  panel.append(element("p", `${number} · ${seconds(step.at)} · ${title(step.by ?? step.lane)}`, "when"));
  if (index === marked) for (const line of [about.says.join(" "), ...about.why]) panel.append(element("p", line, "broke"));
  const facts = element("dl");
  const fact = (name, ...what) => { const dd = element("dd"); dd.append(...what); facts.append(element("dt", name), dd); };
  if (step.bar !== undefined) fact("transaction", finder(bars[step.bar].id), ` ${outcomeOf(bars[step.bar])}; ${barSays(bars[step.bar])}`);
  if (step.checkpoint !== undefined) fact("checkpoint", finder(`c${step.checkpoint}`));
  if (step.records) {
    const more = step.records.length > 24 ? ` and ${step.records.length - 24} more` : "";
    fact(step.records.length === 1 ? "record" : "records", ...step.records.slice(0, 24).map(finder), more);
    for (const id of step.records.slice(0, 3)) if (payloads[id] !== undefined) fact(`payload ${id}`, element("code", payloads[id]));
  }
  for (const arrow of (arrowsAt.get(index) ?? []).slice(0, 6)) fact(`${arrows[arrow].kind} ${arrows[arrow].label}`, travelled(arrows[arrow]));
  panel.append(facts);
}

// The list of steps: only the rows that can be seen are elements.

function fillList() {
  shownNow = shown();
  list = onlyFound ? hits : shownNow;
  const what = $("query").value.trim() || about.record;
  $("only-way").textContent = $("query").value.trim() ? `Found (${hits.length})` : about.record ? `Way of ${what} (${hits.length})` : "Way (0)";
  $("only-way").disabled = hits.length === 0;
  $("everything").textContent = `All steps (${shownNow.length})`;
  $("only-way").setAttribute("aria-pressed", String(onlyFound));
  $("everything").setAttribute("aria-pressed", String(!onlyFound));
  $("rows").style.height = `${list.length * ROW_HEIGHT}px`;
  drawRows();
}

function drawRows() {
  const first = Math.max(0, Math.floor($("trace").scrollTop / ROW_HEIGHT) - 4);
  const last = Math.min(list.length, first + Math.ceil($("trace").clientHeight / ROW_HEIGHT) + 9);
  const rows = [];
  for (let place = first; place < last; place++) rows.push(row(list[place], place));
  $("rows").replaceChildren(...rows);
}

function row(index, place) {
  const step = steps[index];
  const made = element("div", undefined, "row");
  made.setAttribute("role", "listitem");
  made.classList.toggle("way", found.has(index));
  made.classList.toggle("selected", index === selected);
  made.classList.toggle("marked", index === marked);
  made.classList.toggle("remark", step.kind === "remark");
  made.style.top = `${place * ROW_HEIGHT}px`;
  made.dataset.step = index;
  made.append(element("span", step.number ?? "", "number"), element("span", seconds(step.at), "at"), element("span", title(step.by ?? step.lane), "where"), element("span", step.text, "what"));
  made.title = step.text;
  return made;
}

function showRow(index) {
  const place = list.indexOf(index);
  const box = $("trace");
  if (place >= 0) {
    const top = place * ROW_HEIGHT;
    if (top < box.scrollTop || top + ROW_HEIGHT > box.scrollTop + box.clientHeight) box.scrollTop = top - box.clientHeight / 2;
  }
  drawRows();
}

function search(query) {
  $("query").value = query;
  const isEmpty = query.trim() === "";
  hits = isEmpty ? model.way : find(query);
  found = new Set(hits);
  onlyFound = hits.length > 0;
  $("hits").textContent = isEmpty ? "" : hits.length === 0 ? "nothing found" : `${hits.length} ${hits.length === 1 ? "step" : "steps"}`;
  fillList();
  if (isEmpty) return refresh();
  if (hits.length) select(hits.find((index) => index >= (selected ?? 0)) ?? hits[0]);
  else refresh();
}

function setQuiet(on) { showQuiet = on; $("quiet").checked = on; fillList(); refresh(); }

function turnTheme() {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const now = document.documentElement.dataset.theme ?? (dark ? "dark" : "light");
  document.documentElement.dataset.theme = now === "dark" ? "light" : "dark";
  readColors();
  refresh();
}

// Wiring.

function goToMark() { if (marked !== null) { lookAtMark(); select(marked); } }

const KEYS = {
  ArrowRight: (event) => stepBy(event.shiftKey ? hits : shownNow, 1),
  ArrowLeft: (event) => stepBy(event.shiftKey ? hits : shownNow, -1),
  ArrowDown: () => stepBy(shownNow.filter((index) => selected === null || steps[index].lane === steps[selected].lane), 1),
  ArrowUp: () => stepBy(shownNow.filter((index) => selected === null || steps[index].lane === steps[selected].lane), -1),
  Home: () => select(shownNow[0]),
  End: () => select(shownNow[shownNow.length - 1]),
  PageDown: () => scroll(view.top + view.height * 0.8),
  PageUp: () => scroll(view.top - view.height * 0.8),
  "+": () => zoom(0.6, selected === null ? undefined : steps[selected].at),
  "=": () => zoom(0.6, selected === null ? undefined : steps[selected].at),
  "-": () => zoom(1 / 0.6, selected === null ? undefined : steps[selected].at),
  0: lookAtAll,
  m: goToMark,
  w: () => lookAtSteps(hits),
  h: () => setQuiet(!showQuiet),
  t: turnTheme,
  "/": () => $("query").focus(),
  "?": () => $("help").showModal(),
  Escape: () => search(""),
};

document.addEventListener("keydown", (event) => {
  if (event.target === $("query") || event.ctrlKey || event.metaKey || event.altKey || $("help").open) return;
  const act = KEYS[event.key];
  if (act) { event.preventDefault(); act(event); }
});

$("query").addEventListener("input", () => search($("query").value));
$("query").addEventListener("keydown", (event) => {
  if (event.key === "Enter") stepBy(hits, event.shiftKey ? -1 : 1);
  if (event.key === "Escape") { search(""); chart.focus(); }
});
$("find").addEventListener("submit", (event) => event.preventDefault());

let drag = null;
chart.addEventListener("pointerdown", (event) => {
  chart.setPointerCapture(event.pointerId);
  drag = { px: event.offsetX, py: event.offsetY, from: view.from, to: view.to, top: view.top, moved: false };
});
chart.addEventListener("pointermove", (event) => {
  if (!drag) return hover(event);
  const [dx, dy] = [event.offsetX - drag.px, event.offsetY - drag.py];
  if (Math.hypot(dx, dy) > 4) drag.moved = true;
  if (!drag.moved) return;
  const span = (dx / (view.width - GUTTER)) * (drag.to - drag.from);
  look(drag.from - span, drag.to - span);
  scroll(drag.top - dy);
});
chart.addEventListener("pointerup", (event) => {
  const clicked = drag && !drag.moved ? under(event.offsetX, event.offsetY) : null;
  drag = null;
  if (clicked?.step !== undefined) select(clicked.step);
  if (clicked?.bar !== undefined) search(bars[clicked.bar].id);
  if (clicked?.arrow !== undefined) select(arrows[clicked.arrow].to_step ?? arrows[clicked.arrow].from_step);
});
chart.addEventListener("pointerleave", () => { $("tip").hidden = true; });
chart.addEventListener("wheel", (event) => {
  event.preventDefault();
  if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) return move(((event.deltaX || event.deltaY) / view.width) * (view.to - view.from));
  zoom(1.0015 ** event.deltaY, time(Math.max(event.offsetX, GUTTER)));
}, { passive: false });

function hover(event) {
  const thing = under(event.offsetX, event.offsetY);
  const tip = $("tip");
  tip.hidden = !thing;
  chart.style.cursor = thing ? "pointer" : "default";
  if (!thing) return;
  const [said, more] = describe(thing);
  tip.replaceChildren(said, element("small", more));
  const px = Math.min(event.offsetX + 14, view.width - tip.offsetWidth - 8);
  const py = event.offsetY + 18 + tip.offsetHeight > view.height ? event.offsetY - tip.offsetHeight - 10 : event.offsetY + 18;
  tip.style.transform = `translate(${px}px, ${py}px)`;
}

function lookThere(event) {
  const half = (view.to - view.from) / 2, at = overview.time(event.offsetX);
  look(at - half, at + half);
}
overview.addEventListener("pointerdown", (event) => { overview.setPointerCapture(event.pointerId); lookThere(event); });
overview.addEventListener("pointermove", (event) => event.buttons && lookThere(event));

$("trace").addEventListener("scroll", drawRows);
$("rows").addEventListener("click", (event) => { const made = event.target.closest(".row"); if (made) select(Number(made.dataset.step)); });
$("only-way").addEventListener("click", () => { onlyFound = true; fillList(); });
$("everything").addEventListener("click", () => { onlyFound = false; fillList(); if (selected !== null) showRow(selected); });
$("quiet").addEventListener("change", () => setQuiet($("quiet").checked));
$("mark").addEventListener("click", goToMark);
$("to-mark").addEventListener("click", goToMark);
$("to-way").addEventListener("click", () => lookAtSteps(hits));
$("to-all").addEventListener("click", lookAtAll);
$("zoom-in").addEventListener("click", () => zoom(0.6));
$("zoom-out").addEventListener("click", () => zoom(1 / 0.6));
$("theme").addEventListener("click", turnTheme);
$("to-help").addEventListener("click", () => $("help").showModal());
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { readColors(); refresh(); });
new ResizeObserver(() => { refresh(); drawRows(); }).observe($("stage"));

function begin() {
  document.title = `${about.verdict} · ${about.of} · ${about.subject}`;
  $("pill").textContent = about.verdict;
  $("pill").classList.toggle("failed", about.failed);
  $("mark").classList.toggle("good", !about.failed);
  $("headline").textContent = about.says[0] ?? "";
  $("subline").textContent = [about.window && `window ${about.window}`, `${about.subject}, ${about.of}`].filter(Boolean).join(" · ");
  $("drawn").textContent = [about.replay && `replay       ${about.replay}`, about.drawn, `twophase ${about.version}`].filter(Boolean).join("\n");
  $("to-mark").disabled = marked === null;
  $("to-way").disabled = model.way.length === 0;
  $("tip").hidden = true;
  readColors();
  [view.width, view.height] = [chart.clientWidth, chart.clientHeight];
  layOut(view.height - AXIS);
  fillList();
  lookAtMark();
  select(marked ?? shownNow[0]);
}
begin();
