// The playground's four requests, and the status page's figures, on minnow itself: what can be said of any model.
import assert from "node:assert/strict";
import test from "node:test";
import { serve_minnow } from "../clients/server.mjs";
import { ask, assert_accessible, open_page, says, screenshot } from "./browser.mjs";

async function run(page) {
  await page.getByRole("button", { name: "Run" }).click();
  await page.getByRole("button", { name: "Run" }).waitFor();
  await page.locator('section[aria-busy="false"]').waitFor();
}

test("minnow through the page", async (test) => {
  const { url } = await serve_minnow(test);
  const page = await open_page(test, url, { refusals: [404] }); // it looks for accounts

  await test.test("a question is answered and told in figures", async () => {
    await ask(page, "Hello");
    await says(page, /\w/);
    await screenshot(page, "minnow");
  });
  await page.getByRole("link", { name: "Playground" }).click();

  await test.test("a hole is filled between what stands around it", async () => {
    await page.getByLabel("Text before the hole").fill("The fish swam in the ");
    await page.getByLabel("Text after the hole").fill(" all day.");
    await run(page);
    assert.match(await page.locator(".outcome").innerText(), /^The fish swam in the [^]* all day\.$/);
    assert.notEqual(await page.locator(".outcome mark").innerText(), "");
  });

  await test.test("and what the model reads for it is shown", async () => {
    await page.getByRole("button", { name: "Show the prompt" }).click();
    const prompt = page.getByRole("region", { name: "Rendered prompt" });
    await prompt.waitFor();
    assert.equal(await prompt.innerText(),
      "<｜begin▁of▁sentence｜><｜fim▁begin｜>The fish swam in the <｜fim▁hole｜> all day.<｜fim▁end｜>");
    assert.deepEqual(await prompt.locator("mark").allInnerTexts(),
      ["<｜begin▁of▁sentence｜>", "<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"]);
    const size = Number(/^(\d+) of 131,072 tokens/.exec(await page.locator(".prompt-size").innerText())[1]);
    await page.getByText("Token by token, with ids").click();
    assert.equal(await page.locator(".token-list li").count(), size);
    assert.match(await page.locator(".token-list li").first().innerText(), /^<｜begin▁of▁sentence｜>\s+0$/);
    await screenshot(page, "playground_prompt_fill");
    await assert_accessible(page, "prompt of a hole");
  });

  await test.test("so is a conversation's, with its tools and its thinking", async () => {
    await page.getByRole("radio", { name: "Rendered prompt" }).check();
    const show = page.getByRole("button", { name: "Show the prompt" });
    const prompt = page.getByRole("region", { name: "Rendered prompt" });
    await show.click();
    await prompt.waitFor();
    const text = await prompt.innerText();
    assert.ok(text.startsWith("<｜begin▁of▁sentence｜>Be brief.\n\n## Tools"), text);
    assert.match(text, /\{"name": "get_weather", "description": "The weather of a city\.", /);
    assert.ok(text.endsWith("<｜User｜>Is it raining in Oslo?<｜Assistant｜><think>"), text);
    await screenshot(page, "playground_prompt");
    await assert_accessible(page, "prompt of a conversation");
    await page.getByLabel("Tools (JSON)").fill("");
    await page.getByRole("radio", { name: "No thinking" }).check();
    await show.click();
    await prompt.locator("mark").getByText("</think>").waitFor();
    assert.equal(await prompt.innerText(),
      "<｜begin▁of▁sentence｜>Be brief.<｜User｜>Is it raining in Oslo?<｜Assistant｜></think>");
    await page.getByLabel("Messages (JSON)").fill("[");
    assert.ok(await show.isDisabled());
  });

  await test.test("an answer goes on from its beginning", async () => {
    await page.getByRole("radio", { name: "Begun answer" }).check();
    await page.getByLabel("How the answer begins").fill("Once upon a time, a small fish");
    await run(page);
    assert.match(await page.locator(".outcome").innerText(), /^Once upon a time, a small fish/);
  });

  await test.test("JSON obeys its schema", async () => {
    await page.getByRole("radio", { name: "JSON by a schema" }).check();
    await run(page);
    const answer = JSON.parse(await page.locator(".outcome").innerText());
    assert.deepEqual(Object.keys(answer), ["name", "age", "can_swim"]);
    assert.equal(typeof answer.can_swim, "boolean");
    await screenshot(page, "playground_json");
  });

  await test.test("tokens have their probabilities and rivals", async () => {
    await page.getByRole("radio", { name: "Token probabilities" }).check();
    await page.getByLabel("Question").fill("Tell me a story about a fish.");
    await page.getByLabel("Most tokens").fill("40");
    await run(page);
    const tokens = page.locator(".token-text .token");
    assert.ok((await tokens.count()) > 10);
    await tokens.nth(1).click();
    assert.equal(await page.locator(".rivals tr").count(), 5);
    await screenshot(page, "playground_probabilities");
    await assert_accessible(page, "probabilities");
  });

  await test.test("the status page has the figures of what was done", async () => {
    await page.getByRole("link", { name: "Status" }).click();
    const requests = page.getByRole("group", { name: "Requests since the start" });
    await requests.getByRole("row", { name: /^chat 200 4$/ }).waitFor();
    await requests.getByRole("row", { name: /^completions 200 1$/ }).waitFor();
    await page.locator(".curve polyline").first().waitFor({ state: "attached" }); // a flat line has no height
    await screenshot(page, "status");
  });

  await test.test("and which experts it chose, as a map and as a table", async () => {
    const map = page.getByRole("img", { name: /^Heat map of \d+ layers and 16 experts\. Busiest: / });
    await map.scrollIntoViewIfNeeded();
    await screenshot(page, "experts");
    await page.getByText("Layer by layer, as a table").click();
    const rows = page.getByRole("group", { name: "Layer by layer, as a table" }).locator("tbody tr");
    assert.match(await rows.nth(0).innerText(), /^Layer 0\s+the token's id\s+[\d,]+\s/);
    assert.match(await rows.nth(8).innerText(), /^Layer 8\s+scores\s+[\d,]+\s/);
    const choices = await rows.locator("td:nth-child(3)").allInnerTexts();
    assert.equal(new Set(choices.slice(0, 9)).size, 1, "every token goes through every layer, to as many experts");
    const box = await map.boundingBox();
    await page.mouse.move(box.x + box.width * (3.5 / 16), box.y + 2);
    await page.getByText(/^Layer 0, expert 3: chosen [\d,]+ times/).waitFor();
    await page.getByRole("radio", { name: "Last minute" }).check();
    await page.locator(".heat svg, .card.wide .quiet").first().waitFor();
    await assert_accessible(page, "experts");
  });

  await test.test("where nobody counts the choices the page says why", async () => {
    await page.route("**/experts", async (route) => {
      const told = await (await route.fetch()).json();
      await route.fulfill({ json: { models: told.models.map(({ model }) => ({ model, counted: false, layers: [] })) } });
    });
    await page.getByText("on a GPU they stay in its memory").waitFor();
    assert.equal(await page.locator(".heat").count(), 0);
  });
});
