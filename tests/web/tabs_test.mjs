// Two tabs of one browser: they show the same, and neither writes over the other's messages.
import assert from "node:assert/strict";
import test from "node:test";
import { say, script, scripts, when } from "../clients/script.mjs";
import { serve_script } from "../clients/server.mjs";
import { answer_of, ask, kept_messages, open_page, said, screenshot } from "./browser.mjs";

const words = Array.from({ length: 60 }, (_, index) => `word${index}`).join(" ");
const slow = script(when("slow"), "pace 30", say(words));
const endless = script(when("endless"), say("It begins"), "pause 300", say(" and goes on"), "end never");
const goes_on = script('anywhere "It begins and goes on"', "pace 30", say(" slowly to its very end, as all things do."));
const other = say("I see.");

// The first tab asks; the second is opened at the conversation's address.
async function two_tabs(test, question, ...rest) {
  const { url, log } = await serve_script(test, scripts(...rest, other));
  const first = await open_page(test, url);
  await ask(first, question);
  await first.locator("article.answer").waitFor();
  const second = await first.context().newPage();
  const faults = [];
  second.on("console", (message) => ["error", "warning"].includes(message.type()) && faults.push(message.text()));
  second.on("pageerror", (error) => faults.push(String(error)));
  test.after(() => assert.deepEqual(faults, []));
  await second.goto(first.url());
  await second.locator("article.answer").waitFor();
  return { first, second, log };
}

const answered = (page, times) => page.locator('article.answer[aria-busy="false"]').nth(times - 1).waitFor();
const answers = async (page) => (await kept_messages(page)).filter(({ role }) => role === "assistant");

test("an answer is seen in both tabs as it comes, and kept once", async (test) => {
  const { first, second } = await two_tabs(test, "A slow one", slow);
  await second.locator('article.answer[aria-busy="true"]').waitFor();
  await second.getByText("word20 ").waitFor();
  await screenshot(second, "second_tab");
  assert.equal(await second.getByText("interrupted").count(), 0);
  assert.equal(await second.getByRole("button", { name: "Go on", exact: true }).count(), 0);
  for (const page of [first, second]) assert.equal(await said(page), words);
  const figures = (page) => page.locator(".figures").innerText();
  assert.equal(await figures(second), await figures(first));
  const kept = await answers(second);
  assert.equal(kept.length, 1);
  assert.equal(kept[0].content, words);
  assert.equal(kept[0].state, "done");
});

test("the second tab stops the first one's answer, and goes on with it in sight of both", async (test) => {
  const { first, second, log } = await two_tabs(test, "Be endless", goes_on, endless);
  await second.getByText("It begins and goes on").waitFor();
  await second.locator("main").focus();
  await second.keyboard.press("Escape");
  for (const page of [first, second]) await page.getByText("Stopped.").waitFor();
  await log.find(/finish=gone/);
  await second.getByRole("button", { name: "Go on", exact: true }).click();
  await first.locator('article.answer[aria-busy="true"]').waitFor();
  const whole = "It begins and goes on slowly to its very end, as all things do.";
  for (const page of [first, second]) assert.equal(await said(page), whole);
  assert.deepEqual((await answers(first)).map(({ content, state }) => ({ content, state })),
    [{ content: whole, state: "done" }]);
});

test("both go on with one answer at the same moment: one of them writes it", async (test) => {
  const { first, second } = await two_tabs(test, "Be endless", goes_on, endless);
  await second.getByText("It begins and goes on").waitFor();
  await first.locator("main").focus();
  await first.keyboard.press("Escape");
  const buttons = [first, second].map((page) => page.getByRole("button", { name: "Go on", exact: true }));
  for (const button of buttons) await button.waitFor();
  await Promise.all(buttons.map((button) => button.evaluate((element) => element.click())));
  const whole = "It begins and goes on slowly to its very end, as all things do.";
  for (const page of [first, second]) {
    await page.getByText("as all things do.").waitFor();
    assert.equal(await said(page), whole);
  }
  assert.deepEqual((await answers(first)).map(({ content }) => content), [whole]);
});

test("a tab that is reloaded leaves its answer to be gone on with by the other", async (test) => {
  const { first, second } = await two_tabs(test, "Be endless", goes_on, endless);
  await second.getByText("It begins and goes on").waitFor();
  await first.reload();
  await second.getByText("interrupted").waitFor();
  await first.getByText("interrupted").waitFor();
  await second.getByRole("button", { name: "Go on", exact: true }).click();
  for (const page of [first, second]) {
    await page.getByText("as all things do.").waitFor();
    assert.equal(await said(page), "It begins and goes on slowly to its very end, as all things do.");
  }
});

test("questions, branches, names and what is deleted agree", async (test) => {
  const { first, second } = await two_tabs(test, "Which one?");
  await ask(second, "And then?");
  for (const page of [first, second]) await answered(page, 2);
  await ask(first, "And at last?");
  for (const page of [first, second]) await answered(page, 3);
  assert.equal((await kept_messages(first)).length, 6);

  await second.getByRole("button", { name: "Another answer" }).last().click();
  for (const page of [first, second]) await page.getByText("2 / 2").waitFor();
  await first.getByRole("button", { name: "Previous branch" }).click();
  for (const page of [first, second]) await page.getByText("1 / 2").waitFor();

  await second.getByRole("button", { name: "New chat" }).first().click();
  await ask(second, "Something else");
  await answer_of(second);
  await first.getByRole("link", { name: "Something else" }).waitFor();
  await first.getByRole("link", { name: "Something else" }).click();
  await first.getByRole("heading", { name: "Something else" }).waitFor();
  await second.locator(".entry").filter({ hasText: "Which one?" }).hover();
  await second.getByRole("button", { name: /Delete Which one/ }).click();
  await second.getByRole("button", { name: "Delete", exact: true }).click();
  await first.getByRole("link", { name: "Which one?" }).waitFor({ state: "detached" });
  assert.equal((await kept_messages(first)).length, 2);
});

test("deleting a conversation ends the answer that another tab writes in it, and nothing of it is left", async (test) => {
  const { first, second, log } = await two_tabs(test, "Be endless", endless);
  await second.getByText("It begins and goes on").waitFor();
  await second.locator(".entry").hover();
  await second.getByRole("button", { name: /Delete Be endless/ }).click();
  await second.getByRole("button", { name: "Delete", exact: true }).click();
  await log.find(/finish=gone/);
  await first.locator(".entry").waitFor({ state: "detached" });
  await first.waitForTimeout(300); // what it had under way
  assert.deepEqual(await kept_messages(first), []);
});
