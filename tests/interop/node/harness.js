/** Asks whoever started the scenario for what no client can do: kill the server, start it again, start another one. */

import { connect } from "node:net";
import { text } from "node:stream/consumers";

import { check, within } from "./expect.js";

/** Speaks one word on a connection and waits for its line; `tests/interop/control.rs` is the other side. */
export class Harness {
  #control;

  constructor(control) {
    const at = control.lastIndexOf(":");
    this.#control = { host: control.slice(0, at), port: Number(control.slice(at + 1)) };
  }

  /** Ends the server as a power cut would. */
  async kill() {
    await this.#ask("kill");
  }

  /** Starts the server again, on the same store and port. */
  async start() {
    await this.#ask("start");
  }

  /** Starts one more server on an empty store of its own; answers with its address. */
  other() {
    return this.#ask("other");
  }

  async #ask(word) {
    const socket = connect(this.#control);
    socket.write(`${word}\n`);
    const answer = await within(text(socket), `\`${word}\` by the harness`);
    check(answer.endsWith("\n"), `the harness could not \`${word}\``);
    return answer.trim();
  }
}
