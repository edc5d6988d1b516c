const MACHINES = { 62: "x64", 183: "arm64" };
const [SHT_DYNAMIC, SHT_DYNSYM, SHT_VERNEED, SHT_VERSYM] = [6, 11, 0x6ffffffe, 0x6fffffff];
const [DT_NEEDED, STB_WEAK] = [1, 2];

/**
 * What a 64-bit little-endian shared library of Linux asks for and offers; see the System V ABI, and the Linux Standard Base for versions of symbols.
 * @param {Buffer} file
 * @returns {import("./check.mjs").Binary | undefined} undefined: not such a file
 */
export function readElf(file) {
  if (file.length < 64 || file.readUInt32BE(0) !== 0x7f454c46 || file[4] !== 2 || file[5] !== 1)
    return undefined;
  const sections = Array.from({ length: file.readUInt16LE(60) }, (_, i) => {
    const at = Number(file.readBigUInt64LE(40)) + i * file.readUInt16LE(58);
    const long = (offset) => Number(file.readBigUInt64LE(at + offset));
    const [type, link] = [file.readUInt32LE(at + 4), file.readUInt32LE(at + 40)];
    return { type, link, data: file.subarray(long(24), long(24) + long(32)) };
  });
  const section = (type) => sections.find((candidate) => candidate.type === type);
  const textAt = ({ link }, offset) => {
    const { data } = sections[link];
    return data.toString("latin1", offset, data.indexOf(0, offset));
  };

  const dynamic = section(SHT_DYNAMIC);
  const libraries = [];
  for (let at = 0; at < (dynamic?.data.length ?? 0); at += 16)
    if (dynamic.data.readBigUInt64LE(at) === BigInt(DT_NEEDED))
      libraries.push(textAt(dynamic, Number(dynamic.data.readBigUInt64LE(at + 8))));

  const versions = neededVersions(section(SHT_VERNEED), textAt);
  const versionOf = section(SHT_VERSYM)?.data;
  const symbols = section(SHT_DYNSYM);
  const [imports, exports] = [[], []];
  for (let i = 1; i < (symbols?.data.length ?? 0) / 24; i++) {
    const name = textAt(symbols, symbols.data.readUInt32LE(i * 24));
    if (symbols.data.readUInt16LE(i * 24 + 6) !== 0) exports.push(name);
    else
      imports.push({
        name,
        weak: symbols.data[i * 24 + 4] >> 4 === STB_WEAK,
        ...versions.get((versionOf?.readUInt16LE(i * 2) ?? 0) & 0x7fff),
      });
  }
  return { format: "elf", arch: MACHINES[file.readUInt16LE(18)] ?? "unknown", libraries, imports, exports };
}

/** The versions that imports name by a number. @returns {Map<number, { library: string, version: string }>} */
function neededVersions(section, textAt) {
  const versions = new Map();
  if (section === undefined) return versions;
  const { data } = section;
  for (let at = 0, next = 1; next !== 0; at += next) {
    const library = textAt(section, data.readUInt32LE(at + 4));
    let entry = at + data.readUInt32LE(at + 8);
    for (let i = data.readUInt16LE(at + 2); i > 0; i--) {
      const version = textAt(section, data.readUInt32LE(entry + 8));
      versions.set(data.readUInt16LE(entry + 6), { library, version });
      entry += data.readUInt32LE(entry + 12);
    }
    next = data.readUInt32LE(at + 12);
  }
  return versions;
}
