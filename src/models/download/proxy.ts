/**
 * The proxy for an address by the usual variables (`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`, in either case); undefined: none.
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
  return isExcluded
    ? undefined
    : (read(url.protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY") ?? read("ALL_PROXY"));
}
