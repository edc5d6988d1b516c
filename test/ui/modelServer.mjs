import { readFileSync } from "node:fs";
import { createServer } from "node:http";

/** Serves one model on this machine; half of it comes at once, the rest when `finish` is called. */
export async function serveModel(file) {
  const body = readFileSync(file);
  let finish;
  const asked = new Promise((resolve) => (finish = resolve));
  const server = createServer((request, response) => {
    response.writeHead(200, { "content-length": body.length, etag: '"one"' });
    response.write(body.subarray(0, body.length >> 1));
    void asked.then(() => response.end(body.subarray(body.length >> 1)));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    address: `http://127.0.0.1:${server.address().port}/small.gguf`,
    finish,
    stop: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}
