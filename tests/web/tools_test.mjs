// Calls of tools: a card, a result from the page itself, a result from the user, and what the model makes of it.
import assert from "node:assert/strict";
import test from "node:test";
import { calls, say, script, scripts, when } from "../clients/script.mjs";
import { serve_script } from "../clients/server.mjs";
import { weather_tool } from "../clients/stage.mjs";
import { ask, open_page, screenshot } from "./browser.mjs";

test("the page answers its own tools by itself", async (test) => {
  const call = script(when("How much"), say(`I calculate.${calls({ calculator: { expression: "(2 + 3) * 4 ** 2" } })}`));
  const told = script(when('{"result":80}'), say("It is 80."));
  const { url } = await serve_script(test, scripts(told, call));
  const page = await open_page(test, url);
  await page.getByRole("button", { name: "System prompt and tools" }).click();
  await page.getByLabel(/Tools that this page answers/).check();
  await page.getByRole("button", { name: "Done" }).click();
  await ask(page, "How much is (2 + 3) * 4 ** 2?");
  await page.getByText("It is 80.").waitFor();
  const card = page.getByRole("region", { name: "Call of calculator" });
  assert.match(await card.innerText(), /\(2 \+ 3\) \* 4 \*\* 2[^]*\{"result":80\}/);
  await screenshot(page, "tool_answered");
});

test("a user gives the result of a tool of theirs", async (test) => {
  const call = script(when("weather"), say(calls({ get_weather: { city: "Rome" } }, { get_weather: { city: "Oslo" } })));
  const told = script(when("sunny", "rain"), say("Rome is sunny, Oslo is wet."));
  const { url } = await serve_script(test, scripts(told, call));
  const page = await open_page(test, url);
  await page.getByRole("button", { name: "System prompt and tools" }).click();
  await page.getByLabel("Your own tools, as JSON").fill("[{]");
  assert.notEqual(await page.locator("#tools-fault").innerText(), "");
  await page.getByLabel("Your own tools, as JSON").fill(JSON.stringify([weather_tool]));
  assert.equal(await page.locator("#tools-fault").innerText(), "");
  await page.getByRole("button", { name: "Done" }).click();
  await ask(page, "How is the weather in Rome and Oslo?");
  const cards = page.getByRole("region", { name: "Call of get_weather" });
  await cards.nth(1).getByLabel("Result").fill("rain");
  await cards.nth(0).getByLabel("Result").fill('{"sky": "sunny"}');
  await screenshot(page, "tool_call");
  await page.getByRole("button", { name: "Send results" }).click();
  await page.getByText("Rome is sunny, Oslo is wet.").waitFor();
  assert.match(await cards.nth(0).innerText(), /Rome[^]*sunny/);
  assert.match(await cards.nth(1).innerText(), /Oslo[^]*rain/);
});
