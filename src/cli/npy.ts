/** NumPy's .npy format, version 1.0: float32, C order, little-endian. */

/**
 * @param rows equal lengths; the array's shape is `[rows.length, rows[0].length]`
 */
export function encodeNpy(rows: readonly Float32Array[]): Buffer {
  const columns = rows[0]?.length ?? 0;
  if (rows.some((row) => row.length !== columns)) {
    throw new RangeError("the rows of an array have equal lengths");
  }
  const head = `{'descr': '<f4', 'fortran_order': False, 'shape': (${rows.length}, ${columns}), }`;
  // Magic, version and length take 10 bytes; data begins at a multiple of 64, after a newline.
  const length = Math.ceil((10 + head.length + 1) / 64) * 64 - 10;
  const buffer = Buffer.alloc(10 + length + 4 * rows.length * columns);
  buffer.write("\x93NUMPY\x01\x00", 0, "latin1");
  buffer.writeUInt16LE(length, 8);
  buffer.write(`${head.padEnd(length - 1)}\n`, 10, "latin1");
  let at = 10 + length;
  for (const row of rows) {
    for (const value of row) {
      buffer.writeFloatLE(value, at);
      at += 4;
    }
  }
  return buffer;
}
