// Preloaded into every Node process of a sanitized run: the sanitized addon is loaded in the place of the installed one.
import path from "node:path";

const { LACUNA_SANITIZED_BINS: sanitized, LACUNA_INSTALLED_BINS: installed } = process.env;
const open = process.dlopen;

process.dlopen = function dlopen(module, file, ...rest) {
  const name = path.relative(installed, file);
  const outside = name.startsWith("..") || path.isAbsolute(name);
  return open.call(this, module, outside ? file : path.join(sanitized, name), ...rest);
};

// What V8 leaves behind when it ends would count as leaks: of the process that the run is about they are told apart, of its children
// they are not.
process.env.ASAN_OPTIONS = process.env.ASAN_OPTIONS?.replace("detect_leaks=1", "detect_leaks=0") ?? "";
