/** Connects to the gate with a credential. */

import grpc from "@grpc/grpc-js";

/** How long an answer may take. A call without a deadline can wait for ever. */
const DEADLINE_MS = 10_000;

/** A lost connection is tried again after this long at most; left alone, gRPC waits for up to two minutes. */
const OPTIONS = { "grpc.initial_reconnect_backoff_ms": 50, "grpc.max_reconnect_backoff_ms": 2_000 };

const PACKAGE = "countersign.v1";

/**
 * One channel with one credential, and the services of the gate on it.
 *
 * The channel is plain text, as a server on the same machine may be. Over TLS the metadata is not needed:
 * `grpc.credentials.combineChannelCredentials(grpc.credentials.createSsl(), callCredentials)`.
 */
export class Connection {
  #channel;
  #bearer;

  /** Nobody's connection if there is no bearer. */
  constructor(api, address, bearer) {
    this.#bearer = bearer;
    this.#channel = new grpc.Channel(address, grpc.credentials.createInsecure(), OPTIONS);
    this.changeRequests = this.#service(api, "ChangeRequestService");
    this.runners = this.#service(api, "RunnerService");
    this.policies = this.#service(api, "PolicyService");
    this.log = this.#service(api, "LogService");
  }

  close() {
    this.#channel.close();
  }

  /** The methods of a service: a call is a promise of its answer, or a stream of answers. */
  #service(api, name) {
    const definition = api[`${PACKAGE}.${name}`];
    const Client = grpc.makeClientConstructor(definition, name);
    const client = new Client("unused", grpc.credentials.createInsecure(), { channelOverride: this.#channel });
    const methods = {};
    for (const [method, { path, responseStream }] of Object.entries(definition)) {
      const call = client[method].bind(client);
      methods[method] = responseStream
        ? (request) => openStream(call, request, this.#metadata())
        : (request, options) => answer(call, request, this.#metadata(options), path);
    }
    return methods;
  }

  #metadata(options) {
    const metadata = new grpc.Metadata(options);
    if (this.#bearer) {
      metadata.set("authorization", `Bearer ${this.#bearer}`);
    }
    return metadata;
  }
}

function openStream(call, request, metadata) {
  const stream = call(request, metadata);
  // Whoever reads the stream learns of its error; one that nobody reads any more must not end the program.
  stream.on("error", () => {});
  return stream;
}

function answer(call, request, metadata, path) {
  return new Promise((resolve, reject) => {
    call(request, metadata, { deadline: Date.now() + DEADLINE_MS }, (error, response) => {
      if (error) {
        // So that a story that fails says where: the stack of gRPC's own callbacks does not.
        error.path = path;
        reject(error);
      } else {
        resolve(response);
      }
    });
  });
}
