// Opens timelines in a real browser and holds them to what they promise. From the root of the repository:
//
//     npm --prefix tests/timeline ci && node tests/timeline/check.mjs target/release/twophase
//
// With a second argument, a directory, it leaves screenshots there. CHROMIUM names another browser.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { chromium } from "playwright-core";

const [command, pictures] = process.argv.slice(2);
if (!command) throw new Error("usage: node check.mjs TWOPHASE [DIRECTORY]");
if (pictures) mkdirSync(pictures, { recursive: true });
const scratch = mkdtempSync(join(tmpdir(), "timeline-"));
const MOST_EVENTS = 30_000, SECONDS_TO_OPEN = 10, MOST_MS_A_FRAME = 1_000;

function draw(name, words, exit = 2) {
  const page = join(scratch, `${name}.html`);
  const made = spawnSync(resolve(command), ["run", ...words, "--timeline", page], { encoding: "utf8", maxBuffer: 1 << 28 });
  assert.equal(made.status, exit, `${words.join(" ")}: ${made.stderr}`);
  return { page, model: JSON.parse(readFileSync(page, "utf8").match(/id="model">(.*?)<\/script>/s)[1]) };
}

// The first seed that this subject fails under: another one whenever seeds mean something else.
function seedOf(subject) {
  const words = ["run", "--subject", subject, "--seeds", "0..10000", "--shrink-budget", "0"];
  const { stdout } = spawnSync(resolve(command), words, { encoding: "utf8" });
  const seed = stdout.match(/^FAIL .* seed (\d+) /m)?.[1];
  assert.ok(seed, `${words.join(" ")} finds nothing: ${stdout}`);
  return seed;
}

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });

// Opens it, does something with it, and finds no complaint in the console and no request but for the page itself.
async function open(file, options, act) {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 }, ...options });
  const [complaints, requests] = [[], []];
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => requests.push(request.url()));
  await page.goto(`file://${file}`);
  await settled(page);
  await act(page);
  assert.deepEqual(complaints, [], "the page complains");
  assert.deepEqual(requests.filter((url) => !url.startsWith("data:")), [`file://${file}`], "only itself is loaded");
  await page.close();
}

const settled = (page) => page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
const shoot = async (page, name) => { if (pictures) { await settled(page); await page.screenshot({ path: join(pictures, `${name}.png`) }); } };
const selected = (page) => page.evaluate(() => selected);
const press = async (page, ...keys) => { for (const key of keys) await page.keyboard.press(key); await settled(page); };

// Whether the marked step lies within the chart, and is drawn there: its pixels are not those of the background.
async function marksItsStep(page) {
  const { flag, chart, ink } = await page.evaluate(() => {
    const place = stepPlace(marked), scale = devicePixelRatio, canvas = document.getElementById("chart");
    const data = canvas.getContext("2d").getImageData((place.x - 4) * scale, (place.y - 4) * scale, 8 * scale, 8 * scale).data;
    const colours = new Set();
    for (let i = 0; i < data.length; i += 4) colours.add(`${data[i]} ${data[i + 1]} ${data[i + 2]}`);
    const box = ({ left, top, right, bottom }) => ({ left, top, right, bottom });
    return { flag: box(document.getElementById("mark").getBoundingClientRect()), chart: { ...box(canvas.getBoundingClientRect()), x: place.x, y: place.y, gutter: GUTTER, axis: AXIS }, ink: colours.size };
  });
  assert.ok(chart.x > chart.gutter && chart.x < chart.right - chart.left, `the marked step is in view across: ${chart.x}`);
  assert.ok(chart.y > chart.axis && chart.y < chart.bottom - chart.top, `the marked step is in view down: ${chart.y}`);
  assert.ok(ink > 2, "something is drawn at the marked step");
  assert.ok(flag.left >= chart.left && flag.right <= chart.right && flag.top >= chart.top && flag.bottom <= chart.bottom, "its flag is in view");
}

const checks = {
  async "the marked step is in view when it opens, in whatever size"() {
    for (const subject of ["fences-before-committing", "shares-names-with-zombies", "takes-silence-for-failure"]) {
      const { page: file } = draw(`mark-${subject}`, ["--subject", subject, "--seed", seedOf(subject)]);
      for (const [width, height] of [[1440, 900], [1024, 600], [700, 900]]) {
        await open(file, { viewport: { width, height } }, async (page) => {
          await marksItsStep(page);
          assert.equal(await page.evaluate(() => selected === marked), true, "it is selected");
          await shoot(page, `${subject}-${width}`);
        });
      }
    }
  },

  async "a record, a transaction, a checkpoint and a step are found"() {
    await open(failing.page, {}, async (page) => {
      const { about, bars, checkpoints } = failing.model;
      const last = (list) => list[list.length - 1];
      for (const [query, holds] of [
        [about.record, "steps[i].records?.includes(q) || steps[i].bar !== undefined || steps[i].checkpoint !== undefined || lanes[steps[i].lane].life !== undefined"],
        [last(bars).id, "bars[steps[i].bar].id === q"],
        [`c${last(checkpoints).id}`, "steps[i].checkpoint === Number(q.slice(1))"],
        ["#12", "steps[i].number === 12"],
        ["IS KILLED", "steps[i].kind === 'crashed'"],
      ]) {
        await page.fill("#query", query);
        await settled(page);
        const found = await page.evaluate(() => ({ count: hits.length, said: document.getElementById("hits").textContent }));
        assert.ok(found.count > 0, `${query} is found`);
        const right = await page.evaluate(`hits.every((i) => { const q = ${JSON.stringify(query)}; return ${holds}; })`);
        assert.ok(right, `${query} finds what was asked for, and nothing else`);
        assert.match(found.said, /^\d+ steps?$/);
        const inView = await page.evaluate(() => within(stepPlace(selected)) && hits.includes(selected));
        assert.ok(inView, `a hit for ${query} is selected and in view`);
      }
      const expected = failing.model.steps.filter((step) => step.bar === bars.length - 1).length;
      await page.fill("#query", last(bars).id);
      assert.equal(await page.evaluate(() => hits.length), expected, "all steps of the transaction are found");
      await shoot(page, "search");
      await page.fill("#query", "no such words");
      assert.equal(await page.textContent("#hits"), "nothing found");
      await page.fill("#query", about.record);
      assert.deepEqual(await page.evaluate(() => hits), failing.model.way, "the page and the model agree about a way");
    });
  },

  async "keys go from step to step, and it stays in view"() {
    await open(failing.page, {}, async (page) => {
      const marked = await selected(page);
      await press(page, "ArrowLeft");
      const before = await selected(page);
      assert.ok(before < marked, "left is earlier");
      await press(page, "ArrowRight");
      assert.equal(await selected(page), marked, "right is back");
      await press(page, "Shift+ArrowLeft");
      assert.ok(failing.model.way.includes(await selected(page)), "with Shift along the way");
      await press(page, "End", "+", "+", "+", "ArrowLeft");
      assert.ok(await page.evaluate(() => within(stepPlace(selected))), "what is selected is in view");
      for (let step = 0; step < 30; step++) {
        await press(page, "ArrowLeft");
        assert.ok(await page.evaluate(() => within(stepPlace(selected))), `in view after ${step} steps`);
      }
      await press(page, "m");
      assert.equal(await selected(page), marked, "m goes to the marked step");
      await press(page, "/");
      assert.equal(await page.evaluate(() => document.activeElement.id), "query", "/ goes to the search");
      await press(page, "Escape", "?");
      assert.ok(await page.evaluate(() => document.getElementById("help").open), "? shows the keys");
      await shoot(page, "help");
    });
  },

  async "a hover tells, and a click selects"() {
    await open(failing.page, {}, async (page) => {
      const index = failing.model.way[0];
      await press(page, "w");
      const at = await page.evaluate((i) => { const box = chart.getBoundingClientRect(), place = stepPlace(i); return { x: box.left + place.x, y: box.top + place.y }; }, index);
      await page.mouse.move(at.x, at.y);
      await settled(page);
      assert.ok(await page.isVisible("#tip"), "there is a tip");
      assert.match(await page.textContent("#tip"), /step \d+/);
      await page.mouse.click(at.x, at.y);
      await settled(page);
      assert.ok(failing.model.way.includes(await selected(page)), "what is clicked is selected");
      assert.equal(await page.textContent("#details h2"), failing.model.steps[await selected(page)].text);
    });
  },

  async "it is dark where people want it dark, and text can be read in both"() {
    for (const colorScheme of ["light", "dark"]) {
      await open(failing.page, { colorScheme }, async (page) => {
        const luminance = () => page.evaluate(() => {
          const pixel = chart.getContext("2d").getImageData(3, chart.height - 3, 1, 1).data;
          return (pixel[0] + pixel[1] + pixel[2]) / 765;
        });
        assert.ok(colorScheme === "dark" ? (await luminance()) < 0.2 : (await luminance()) > 0.8, `the chart is ${colorScheme}`);
        assert.deepEqual(await page.evaluate(tooFaint), [], `${colorScheme}: contrast below 4.5`);
        await shoot(page, colorScheme);
        await press(page, "t");
        assert.ok(colorScheme === "dark" ? (await luminance()) > 0.8 : (await luminance()) < 0.2, "t turns it");
      });
    }
  },

  async "what people wrote into their records does not break it"() {
    const hostile = `</script><script>document.title="owned"</script><img src=x onerror="document.title='owned'"> <!-- & " ' \u2028`;
    const input = join(scratch, "hostile.txt");
    writeFileSync(input, `${hostile}\n`.repeat(200));
    const { page: file, model } = draw("hostile", ["--subject", "fences-before-committing", "--seed", "0", "--input", input]);
    assert.equal(Object.values(model.payloads)[0], hostile, "the payload is in the page");
    await open(file, {}, async (page) => {
      assert.match(await page.title(), /^lost/);
      await page.fill("#query", model.about.record);
      await page.evaluate((record) => select(steps.findIndex((step) => step.records?.includes(record))), model.about.record);
      assert.equal(await page.textContent("#details code"), hostile, "and is shown as it is");
      assert.equal(await page.locator("img").count(), 0);
      await shoot(page, "hostile");
    });
  },

  async "a history of tens of thousands of events stays usable"() {
    const { page: file, model } = draw("long", ["--subject", "fences-before-committing", "--seed", "0", "--records", "12000"]);
    assert.ok(model.steps.length > MOST_EVENTS, `${model.steps.length} events are enough for the test`);
    await open(file, {}, async (page) => {
      const opened = await page.evaluate(() => performance.now() / 1000);
      assert.ok(opened < SECONDS_TO_OPEN, `it opens in ${opened.toFixed(1)} s`);
      await marksItsStep(page);
      const frames = {};
      for (const [what, act] of [["step", "select(selected - 1)"], ["zoom", "zoom(0.6)"], ["move", "move((view.to - view.from) / 9)"], ["whole", "lookAtAll()"], ["zoom out of it", "zoom(0.5)"], ["search", "search('s0:9')"], ["all steps", "onlyFound = false, fillList()"]]) {
        frames[what] = await page.evaluate((act) => { const began = performance.now(); (0, eval)(act); isDrawn = false; draw(found); drawOverview(found); placeMark(); return Math.round(performance.now() - began); }, act).catch((error) => { throw new Error(`${what}: ${error.message}`); });
      }
      console.log(`     ${model.steps.length} steps, ${model.arrows.length} arrows: opened in ${opened.toFixed(2)} s; ms for`, JSON.stringify(frames));
      for (const [what, ms] of Object.entries(frames)) assert.ok(ms < MOST_MS_A_FRAME, `${what} takes ${ms} ms`);
      assert.ok((await page.locator(".row").count()) < 100, "only rows in view are elements");
      await shoot(page, "long");
    });
  },

  async "what holds has a page too"() {
    const { page: file } = draw("held", ["--seed", "7"], 0);
    await open(file, {}, async (page) => {
      assert.ok(await page.isHidden("#mark"), "nothing is marked");
      await press(page, "ArrowRight", "m", "w");
      await shoot(page, "held");
    });
  },
};

// Of every colour that text is written in, whether it stands out from what it is written on (WCAG AA).
function tooFaint() {
  const style = getComputedStyle(document.documentElement);
  const channel = (value) => (value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const luminance = (name) => {
    const [r, g, b] = style.getPropertyValue(`--${name}`).trim().match(/[0-9a-f]{2}/gi).map((hex) => channel(parseInt(hex, 16) / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => { const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x); return (high + 0.05) / (low + 0.05); };
  const pairs = [];
  for (const ink of ["ink", "muted", "commit", "abort", "fault", "checkpoint", "zombie", "bad", "open"]) for (const ground of ["bg", "lane", "band"]) pairs.push([ink, ground]);
  pairs.push(["ink", "glow"], ["on-fill", "bad"], ["on-fill", "good"]);
  return pairs.map(([a, b]) => [a, b, contrast(a, b).toFixed(2)]).filter(([, , ratio]) => ratio < 4.5);
}

const failing = draw("failing", ["--subject", "fences-before-committing", "--seed", "0"]);
let failed = 0;
for (const [name, check] of Object.entries(checks)) {
  try {
    await check();
    console.log(`ok   ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAIL ${name}\n     ${error.message}`);
  }
}
await browser.close();
rmSync(scratch, { recursive: true });
process.exit(failed ? 1 : 0);
