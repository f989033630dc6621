// A reload in the middle of an answer: what the page had received is there, to the last event, and the answer goes on.
import assert from "node:assert/strict";
import test from "node:test";
import { say, script, scripts } from "../clients/script.mjs";
import { serve_script } from "../clients/server.mjs";
import { ask, kept_messages, open_page, screenshot } from "./browser.mjs";

const words = Array.from({ length: 400 }, (_, index) => `word${index}`).join(" ");
const rest = script('anywhere "word10"', say(" and the rest."));
const slow = script("pace 8", say(words));

// Beside the page, a second reader of the same bytes that tells what had come when the page went away.
function listen() {
  const plain = globalThis.fetch;
  let received = "";
  globalThis.fetch = async (...given) => {
    const response = await plain(...given);
    if (!response.headers.get("content-type")?.startsWith("text/event-stream")) return response;
    const decoder = new TextDecoder();
    const watched = new TransformStream({
      transform(chunk, controller) {
        received += decoder.decode(chunk, { stream: true });
        controller.enqueue(chunk);
      },
    });
    return new Response(response.body.pipeThrough(watched), response);
  };
  addEventListener("pagehide", () => received && localStorage.setItem("test.received", received));
}

function content_of(events) {
  let content = "";
  for (const event of events.split("\n\n").slice(0, -1))
    if (event.startsWith("data: {")) content += JSON.parse(event.slice(6)).choices[0]?.delta.content ?? "";
  return content;
}

test("nothing that was received is lost", async (test) => {
  const { url } = await serve_script(test, scripts(rest, slow));
  const page = await open_page(test, url);
  await page.context().addInitScript(listen);
  await page.reload();
  await ask(page, "Count");
  await page.getByText("word12 ").waitFor();
  const shown = await page.locator(".answer .markdown").innerText();
  await page.reload();
  await page.getByText("interrupted").waitFor();
  await screenshot(page, "interrupted");
  const kept = (await kept_messages(page)).find((message) => message.role === "assistant").content;
  const received = content_of(await page.evaluate(() => localStorage.getItem("test.received")));
  assert.ok(received.length >= shown.length, `${received} is shorter than what was shown, ${shown}`);
  assert.equal(kept, received);
  assert.ok(words.startsWith(kept), kept);

  await page.getByRole("button", { name: "Go on", exact: true }).click();
  await page.getByText("and the rest.").waitFor();
  const whole = await page.locator(".answer .markdown").innerText();
  assert.equal(whole, `${kept} and the rest.`.replaceAll("  ", " "));
});
