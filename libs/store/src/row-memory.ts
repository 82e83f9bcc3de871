/**
 * Memory of rows that are stored, for rows to come. Memory outside the collector's heap brings the collector every 64 MiB,
 * however little it has to collect, and an insert takes up to 20 MiB.
 */

/** Less than this costs less to ask for than to keep. */
const KEPT_BYTES_MIN = 64 * 1024;
/** All that waits for rows to come. */
const KEPT_BYTES_MAX = 96 * 1024 * 1024;

/** Ascending by size. */
const kept: Buffer[] = [];
let keptBytes = 0;

/** At least `bytes`, with anything in it. */
export function takeMemory(bytes: number): Buffer {
  if (bytes >= KEPT_BYTES_MIN) {
    const at = kept.findIndex(({ length }) => length >= bytes);
    if (at >= 0) {
      const [buffer] = kept.splice(at, 1) as [Buffer];
      keptBytes -= buffer.length;
      return buffer;
    }
  }
  return Buffer.allocUnsafe(bytes);
}

/** Only what nobody reads or writes from then on. */
export function giveMemory(buffer: Buffer): void {
  const { length } = buffer;
  if (length < KEPT_BYTES_MIN || keptBytes + length > KEPT_BYTES_MAX) return;
  const at = kept.findIndex((other) => other.length > length);
  kept.splice(at < 0 ? kept.length : at, 0, buffer);
  keptBytes += length;
}
