import assert from "node:assert/strict";
import { json, ServerDouble } from "../server/testing";
import { connect } from "./server";

describe("a server named on the command line", () => {
  it("is reached through the proxy, unless it is this machine", async () => {
    const { signal } = new AbortController();
    const proxy = await ServerDouble.start({
      "http://ai.example.com/props": (_, response) => json(response, { through: "proxy" }),
    });
    const server = await ServerDouble.start({
      "/props": (_, response) => json(response, { through: "none" }),
    });
    const env = { HTTP_PROXY: proxy.address };
    const through = async (address: string): Promise<unknown> => {
      const connection = connect(address, env);
      const { value } = await connection.json("props", undefined, signal);
      connection.dispose();
      return value;
    };
    assert.deepEqual(await through("http://ai.example.com"), { through: "proxy" });
    assert.deepEqual(await through(server.address), { through: "none" });
    await Promise.all([proxy.stop(), server.stop()]);
  });
});
