/** Follows a stream of the gate over reconnections. */

import { setTimeout as pauseFor } from "node:timers/promises";

import { status } from "@grpc/grpc-js";

/** How long to wait before connecting again, at first and at most. */
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2_000;

/** How long to wait for the first message; each mark says how long to wait for the next one. */
const FIRST_MESSAGE_MS = 15_000;
const MISSED_HEARTBEATS = 3;

/** Connecting again does not mend these. */
const LASTING = new Set([
  status.INVALID_ARGUMENT,
  status.OUT_OF_RANGE,
  status.NOT_FOUND,
  status.PERMISSION_DENIED,
  status.UNAUTHENTICATED,
  status.UNIMPLEMENTED,
]);

/**
 * Every message of the stream that `open` opens with a resume token, for ever.
 *
 * A stream that breaks, or misses three heartbeats, is opened again with the newest token, so that nothing is missed;
 * what is current may come a second time. With `untilOk` an OK from the server ends it. `token` is one that was kept
 * from an earlier run.
 */
export async function* follow(open, { token = "", untilOk = false } = {}) {
  let pause = FIRST_PAUSE_MS;
  for (;;) {
    const call = open(token);
    let ended;
    call.on("status", (it) => (ended = it.code));
    try {
      let patience = FIRST_MESSAGE_MS;
      const messages = call[Symbol.asyncIterator]();
      for (;;) {
        const { done, value: message } = await inTime(messages, patience, call);
        if (done) {
          break;
        }
        pause = FIRST_PAUSE_MS;
        if (message.mark) {
          token = message.mark.resume_token;
          patience = Math.max(1_000, MISSED_HEARTBEATS * message.mark.heartbeat_interval_ms);
        }
        yield message;
      }
      if (untilOk && ended === status.OK) {
        return;
      }
    } catch (error) {
      if (error.code === undefined) {
        throw error;
      }
      if (LASTING.has(error.code)) {
        if (token === "") {
          throw error;
        }
        // Perhaps it is only the token: of another store, or of this one before it was restored, or too old. Begin
        // anew, with what is current.
        token = "";
      }
    } finally {
      call.cancel();
    }
    await pauseFor(pause);
    pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
  }
}

/** The next message. A server that falls silent is left: nothing on its stream can be trusted to be current. */
async function inTime(messages, patience, call) {
  const watchdog = setTimeout(() => call.cancel(), patience);
  try {
    return await messages.next();
  } finally {
    clearTimeout(watchdog);
  }
}
