// A server with accounts: usage and balance are shown where the API has them, an admin's by account, one's own else.
// The answers are laid before the page by the browser, so that the page alone is tested here.
import assert from "node:assert/strict";
import test from "node:test";
import { say, scripts } from "../clients/script.mjs";
import { serve_script } from "../clients/server.mjs";
import { assert_accessible, open_page, screenshot } from "./browser.mjs";

const row = {
  day: "2026-11-29", key: "key_1", model: "deepseek-v4-flash", requests: 12, prompt_cache_hit_tokens: 3456,
  prompt_cache_miss_tokens: 789, completion_tokens: 1011, currency: "USD", cost: "0.000393",
};
const list = (...usage) => JSON.stringify({ object: "list", usage });

async function see_usage(test, answers) {
  const { url } = await serve_script(test, scripts(say("Hello.")));
  const page = await open_page(test, url, { refusals: [403, 404] });
  for (const [path, [status, body]] of Object.entries(answers))
    await page.route(`**${path}*`, (route) => route.fulfill({ status, contentType: "application/json", body }));
  await page.getByRole("link", { name: "Status" }).click();
  return page;
}

test("an admin sees everybody's usage", async (test) => {
  const page = await see_usage(test, { "/admin/usage": [200, list({ ...row, account: "ada" }, { ...row, account: "bob" })] });
  const table = page.getByRole("group", { name: "Usage of the last seven days" });
  await table.getByRole("row", { name: /ada key_1 deepseek-v4-flash 12 3,456 789 1,011 USD 0\.000393/ }).waitFor();
  assert.equal(await table.getByRole("row").count(), 3);
  await table.scrollIntoViewIfNeeded();
  await screenshot(page, "usage");
  await assert_accessible(page, "usage");
});

test("whoever is no admin sees their own, without a column of accounts", async (test) => {
  const page = await see_usage(test, { "/admin/usage": [403, "{}"], "/v1/usage": [200, list(row)] });
  const table = page.getByRole("group", { name: "Usage of the last seven days" });
  await table.getByRole("row", { name: /key_1/ }).waitFor();
  assert.equal(await table.getByRole("columnheader", { name: "Account" }).count(), 0);
});

test("without accounts it says so", async (test) => {
  const page = await see_usage(test, {});
  await page.getByText("This server keeps no accounts").waitFor();
  await page.getByRole("button", { name: "Settings", exact: true }).click();
  await page.getByRole("button", { name: "Export all" }).waitFor();
  assert.equal(await page.getByText("Balance:").count(), 0);
});

test("the balance stands in the settings", async (test) => {
  const body = JSON.stringify({ is_available: true, balance_infos: [{ currency: "USD", total_balance: "24.50" }] });
  const page = await see_usage(test, { "/user/balance": [200, body], "/v1/usage": [200, list(row)] });
  await page.getByRole("button", { name: "Settings", exact: true }).click();
  await page.getByText("Balance: USD 24.50").waitFor();
});
