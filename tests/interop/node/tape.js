/** Follows a stream beside the story, and keeps what came on which connection. */

import { check, equal, within } from "./expect.js";
import { follow } from "./streams.js";

/** What came on one connection, which was opened with this token. */
export class Stretch {
  messages = [];

  constructor(token) {
    this.token = token;
  }

  get marks() {
    return this.messages.map((it) => it.mark).filter(Boolean);
  }

  /** Where the newest token stands in the log. What was sent may be newer, never older. */
  get position() {
    return BigInt(this.marks.at(-1).sequence);
  }

  get isSynced() {
    return this.marks.some((it) => it.kind === "MARK_KIND_SYNCED");
  }

  /** Everything of this name: `signals`, `change_requests` or `entries`. */
  all(name) {
    return this.messages.flatMap((it) => it[name]);
  }

  /** The same, up to the mark that says: this is how things stand. */
  snapshot(name) {
    const end = this.messages.findIndex((it) => it.mark?.kind === "MARK_KIND_SYNCED");
    return this.messages.slice(0, end + 1).flatMap((it) => it[name]);
  }
}

/** A stream that is followed over reconnections until the story has what it needs. */
export class Tape {
  #messages;
  #wake = () => {};
  #isOver = false;
  #recording;
  /** Attempts that no message came on are left out: how many there are is a matter of luck. */
  stretches = [];

  constructor(open, options) {
    let attempt;
    const watch = (token) => {
      attempt = new Stretch(token);
      return open(token);
    };
    this.#messages = follow(watch, options);
    const record = async () => {
      for await (const message of this.#messages) {
        if (attempt.messages.length === 0) {
          this.stretches.push(attempt);
        }
        attempt.messages.push(message);
        this.#wake();
        if (this.#isOver) {
          return;
        }
      }
    };
    this.#recording = record().finally(() => {
      this.#isOver = true;
      this.#wake();
    });
    // Whoever waits for something learns of it.
    this.#recording.catch(() => {});
  }

  /** Waits until the condition holds, which looks at what has come. */
  async until(condition, what) {
    const look = async () => {
      while (!condition()) {
        if (this.#isOver) {
          // Passes on why it ended; a stream that may end is asked with `ended`.
          await this.#recording;
          check(false, `${what}: the stream ended before`);
        }
        await new Promise((resolve) => (this.#wake = resolve));
      }
    };
    await within(look(), what);
  }

  /** Waits until the stream has caught up on its connection of this number, counted from 1. */
  async synced(number) {
    await this.until(() => this.stretches[number - 1]?.isSynced, `\`synced\` on connection ${number}`);
    return this.stretches[number - 1];
  }

  /** Waits until the stream has caught up on its second connection, which must go on where the first one was. */
  async resumed() {
    const second = await this.synced(2);
    equal(this.stretches[0].token, "", "the token of the first connection");
    equal(second.token, this.stretches[0].marks.at(-1).resume_token, "the token of the second connection");
    return second;
  }

  /** Waits for the OK that ends the stream. */
  async ended() {
    await within(this.#recording, "the end of a stream");
  }

  /** Everything of this name on all connections. */
  all(name) {
    return this.stretches.flatMap((it) => it.all(name));
  }
}
