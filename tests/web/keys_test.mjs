// A server that wants a key: the page asks for it, sends it to that server, and forgets it with the tab unless told not to.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { clean_up_after } from "../clients/clean_up.mjs";
import { say, scripts } from "../clients/script.mjs";
import { serve_script } from "../clients/server.mjs";
import { ask, assert_accessible, open_page, says, screenshot } from "./browser.mjs";

test("a key is asked for, used, and kept as the user wants it", async (test) => {
  const folder = mkdtempSync(join(tmpdir(), "fathom-page-"));
  clean_up_after(test, () => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "keys"), "sk-of-the-page\n");
  const { url } = await serve_script(test, scripts(say("Welcome.")), { keys_file: join(folder, "keys") });
  const page = await open_page(test, url, { refusals: [401] });
  const dialog = page.getByRole("dialog", { name: "This server wants a key" });
  await dialog.waitFor();
  await screenshot(page, "key");
  await assert_accessible(page, "key");
  await page.getByLabel("API key").fill("sk-of-the-page");
  await page.getByRole("button", { name: "Use this key" }).click();
  await dialog.waitFor({ state: "detached" });
  await ask(page, "Hello");
  await says(page, "Welcome.");
  assert.equal(await page.evaluate(() => JSON.stringify(localStorage).includes("sk-of-the-page")), false);
  await page.reload();
  await says(page, "Welcome.");

  const other = await page.context().newPage();
  await other.goto(url);
  await other.getByRole("dialog", { name: "This server wants a key" }).waitFor();
});
