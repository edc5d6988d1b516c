// For Mocha, where a processor is emulated: a suite's own limit is for processors, and would fail what is only slow.
const { Suite } = require("mocha");

const { timeout } = Suite.prototype;
Suite.prototype.timeout = function (...limits) {
  return timeout.apply(this, limits.length === 0 ? [] : [0]);
};
