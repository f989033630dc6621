// Debian's Chromium over a page, and what every test holds it to: no fault in the console, no request to another host.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { clean_up_after } from "../clients/clean_up.mjs";

const kScreenshots = process.env.FATHOM_SCREENSHOTS ?? join(import.meta.dirname, "../../build/page_screenshots");
const kAxe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const kPatience = 120_000; // a machine may be busy

mkdirSync(kScreenshots, { recursive: true });

// A page at the server's address. `refusals`: statuses that the server is meant to answer with; settings and status ask
// for usage, which is 404 where there are no accounts.
export async function open_page(test, url, { refusals = [], ...options } = {}) {
  const browser = await chromium.launch({
    executablePath: process.env.FATHOM_CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
  });
  const context = await browser.newContext({ viewport: { width: 1200, height: 800 }, locale: "en-US", ...options });
  await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: url });
  const page = await context.newPage();
  page.setDefaultTimeout(kPatience);
  const faults = [];
  page.on("console", (message) => {
    if (message.type() !== "error" && message.type() !== "warning") return;
    if (refusals.some((status) => message.text().includes(`status of ${status}`))) return;
    faults.push(message.text());
  });
  page.on("pageerror", (error) => faults.push(String(error)));
  context.on("request", (request) => {
    const address = new URL(request.url());
    if (address.origin !== url && address.protocol !== "data:" && address.protocol !== "blob:")
      faults.push(`a request to another host: ${request.url()}`);
  });
  clean_up_after(test, async () => {
    await browser.close();
    assert.deepEqual(faults, []);
  });
  await page.goto(url);
  await page.locator("#composer").waitFor();
  return page;
}

export const screenshot = (page, name) => page.screenshot({ path: join(kScreenshots, `${name}.png`) });

// Everything that axe knows of WCAG 2.2 and good practice.
export async function assert_accessible(page, where) {
  await page.evaluate(kAxe);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document));
  const found = violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html} ${node.failureSummary}`));
  assert.deepEqual(found, [], where);
}

export async function ask(page, question) {
  await page.locator("#composer").fill(question);
  await page.locator("#composer").press("Enter");  // a dialog that closes late may have taken the focus back
}

// The newest answer, complete.
export async function answer_of(page) {
  const answer = page.locator("article.answer").last();
  await answer.and(page.locator('[aria-busy="false"]')).waitFor();
  return answer;
}

export const said = async (page) => (await (await answer_of(page)).locator(".markdown").last().innerText()).trim();

// Waits until the last answer is this, for the page may still show another conversation's.
export async function says(page, expected) {
  const is_said = (words) => (expected instanceof RegExp ? expected.test(words) : words === expected);
  const patience = Date.now() + kPatience / 4;
  let words = await said(page);
  while (!is_said(words) && Date.now() < patience) {
    await page.waitForTimeout(50);
    words = await said(page);
  }
  assert.ok(is_said(words), `${expected} was expected, said is: ${words}`);
}

// What the page has kept in a store of its database.
export const kept = (page, store) =>
  page.evaluate(
    (name) =>
      new Promise((resolve, reject) => {
        const opening = indexedDB.open("fathom", 1);
        opening.onerror = () => reject(opening.error);
        opening.onsuccess = () => {
          const reading = opening.result.transaction(name).objectStore(name).getAll();
          reading.onsuccess = () => {
            opening.result.close();
            resolve(reading.result);
          };
        };
      }),
    store,
  );

export const kept_messages = (page) => kept(page, "messages");
