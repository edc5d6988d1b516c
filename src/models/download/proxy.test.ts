import assert from "node:assert/strict";
import { proxyFor } from "./proxy";

describe("the proxy", () => {
  const of = (url: string, env: NodeJS.ProcessEnv): string | undefined => proxyFor(new URL(url), env);

  it("is the one for the address's scheme, in either spelling", () => {
    assert.equal(of("https://a.b/c", { HTTPS_PROXY: "http://p:1", HTTP_PROXY: "http://q:1" }), "http://p:1");
    assert.equal(of("http://a.b/c", { https_proxy: "http://p:1", http_proxy: "http://q:1" }), "http://q:1");
    assert.equal(of("https://a.b/c", { ALL_PROXY: "http://r:1", HTTPS_PROXY: "" }), "http://r:1");
    assert.equal(of("https://a.b/c", {}), undefined);
  });

  it("may be a host and a port, and is told where it cannot be used", () => {
    assert.equal(of("https://a.b/c", { HTTPS_PROXY: "p:1" }), "http://p:1");
    assert.equal(of("https://a.b/c", { HTTPS_PROXY: "user:secret@p:1" }), "http://user:secret@p:1");
    for (const wrong of ["socks5://user:secret@p:1", "non sense", "http://", "p:99999"]) {
      assert.throws(
        () => of("https://a.b/c", { HTTPS_PROXY: wrong }),
        ({ message }: Error) =>
          /^The proxy of HTTPS_PROXY, .* is no http or https address/.test(message) &&
          !message.includes("secret"),
      );
    }
    assert.equal(of("https://a.b/c", { HTTPS_PROXY: "non sense", NO_PROXY: "a.b" }), undefined);
  });

  it("is none for hosts that are left out", () => {
    const env = { HTTPS_PROXY: "http://p:1", NO_PROXY: "localhost, .corp.example,*.x.y,z:8443" };
    for (const [host, expected] of [
      ["localhost", undefined],
      ["a.corp.example", undefined],
      ["corp.example", undefined],
      ["q.x.y", undefined],
      ["z:8443", undefined],
      ["z:1", "http://p:1"],
      ["notcorp.example", "http://p:1"],
    ]) {
      assert.equal(of(`https://${host}/m`, env), expected, host);
    }
    assert.equal(of("https://a/m", { ...env, NO_PROXY: "*" }), undefined);
  });
});
