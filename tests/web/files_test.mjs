// Files: dropped, counted against the context, sent, refused where they are no text or do not fit.
import assert from "node:assert/strict";
import test from "node:test";
import { say, script, scripts, when } from "../clients/script.mjs";
import { serve_script } from "../clients/server.mjs";
import { ask, open_page, says, screenshot } from "./browser.mjs";

const read = script(when("[file name]: book.txt", "needle 4711", "What is hidden?"), say("A needle, 4711."));

// "word " is two tokens of minnow's vocabulary at most, so that this is above 100,000.
const book = (words) => `${"word 7 ".repeat(words / 2)} needle 4711 ${"word 7 ".repeat(words / 2)}`;

async function drop(page, name, content) {
  const transfer = await page.evaluateHandle(
    ([file, text]) => {
      const data = new DataTransfer();
      data.items.add(new File([text], file, { type: "text/plain" }));
      return data;
    },
    [name, content],
  );
  await page.dispatchEvent("body", "dragover", { dataTransfer: transfer });
  await page.getByText("Drop text files here").waitFor();
  await page.dispatchEvent("body", "drop", { dataTransfer: transfer });
}

const tokens_of = (text) => Number(text.match(/^([\d,]+) of/)[1].replaceAll(",", ""));

test("a file of more than 100,000 tokens is dropped, counted and read", async (test) => {
  const { url, log } = await serve_script(test, scripts(read, say("Nothing.")));
  const page = await open_page(test, url);
  await drop(page, "book.txt", book(36_000));
  await page.locator(".size").getByText(/of 1,048,576 tokens/).waitFor();
  const counted = tokens_of(await page.locator(".size").innerText());
  assert.ok(counted >= 100_000, `${counted} tokens`);
  await screenshot(page, "file");
  await ask(page, "What is hidden?");
  await says(page, "A needle, 4711.");
  const [, prompt] = (await log.find(/surface=chat .*status=200/)).match(/prompt=(\d+)/);
  assert.ok(Number(prompt) >= 100_000, prompt);
  await page.reload();
  await page.locator(".question .attachment").getByText("book.txt").waitFor();
});

test("what is larger than the context cannot be sent, and the figures say why", async (test) => {
  const { url } = await serve_script(test, scripts(read), { context_tokens: 4096 });
  const page = await open_page(test, url);
  await drop(page, "book.txt", book(3_000));
  await page.getByText("more than the model can read").waitFor();
  assert.ok(await page.getByRole("button", { name: "Send" }).isDisabled());
  await page.getByRole("button", { name: "Remove book.txt" }).click();
  await page.locator("#composer").fill("What is hidden?");
  assert.ok(await page.getByRole("button", { name: "Send" }).isEnabled());
});

test("what is no text is refused with its name", async (test) => {
  const { url } = await serve_script(test, scripts(read));
  const page = await open_page(test, url);
  await page.locator('.composer input[type="file"]').setInputFiles(
    { name: "picture.png", mimeType: "image/png", buffer: Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 0, 0, 1]) });
  assert.match(await page.getByRole("alert").innerText(), /picture\.png is no text file/);
});
