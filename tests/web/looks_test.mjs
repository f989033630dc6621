// What it looks like, and to whom: every part in light and dark, wide and narrow, English and Chinese; axe finds nothing.
import assert from "node:assert/strict";
import test from "node:test";
import { say, scripts } from "../clients/script.mjs";
import { serve_script } from "../clients/server.mjs";
import { answer_of, ask, assert_accessible, open_page, screenshot } from "./browser.mjs";

const rich = `## A heading

Some **bold**, some *slanted*, \`code\`, a [link](https://example.org/) and a formula $e^{i\\pi} + 1 = 0$. It costs $5 or $6.
Also \\(a^2 + b^2\\), and
\\[c = \\sqrt{a^2 + b^2}\\]

| planet | size | moons |
|:--|--:|:-:|
| Earth | 12,742 km | 1 |
| Mars | 6,779 km | 2 |

\`\`\`python
def fathom(depth: float) -> str:  # six feet
    return f"{depth / 1.8288:.1f} fathoms"
\`\`\`

$$\\int_0^\\infty e^{-x^2}\\,dx = \\frac{\\sqrt{\\pi}}{2}$$

1. one
2. two
   - [x] done
   - [ ] open

> 海水为什么是咸的？

<img src="https://example.org/x.png" onerror="alert(1)"><script>alert(2)</script> ![picture](https://example.org/y.png)`;

async function see_prompt(page, name) {
  await page.goto(`${page.url().split("#")[0]}#/playground`);
  await page.locator(".playground .choice input").last().check();
  await page.locator(".playground form .primary").click();
  await page.locator(".prompt summary").click();
  await screenshot(page, `${name}_prompt`);
  await assert_accessible(page, `${name}: prompt`);
  await page.goto(`${page.url().split("#")[0]}#/status`); // the playground begins anew
}

async function see_all(page, name) {
  await screenshot(page, `${name}_welcome`);
  await assert_accessible(page, `${name}: welcome`);
  await ask(page, "Show me everything");
  const answer = await answer_of(page);
  await answer.locator(".katex .katex-html").nth(3).waitFor();
  assert.equal(await answer.locator("img, script").count(), 0);
  assert.equal(await answer.locator(".katex").count(), 4);
  assert.ok((await answer.locator(".code-keyword").count()) > 0);
  await page.waitForFunction(() => document.fonts.status === "loaded");
  await screenshot(page, `${name}_answer`);
  await assert_accessible(page, `${name}: answer`);
  await see_prompt(page, name);
  for (const room of ["playground", "status"]) {
    await page.goto(`${page.url().split("#")[0]}#/${room}`);
    await page.locator(room === "status" ? ".heat svg" : ".outcome, .empty").first().waitFor();
    await screenshot(page, `${name}_${room}`);
    await assert_accessible(page, `${name}: ${room}`);
  }
  await page.locator(".status details summary").click();
  await page.locator(".heat svg").scrollIntoViewIfNeeded();
  await screenshot(page, `${name}_experts`);
  await assert_accessible(page, `${name}: experts`);
}

async function see_dialogs(page, name) {
  await page.locator("main").focus();
  await page.keyboard.press("?");
  await page.locator("dialog kbd").first().waitFor();
  await screenshot(page, `${name}_shortcuts`);
  await assert_accessible(page, `${name}: shortcuts`);
  await page.keyboard.press("Escape");
  await page.locator(".sidebar footer button").click();
  await page.locator("dialog h3").waitFor();
  await screenshot(page, `${name}_settings`);
  await assert_accessible(page, `${name}: settings`);
  await page.keyboard.press("Escape");
  await page.locator("dialog").waitFor({ state: "detached" });
}

const refusals = [404];
const serve = (test) => serve_script(test, scripts(say(rich)));

test("light and wide", async (test) => {
  const page = await open_page(test, (await serve(test)).url, { refusals });
  await see_all(page, "light");
  await see_dialogs(page, "light");
});

test("dark, as the system wants it and as the user does", async (test) => {
  const page = await open_page(test, (await serve(test)).url, { refusals, colorScheme: "dark" });
  const ground = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const dark = await ground();
  await see_all(page, "dark");
  await see_dialogs(page, "dark");
  await page.locator(".sidebar footer button").click();
  await page.getByRole("radio", { name: "Light" }).check();
  const turns = (to, is) => page.waitForFunction(
    ([color, same]) => (getComputedStyle(document.documentElement).backgroundColor === color) === same, [to, is]);
  await turns(dark, false);
  const light = await ground();
  await page.reload();
  await turns(light, true);
});

test("narrow, as on a phone", async (test) => {
  const page = await open_page(test, (await serve(test)).url,
    { refusals, viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true });
  await see_all(page, "narrow");
  const widths = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(widths[0] <= widths[1], `${widths[0]} is wider than the screen, ${widths[1]}`);
  await page.getByRole("button", { name: "Show or hide the conversations" }).click();
  await page.getByRole("link", { name: "Show me everything" }).waitFor();
  await screenshot(page, "narrow_sidebar");
  await assert_accessible(page, "narrow: sidebar");
  await page.getByRole("link", { name: "Show me everything" }).click();
  await page.locator(".katex-display .katex-html").last().waitFor();
  assert.equal(await page.locator(".sidebar").count(), 0);
});

test("in Chinese", async (test) => {
  const page = await open_page(test, (await serve(test)).url, { refusals, locale: "zh-CN" });
  assert.equal(await page.evaluate(() => document.documentElement.lang), "zh-CN");
  await page.getByRole("heading", { name: "想了解什么？" }).waitFor();
  await see_all(page, "chinese");
  await see_dialogs(page, "chinese");
  assert.doesNotMatch(await page.locator(".sidebar").innerText(), /Settings|Search|Today/);
});
