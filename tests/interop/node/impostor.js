/** A gate that says what a gate never would, or what only a newer one might. */

import grpc from "@grpc/grpc-js";

import { ErrorInfo, Status } from "./api.js";

/** A refusal; without a reason it is one that no gate gives, but a proxy might. */
export function refusal(code, reason = "") {
  const metadata = new grpc.Metadata();
  if (reason) {
    const value = ErrorInfo.serialize({ reason, domain: "countersign.dev" });
    const details = [{ type_url: "type.googleapis.com/google.rpc.ErrorInfo", value }];
    metadata.set("grpc-status-details-bin", Status.serialize({ code, details }));
  }
  return { error: { code, details: "says the impostor", metadata } };
}

/** What a gate answers to a claim that it grants, with what is other than that. */
export function grant(request, other = {}) {
  const start = { claim_id: request.claim_id, generation: request.generation };
  return { task: { id: request.task_id, state: "TASK_STATE_RUNNING", start, ...other } };
}

/** Sends these signals on every stream, and gives these answers to claims; the last one again and again. */
export class Impostor {
  #server = new grpc.Server();
  claims = [];

  static async start(api, signals, answers = []) {
    const gate = new Impostor();
    gate.#server.addService(api["countersign.v1.RunnerService"], {
      // A stream of signals never ends by itself.
      WatchSignals: (call) => signals.forEach((it) => call.write({ signals: [it] })),
      StartTask: ({ request }, reply) => {
        gate.claims.push(request);
        const { error, ...answer } = answers[Math.min(gate.claims.length, answers.length) - 1](request);
        reply(error ?? null, answer);
      },
      FinishTask: (_, reply) => reply(null, {}),
    });
    const bind = (resolve, reject) =>
      gate.#server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) =>
        error ? reject(error) : resolve(port),
      );
    gate.address = `127.0.0.1:${await new Promise(bind)}`;
    return gate;
  }

  end() {
    this.#server.forceShutdown();
  }
}
