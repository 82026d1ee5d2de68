/**
 * Reads the API from its proto files when the program starts; no code is generated.
 *
 * Messages are plain objects with the names of the proto files. Enums are their names, a value that these files do
 * not know stays a number; 64-bit numbers are decimal strings, which `BigInt` and comparisons for equality take.
 */

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { loadSync } from "@grpc/proto-loader";

const OPTIONS = { keepCase: true, enums: String, longs: String, defaults: true, oneofs: true };

/** Services and messages by full name, from every proto file in a directory. */
export function loadApi(proto) {
  const files = readdirSync(proto, { recursive: true }).filter((name) => name.endsWith(".proto"));
  if (files.length === 0) {
    throw new Error(`no proto file in ${proto}`);
  }
  return loadSync(
    files.map((name) => join(proto, name)),
    { ...OPTIONS, includeDirs: [proto] },
  );
}

const details = loadSync(fileURLToPath(new URL("details.proto", import.meta.url)), OPTIONS);

/** The messages of error details: `google.rpc.Status` and what may be packed into it. */
export const Status = details["google.rpc.Status"];
export const ErrorInfo = details["google.rpc.ErrorInfo"];
export const BadRequest = details["google.rpc.BadRequest"];
