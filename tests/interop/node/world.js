/** What the stories act with: callers, tasks, and commands that leave a trace. */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { Connection } from "./connection.js";
import { within } from "./expect.js";
import { Refusal } from "./refusal.js";
import { Runner } from "./runner.js";

/** Who triggers tasks; no policy makes them an approver. */
const CREATOR = "erin";

export const RUNNER = "web-1";

/** One gate at one address, and everybody who calls it. */
export class World {
  #connections = new Map();
  #scratch;

  constructor(api, address, harness, scratch) {
    this.api = api;
    this.address = address;
    this.harness = harness;
    this.#scratch = scratch;
    this.ci = this.as("orchestrator:ci").changeRequests;
    this.web1 = this.as(`runner:${RUNNER}`).runners;
    this.log = this.as("auditor:audit").log;
  }

  /** A caller; the bearer text says who, as a server with --insecure-dev has it. Left out: nobody. */
  as(bearer) {
    if (!this.#connections.has(bearer)) {
      this.#connections.set(bearer, new Connection(this.api, this.address, bearer));
    }
    return this.#connections.get(bearer);
  }

  /** A command that leaves one line in a file each time it really runs. */
  job(name, exitCode = 0) {
    const trace = join(this.#scratch, `${name}.ran`);
    return {
      command: ["sh", "-c", 'echo "ran as process $$" >> "$1"; exit "$2"', "job", trace, String(exitCode)],
      get runs() {
        return existsSync(trace) ? readFileSync(trace, "utf8").trimEnd().split("\n").length : 0;
      },
    };
  }

  /**
   * A runner that waits for its task while the story goes on, and the signals that it has heard; `hear` is told each
   * before the runner acts on it.
   */
  startRunner(taskId, job, { connection = this.as(`runner:${RUNNER}`), hear = () => {} } = {}) {
    const heard = [];
    const listen = ({ signal }) => {
      heard.push(signal);
      hear(signal);
    };
    const running = new Runner(connection, listen).run(taskId, job.command);
    // A story that fails before it asks for the result has said why.
    running.catch(() => {});
    return { heard, running };
  }

  ask(task) {
    return this.ci.CreateChangeRequest({ task });
  }

  /** These people approve, one after the other; answers with the change request after the last one. */
  async approve(changeRequest, ...people) {
    let answer;
    for (const person of people) {
      const request = { change_request: changeRequest, comment: `${person} read it` };
      answer = await this.as(person).changeRequests.Approve(request);
    }
    return answer.change_request;
  }

  reject(changeRequest, person) {
    return this.as(person).changeRequests.Reject({ change_request: changeRequest, comment: "Not on a Friday" });
  }

  async task(taskId) {
    return (await this.ci.GetTask({ task_id: taskId })).task;
  }

  /** How many entries the log has. */
  async head() {
    return Number((await this.log.GetHead({})).sequence);
  }

  /** Starts the server that was killed, and waits until everybody's connection has found it. */
  async startAgain() {
    await this.harness.start();
    for (const connection of this.#connections.values()) {
      await within(answers(connection), "a connection to the server that was started again");
    }
  }

  close() {
    for (const connection of this.#connections.values()) {
      connection.close();
    }
  }
}

/** Waits until the gate answers, be it with a refusal. */
async function answers(connection) {
  for (;;) {
    try {
      // The first one may still go out on the connection that is about to be found dead.
      await connection.changeRequests.GetTask({ task_id: "any" }, { waitForReady: true });
    } catch (error) {
      if (!new Refusal(error).isTransient) {
        return;
      }
    }
  }
}

/** A deployment of project `web`; whatever `more` names is set or replaced. */
export function deployment(id, environment, more = {}) {
  return {
    id,
    kind: "TASK_KIND_DEPLOYMENT",
    project: "web",
    environment,
    release: "1.4.2",
    runner: RUNNER,
    title: `Deploy web 1.4.2 to ${environment}`,
    creator: { person: { subject: CREATOR } },
    ...more,
  };
}

/** A policy for project `web` in one environment. */
export function policy(id, environment, approvers, minimum, more = {}) {
  return {
    id,
    scopes: [{ projects: { ids: ["web"] }, environments: { ids: [environment] } }],
    approvers: { users: approvers.map((subject) => ({ subject })) },
    minimum_approvals: minimum,
    ...more,
  };
}
