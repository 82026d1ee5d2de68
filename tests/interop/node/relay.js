/** A network between client and gate that a test can cut. */

import { once } from "node:events";
import { connect, createServer } from "node:net";

/** Passes bytes between a port of its own and the gate, unless it is told not to. */
export class Relay {
  #server;
  #sockets = new Set();
  #isClosed = false;
  #swallows = false;
  connections = 0;

  /** A relay to the gate at this address. */
  static async to(target) {
    const relay = new Relay();
    const at = target.lastIndexOf(":");
    const gate = { host: target.slice(0, at), port: Number(target.slice(at + 1)) };
    relay.#server = createServer((client) => relay.#serve(client, gate));
    relay.#server.listen(0, "127.0.0.1");
    await once(relay.#server, "listening");
    return relay;
  }

  get address() {
    return `127.0.0.1:${this.#server.address().port}`;
  }

  /** True from `swallow` on until `mend`. */
  get swallows() {
    return this.#swallows;
  }

  /** Loses what the gate answers, until the connections are cut; what the client says still arrives. */
  swallow() {
    this.#swallows = true;
  }

  /** Breaks every connection, without a goodbye, and lets no new one through. */
  cut() {
    this.close();
    for (const socket of this.#sockets) {
      socket.destroy();
    }
  }

  /** Lets no new connection through; those that are open stay. */
  close() {
    this.#isClosed = true;
  }

  /** Lets new connections through, and answers on them. */
  mend() {
    this.#isClosed = false;
    this.#swallows = false;
  }

  end() {
    this.cut();
    this.#server.close();
  }

  #serve(client, target) {
    if (this.#isClosed) {
      client.destroy();
      return;
    }
    this.connections += 1;
    const gate = connect(target);
    for (const [one, other] of [[client, gate], [gate, client]]) {
      this.#sockets.add(one);
      // Either end may break at any time, which the other end is to see.
      one.on("error", () => {});
      one.on("close", () => {
        this.#sockets.delete(one);
        other.destroy();
      });
    }
    client.on("data", (bytes) => gate.write(bytes));
    gate.on("data", (bytes) => {
      if (!this.#swallows) {
        client.write(bytes);
      }
    });
  }
}
