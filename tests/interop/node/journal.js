/** Follows the log over reconnections: every entry, once, in order. */

import { createHash } from "node:crypto";

import { follow } from "./streams.js";

/** An entry is not what the chain says it was. */
export class BrokenChain extends Error {}

/**
 * Every entry from the first one on, for ever; `open` opens the log with a resume token.
 *
 * A token stands for the newest mark, and entries may have come after that. So a stream that goes on where the token
 * says repeats them; they are left out here, once they have proven to be the same.
 */
export async function* entries(open) {
  const hashes = ["0".repeat(64)];
  for await (const message of follow(open)) {
    for (const entry of message.entries) {
      const sequence = Number(entry.sequence);
      if (hashOf(entry) !== entry.hash) {
        throw new BrokenChain(`entry ${sequence} does not have the hash it says`);
      }
      if (sequence < hashes.length) {
        if (hashes[sequence] !== entry.hash) {
          throw new BrokenChain(`entry ${sequence} is another one than before`);
        }
        continue;
      }
      if (sequence !== hashes.length || entry.previous_hash !== hashes.at(-1)) {
        throw new BrokenChain(`after entry ${hashes.length - 1} came entry ${sequence}`);
      }
      hashes.push(entry.hash);
      yield entry;
    }
  }
}

/** SHA-256 of format version, sequence, instant, previous hash and the SHA-256 of the body. */
export function hashOf(entry) {
  const { seconds, nanos } = entry.instant;
  const numbers = Buffer.alloc(18);
  numbers.writeUInt16BE(entry.format, 0);
  numbers.writeBigUInt64BE(BigInt(entry.sequence), 2);
  numbers.writeBigUInt64BE(BigInt(seconds) * 1_000_000n + BigInt(nanos) / 1_000n, 10);
  const body = createHash("sha256").update(entry.body).digest();
  const previous = Buffer.from(entry.previous_hash, "hex");
  return createHash("sha256").update(numbers).update(previous).update(body).digest("hex");
}
