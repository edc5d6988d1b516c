import { crc32 } from "node:zlib";
import type { CurvePoint } from "./guard";
import { fromHalf, toHalf } from "./half";
import { layerSizes, type LayerRows, type Mask, type Selection } from "./mask";
import { isMetric } from "./metrics";

/**
 * A mask in bytes, little-endian:
 *
 *     "LCNM"  u32 version  u32 length of what follows the checksum  u32 CRC-32 of it
 *     u32 length of the header, the header (JSON, UTF-8), padding to 4
 *     u32[] sketch
 *     of a choice, per layer: binary16 weights of gate and of down, in relation to the largest of the layer
 *     of rows, per layer: bitset of ceil(size / 8) bytes, row r in bit r % 8 of byte r / 8
 *     of rows, per layer, where the header says so: binary16 means of the dropped rows, ascending
 */
const MAGIC = 0x4d4e434c;
/** 4: what tokens choose by, in place of thresholds. */
const VERSION = 4;
const PREAMBLE = 16;

interface Header {
  readonly modelFingerprint: string;
  readonly metric: string;
  readonly activeRatio: number;
  readonly kind: Selection["kind"];
  readonly createdAt: number;
  readonly guard: readonly CurvePoint[];
  readonly sizes: readonly number[];
  readonly sketchLength: number;
  readonly hasMeans: boolean;
}

export type Decoded =
  { readonly ok: true; readonly mask: Mask } | { readonly ok: false; readonly warning: string };

export function encodeMask(mask: Mask): Uint8Array {
  const { selection } = mask;
  const sizes = layerSizes(selection);
  const header: Header = {
    modelFingerprint: mask.modelFingerprint,
    metric: mask.metric,
    activeRatio: mask.activeRatio,
    kind: selection.kind,
    createdAt: mask.createdAt,
    guard: mask.guard,
    sizes,
    sketchLength: mask.sketch.length,
    hasMeans:
      selection.kind === "rows" &&
      sizes.length > 0 &&
      selection.layers.every(({ means }) => means !== undefined),
  };
  const json = new TextEncoder().encode(JSON.stringify(header));
  const length = 4 + padded(json.length) + 4 * header.sketchLength + selectionLength(selection, header);
  const bytes = new Uint8Array(PREAMBLE + length);
  const view = new DataView(bytes.buffer);
  view.setUint32(PREAMBLE, json.length, true);
  bytes.set(json, PREAMBLE + 4);
  let at = PREAMBLE + 4 + padded(json.length);
  for (const hash of mask.sketch) {
    view.setUint32(at, hash, true);
    at += 4;
  }
  if (selection.kind === "choice") {
    for (const weights of selection.layers.flatMap((l) => [l.gateWeights, l.downWeights])) {
      const most = weights.reduce((largest, weight) => Math.max(largest, weight), 0);
      for (const weight of weights) {
        view.setUint16(at, toHalf(most > 0 ? weight / most : 0), true);
        at += 2;
      }
    }
  } else {
    for (const { size, rows } of selection.layers) {
      for (const row of rows) {
        bytes[at + (row >> 3)]! |= 1 << (row & 7);
      }
      at += Math.ceil(size / 8);
    }
    for (const { size, rows, means } of header.hasMeans ? selection.layers : []) {
      for (const row of dropped(size, rows)) {
        view.setUint16(at, toHalf(means![row]!), true);
        at += 2;
      }
    }
  }
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, VERSION, true);
  view.setUint32(8, length, true);
  view.setUint32(12, crc32(bytes.subarray(PREAMBLE)), true);
  return bytes;
}

/** The mask, or one sentence why the bytes are not one. Never throws, never returns part of a mask. */
export function decodeMask(bytes: Uint8Array): Decoded {
  const refuse = (why: string): Decoded => ({ ok: false, warning: `Ignoring a remembered mask: ${why}.` });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < PREAMBLE + 4 || view.getUint32(0, true) !== MAGIC) {
    return refuse("it is not a mask file");
  }
  if (view.getUint32(4, true) !== VERSION) {
    return refuse(`it has format version ${view.getUint32(4, true)}, this build reads ${VERSION}`);
  }
  if (view.getUint32(8, true) !== bytes.length - PREAMBLE) {
    return refuse("it is truncated");
  }
  if (view.getUint32(12, true) !== crc32(bytes.subarray(PREAMBLE))) {
    return refuse("its checksum does not match");
  }
  try {
    return { ok: true, mask: decodeBody(bytes, view) };
  } catch (error) {
    return refuse(error instanceof Error ? error.message : "it cannot be read");
  }
}

function decodeBody(bytes: Uint8Array, view: DataView): Mask {
  const jsonLength = view.getUint32(PREAMBLE, true);
  if (jsonLength > bytes.length - PREAMBLE - 4) {
    throw new Error("its header is out of bounds");
  }
  const json = new TextDecoder("utf-8", { fatal: true }).decode(
    bytes.subarray(PREAMBLE + 4, PREAMBLE + 4 + jsonLength),
  );
  const header = parseHeader(JSON.parse(json) as unknown);
  let at = PREAMBLE + 4 + padded(jsonLength);
  const need = (count: number): void => {
    if (at + count > bytes.length) {
      throw new Error("its contents are out of bounds");
    }
  };
  need(header.sketchLength * 4);
  const sketch = new Uint32Array(header.sketchLength);
  for (let i = 0; i < sketch.length; i++, at += 4) {
    sketch[i] = view.getUint32(at, true);
  }
  const halves = (count: number): Float32Array => {
    need(2 * count);
    const values = Float32Array.from({ length: count }, (_, i) => fromHalf(view.getUint16(at + 2 * i, true)));
    at += 2 * count;
    return values;
  };
  const rowsOf = (size: number): LayerRows => {
    const length = Math.ceil(size / 8);
    need(length);
    at += length;
    return { size, rows: bitsOf(bytes.subarray(at - length, at), size) };
  };
  const selection = readSelection(header, rowsOf, halves);
  if (at !== bytes.length) {
    throw new Error("it holds more than its header says");
  }
  const { modelFingerprint, activeRatio, createdAt, guard } = header;
  if (!isMetric(header.metric)) {
    throw new Error(`its metric ${JSON.stringify(header.metric)} is unknown`);
  }
  return { modelFingerprint, metric: header.metric, activeRatio, createdAt, guard, sketch, selection };
}

function readSelection(
  { kind, sizes, hasMeans }: Header,
  rowsOf: (size: number) => LayerRows,
  halves: (count: number) => Float32Array,
): Selection {
  if (kind === "choice") {
    const layers = sizes.map((size) => ({ gateWeights: halves(size), downWeights: halves(size) }));
    return { kind, layers };
  }
  const layers = sizes.map(rowsOf);
  return { kind, layers: hasMeans ? layers.map((layer) => withMeans(layer, halves)) : layers };
}

function withMeans(layer: LayerRows, halves: (count: number) => Float32Array): LayerRows {
  const kept = halves(layer.size - layer.rows.length);
  const means = new Float32Array(layer.size);
  let next = 0;
  for (const row of dropped(layer.size, layer.rows)) {
    means[row] = kept[next++]!;
  }
  return { ...layer, means };
}

function parseHeader(value: unknown): Header {
  const header = value as Header;
  const count = (n: unknown): boolean =>
    typeof n === "number" && Number.isInteger(n) && n >= 0 && n < 2 ** 24;
  const valid =
    typeof value === "object" &&
    value !== null &&
    typeof header.modelFingerprint === "string" &&
    typeof header.metric === "string" &&
    typeof header.activeRatio === "number" &&
    ["choice", "rows"].includes(header.kind) &&
    typeof header.createdAt === "number" &&
    typeof header.hasMeans === "boolean" &&
    count(header.sketchLength) &&
    Array.isArray(header.sizes) &&
    header.sizes.every(count) &&
    Array.isArray(header.guard) &&
    header.guard.every((point) => typeof (point as CurvePoint | null)?.activeRatio === "number");
  if (!valid) {
    throw new Error("its header is malformed");
  }
  return header;
}

function selectionLength(selection: Selection, { sizes, hasMeans }: Header): number {
  if (selection.kind === "choice") {
    return 4 * sizes.reduce((sum, size) => sum + size, 0);
  }
  return selection.layers.reduce(
    (sum, { size, rows }) => sum + Math.ceil(size / 8) + (hasMeans ? 2 * (size - rows.length) : 0),
    0,
  );
}

const padded = (length: number): number => (length + 3) & ~3;

function bitsOf(bitset: Uint8Array, size: number): Int32Array {
  const rows: number[] = [];
  for (let row = 0; row < bitset.length * 8; row++) {
    if (bitset[row >> 3]! & (1 << (row & 7))) {
      if (row >= size) {
        throw new Error("it names neurons that the layer does not have");
      }
      rows.push(row);
    }
  }
  return Int32Array.from(rows);
}

function* dropped(size: number, rows: Int32Array): Generator<number> {
  let next = 0;
  for (let row = 0; row < size; row++) {
    if (rows[next] === row) {
      next++;
    } else {
      yield row;
    }
  }
}
