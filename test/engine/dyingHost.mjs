// An engine process without an engine: answers at once, and is ended by a signal where LACUNA_TEST_DEATHS says, on the rung that its environment names.
// Each death is "RUNG REQUEST N SIGNAL": at the N-th request of that kind, before it is answered.
const rung = process.env.GGML_CPU_VARIANT ?? (process.env.GGML_CPU_EXTRA_BUFTS === "0" ? "unpacked" : "full");
const deaths = (process.env.LACUNA_TEST_DEATHS ?? "").split(",").map((death) => death.split(" "));
const counts = new Map();

process.on("message", ({ type, id, method }) => {
  if (type !== "request") return;
  const count = (counts.get(method) ?? 0) + 1;
  counts.set(method, count);
  for (const [where, what, n, signal] of deaths)
    if (where === rung && what === method && Number(n) === count) process.kill(process.pid, signal);
  process.send({ type: "result", id, result: { text: `${rung} ${count}` } });
});
process.on("disconnect", () => process.exit());
process.send({ type: "ready", pid: process.pid });
