// For Mocha, where a processor or a GPU is emulated: a suite's own limit is for real ones, and would fail what is only slow.
const { Suite } = require("mocha");

const { timeout } = Suite.prototype;
Suite.prototype.timeout = function (...limits) {
  return timeout.apply(this, limits.length === 0 ? [] : [0]);
};
