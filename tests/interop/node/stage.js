/** Tasks that only one story touches, with streams about them that run through a relay. */

import { Connection } from "./connection.js";
import { equal } from "./expect.js";
import { Relay } from "./relay.js";
import { deployment, policy } from "./world.js";

/** One environment and one runner, both of this name. Streams go through the relay, everybody else does not. */
export class Stage {
  static async setUp(world, name) {
    const request = { policy: policy(name, name, ["alice"], 1) };
    await world.as("admin:root").policies.CreatePolicy(request);
    return new Stage(world, name, await Relay.to(world.address));
  }

  constructor(world, name, relay) {
    this.world = world;
    this.name = name;
    this.relay = relay;
    this.ci = new Connection(world.api, relay.address, "orchestrator:ci");
    this.web = new Connection(world.api, relay.address, `runner:${name}`);
    this.auditor = new Connection(world.api, relay.address, "auditor:audit");
  }

  /** What still follows a stream ends with its connection. */
  end() {
    for (const connection of [this.ci, this.web, this.auditor]) {
      connection.close();
    }
    this.relay.end();
  }

  id(task) {
    return `${this.name}-${task}`;
  }

  async ask(...tasks) {
    for (const task of tasks) {
      await this.world.ask(deployment(this.id(task), this.name, { runner: this.name }));
    }
  }

  async approve(task) {
    await this.world.approve(this.id(task), "alice");
  }

  async reject(task) {
    await this.world.reject(this.id(task), "alice");
  }

  /** The runner itself, which claims and reports. */
  get runner() {
    return this.world.as(`runner:${this.name}`).runners;
  }

  async start(task) {
    await this.runner.StartTask({ task_id: this.id(task), generation: 1, claim_id: "only" });
  }

  async finish(task) {
    const outcome = "TASK_OUTCOME_SUCCEEDED";
    await this.runner.FinishTask({ task_id: this.id(task), claim_id: "only", outcome });
  }

  /** What was told of each task, by its short name; each is told of once. */
  byTask(told, name, value) {
    const found = Object.fromEntries(told.map((it) => [name(it).slice(this.name.length + 1), value(it)]));
    equal(Object.keys(found).length, told.length, "news before `synced`, of which there is to be one for each task");
    return found;
  }
}
