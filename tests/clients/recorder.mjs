// A proxy between a program and the server that keeps what both said: what an agent asked, and the headers it was told.
import { createServer, request } from "node:http";
import { clean_up_after } from "./clean_up.mjs";

export async function record(test, url) {
  const exchanges = [];
  const proxy = createServer((asked, answer) => {
    const exchange = { method: asked.method, path: asked.url, headers: asked.headers, body: "" };
    exchanges.push(exchange);
    const onward = request(url + asked.url, { method: asked.method, headers: asked.headers }, (told) => {
      Object.assign(exchange, { status: told.statusCode, told: told.headers });
      answer.writeHead(told.statusCode, told.headers);
      told.pipe(answer);
    });
    onward.on("error", () => answer.destroy());
    answer.on("close", () => onward.destroy());
    asked.on("data", (part) => (exchange.body += part));
    asked.pipe(onward);
  });
  await new Promise((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  clean_up_after(test, () => new Promise((resolve) => {
    proxy.close(resolve);
    proxy.closeAllConnections();
  }));
  return { url: `http://127.0.0.1:${proxy.address().port}`, exchanges };
}
