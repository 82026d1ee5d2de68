/** Reads why a call ended without an answer. */

import { status } from "@grpc/grpc-js";

import { BadRequest, ErrorInfo, Status } from "./api.js";

/** The gate took nothing on, or cannot say what became of it. Repeating the call is safe, and tells. */
export const TRANSIENT = new Set([status.UNAVAILABLE, status.DEADLINE_EXCEEDED, status.RESOURCE_EXHAUSTED]);

/** The same, where it was not the gate that said so but the connection that broke. */
const BROKEN = new Set([status.INTERNAL, status.UNKNOWN, status.CANCELLED]);

/** Why a call was refused. Decide by `code` and `reason`; `message` is for people. */
export class Refusal {
  constructor(error) {
    this.code = error.code;
    this.message = error.details ?? "";
    const { info, badRequest } = unpack(error.metadata?.get("grpc-status-details-bin")[0]);
    this.domain = info.domain ?? "";
    /** A name of the enum ErrorReason, without its prefix. Empty: the call did not reach the gate. */
    this.reason = info.reason ?? "";
    this.metadata = info.metadata ?? {};
    /** The bad fields of an INVALID_ARGUMENT. */
    this.fields = (badRequest.field_violations ?? []).map((it) => it.field);
  }

  /** True: repeat the call. False: the gate has decided. */
  get isTransient() {
    return TRANSIENT.has(this.code) || (BROKEN.has(this.code) && this.reason === "");
  }

  toString() {
    return `${status[this.code]} ${this.reason}: ${this.message}`;
  }
}

/** What of the packed details this client understands; others are passed over. */
function unpack(trailer) {
  const found = { info: {}, badRequest: {} };
  if (trailer === undefined) {
    return found;
  }
  for (const { type_url: type, value } of Status.deserialize(trailer).details) {
    const name = type.slice(type.lastIndexOf("/") + 1);
    if (name === "google.rpc.ErrorInfo") {
      found.info = ErrorInfo.deserialize(value);
    } else if (name === "google.rpc.BadRequest") {
      found.badRequest = BadRequest.deserialize(value);
    }
  }
  return found;
}
