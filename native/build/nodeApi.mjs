import { createRequire } from "node:module";
import path from "node:path";
import { packageDirectory } from "./paths.mjs";

/** As node-llama-cpp's CMakeLists.txt asks for it. */
const VERSION = "v7";

/** Names of Node-API's functions. */
export function nodeApiFunctions() {
  const { symbols } = createRequire(path.join(packageDirectory, "package.json"))("node-api-headers");
  return [...symbols[VERSION].js_native_api_symbols, ...symbols[VERSION].node_api_symbols].sort();
}

/**
 * C that defines Node-API's functions for Windows, where a library has to say which file its imports come from: they are in whatever
 * program has loaded it (node.exe, Code.exe, electron.exe), so each is looked up there when the library is loaded.
 * @param {string[]} functions
 */
export const nodeApiStubs = (functions) => `// Made by native/build/nodeApi.mjs
#include <windows.h>

#define FUNCTIONS(F) \\
${functions.map((name) => `    F(${name})`).join(" \\\n")}

// what an older program lacks: napi_generic_failure
static int missing(void) { return 9; }

#define DEFINE(name)                 \\
    FARPROC lacuna_##name;           \\
    __asm__(".globl " #name "\\n"     \\
            #name ":\\n"              \\
            "    jmp *lacuna_" #name "(%rip)\\n");

FUNCTIONS(DEFINE)

__attribute__((constructor)) static void find_functions(void) {
    const HMODULE program = GetModuleHandleW(NULL);

#define FIND(name)                                     \\
    lacuna_##name = GetProcAddress(program, #name);    \\
    if (!lacuna_##name) {                              \\
        lacuna_##name = (FARPROC) missing;             \\
    }

    FUNCTIONS(FIND)
}
`;
