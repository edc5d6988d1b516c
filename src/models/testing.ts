import { ggmlType } from "./ggmlTypes";
import { writeGguf, type GgufEntry, type TensorSpec } from "./ggufWriter";

/** A GGUF file with zeros for weights, for tests of what reads files. */
export async function writeTestGguf(
  path: string,
  metadata: readonly GgufEntry[],
  tensors: readonly (readonly [name: string, dimensions: readonly number[], type: string])[],
): Promise<void> {
  const specs: TensorSpec[] = tensors.map(([name, dimensions, type]) => ({
    name,
    dimensions,
    type: ggmlType(type),
  }));
  const zeros = function* (_: TensorSpec, bytes: number): Generator<Uint8Array> {
    yield new Uint8Array(bytes);
  };
  await writeGguf(path, metadata, specs, zeros, () => undefined);
}
