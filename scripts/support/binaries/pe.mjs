const MACHINES = { 0x8664: "x64", 0xaa64: "arm64" };
const [EXPORTS, IMPORTS, DELAYED] = [0, 1, 13];

/**
 * What a 64-bit library of Windows asks for and offers; see Microsoft's "PE Format".
 * @param {Buffer} file
 * @returns {import("./check.mjs").Binary | undefined} undefined: not such a file
 */
export function readPe(file) {
  if (file.length < 64 || file.toString("latin1", 0, 2) !== "MZ") return undefined;
  const header = file.readUInt32LE(60);
  if (file.toString("latin1", header, header + 4) !== "PE\0\0" || file.readUInt16LE(header + 24) !== 0x20b)
    return undefined;
  const optional = header + 24;
  const table = optional + file.readUInt16LE(header + 20);
  const sections = Array.from({ length: file.readUInt16LE(header + 6) }, (_, i) => {
    const word = (offset) => file.readUInt32LE(table + i * 40 + offset);
    return { address: word(12), size: Math.max(word(8), word(16)), file: word(20) };
  });
  const place = (address) => {
    const home = sections.find((one) => address >= one.address && address < one.address + one.size);
    return address - home.address + home.file;
  };
  const text = (address) => {
    const at = place(address);
    return file.toString("latin1", at, file.indexOf(0, at));
  };
  const directories = file.readUInt32LE(optional + 108);
  const directory = (i) => (i < directories ? file.readUInt32LE(optional + 112 + i * 8) : 0);

  const [libraries, imports] = [[], []];
  /** @param names address of the table of what is imported from a library */
  const add = (library, names) => {
    libraries.push(library);
    for (let at = place(names); ; at += 8) {
      const thunk = file.readBigUInt64LE(at);
      if (thunk === 0n) break;
      const name = thunk >> 63n === 1n ? `#${thunk & 0xffffn}` : text(Number(thunk) + 2);
      imports.push({ name, library, weak: false });
    }
  };
  const each = (address, size, visit) => {
    if (address === 0) return;
    for (
      let at = place(address);
      file.readUInt32LE(at + 4) !== 0 || file.readUInt32LE(at + 12) !== 0;
      at += size
    )
      visit((offset) => file.readUInt32LE(at + offset));
  };
  each(directory(IMPORTS), 20, (word) => add(text(word(12)), word(0) || word(16)));
  each(directory(DELAYED), 32, (word) => add(text(word(4)), word(16)));

  const exports = [];
  if (directory(EXPORTS) !== 0) {
    const at = place(directory(EXPORTS));
    const names = file.readUInt32LE(at + 32);
    for (let i = 0; i < file.readUInt32LE(at + 24); i++)
      exports.push(text(file.readUInt32LE(place(names) + i * 4)));
  }
  return {
    format: "pe",
    arch: MACHINES[file.readUInt16LE(header + 4)] ?? "unknown",
    libraries,
    imports,
    exports,
  };
}
