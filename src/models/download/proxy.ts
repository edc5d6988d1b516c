import { DownloadError } from "./errors";

/**
 * The proxy for an address by the usual variables (`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`, in either case), with `http://` where it has no scheme;
 * undefined: none. Throws a {@link DownloadError} for one that cannot be read.
 */
export function proxyFor(url: URL, env: NodeJS.ProcessEnv): string | undefined {
  const read = (name: string): string | undefined => {
    const value = env[name.toLowerCase()] ?? env[name];
    return value === undefined || value === "" ? undefined : value;
  };
  const host = url.hostname.toLowerCase();
  const without = (read("NO_PROXY") ?? "")
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== "");
  const isExcluded = without.some((entry) => {
    const [name, port] = entry.split(":", 2);
    const domain = name!.replace(/^\*?\.?/, "");
    return (
      entry === "*" ||
      ((host === domain || host.endsWith(`.${domain}`)) && (port === undefined || port === url.port))
    );
  });
  const name = [url.protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY", "ALL_PROXY"].find(
    (candidate) => read(candidate) !== undefined,
  );
  if (isExcluded || name === undefined) {
    return undefined;
  }
  const value = read(name)!.trim();
  const proxy = /^[a-z][a-z\d+.-]*:\/\//i.test(value) ? value : `http://${value}`;
  if (!URL.canParse(proxy) || !/^https?:/i.test(proxy)) {
    throw new DownloadError(
      "address",
      `The proxy of ${name}, ${value.replace(/\/\/.*@/, "//…@")}, is no http or https address. Give one such as http://proxy:8080.`,
    );
  }
  return proxy;
}
