/** The server is killed and started again, or is another one: what was granted stands, what is foreign is refused. */

import { Connection } from "../connection.js";
import { equal, eventually, first, refused, within } from "../expect.js";
import { Relay } from "../relay.js";
import { Ending } from "../runner.js";
import { Tape } from "../tape.js";
import { deployment, RUNNER } from "../world.js";

/** Every kind of stream on these connections, opened with a token. */
function streams([ci, runner, auditor]) {
  return {
    status: (token) => ci.changeRequests.WatchStatus({ project: "web", resume_token: token }),
    signals: (token) => runner.runners.WatchSignals({ resume_token: token }),
    log: (token) => auditor.log.WatchLog(token ? { resume_token: token } : {}),
  };
}

export const stories = {
  async "a start granted before the restart is granted to the same claim after it, and to no other"(world) {
    const claim = (task, id) => world.web1.StartTask({ task_id: task, generation: 1, claim_id: id });
    for (const id of ["restart-1", "restart-2"]) {
      await world.ask(deployment(id, "staging"));
      await world.approve(id, "alice");
    }
    const before = await claim("restart-1", "first");
    await world.harness.kill();
    await world.startAgain();
    equal(await claim("restart-1", "first"), before, "the answer to the same claim");
    await refused(claim("restart-1", "second"), "ALREADY_EXISTS", "CLAIM_TAKEN", { task: "restart-1" });
    equal((await world.task("restart-1")).start, before.task.start, "the start that is kept");
    // A permit outlives the server that issued it.
    equal((await claim("restart-2", "first")).task.state, "TASK_STATE_RUNNING", "a task cleared before the restart");
  },

  async "a runner that waits hears HOLD again after the restart, and runs once it is cleared"(world) {
    await world.ask(deployment("restart-3", "staging"));
    const job = world.job("restart-3");
    const { heard, running } = world.startRunner("restart-3", job);
    await eventually(() => heard.length > 0, "HOLD");
    await world.harness.kill();
    await world.startAgain();
    await eventually(() => heard.length > 1, "HOLD for the second time");
    equal([new Set(heard), job.runs], [new Set(["SIGNAL_HOLD"]), 0], "signals and runs before the approval");
    await world.approve("restart-3", "alice");
    const { ending } = await within(running, "the command after the restart");
    equal([ending, job.runs], [Ending.RAN, 1], "the runner");
  },

  async "a grant whose answer died with the server is learned by the same claim, and the command runs once"(world) {
    await world.ask(deployment("restart-4", "staging"));
    const relay = await Relay.to(world.address);
    const far = new Connection(world.api, relay.address, `runner:${RUNNER}`);
    const job = world.job("restart-4");
    // From PROCEED on the runner hears nothing: its claim goes out, the answer does not come in.
    const hear = (signal) => signal === "SIGNAL_PROCEED" && !relay.swallows && relay.swallow();
    const { heard, running } = world.startRunner("restart-4", job, { connection: far, hear });
    await eventually(() => heard.includes("SIGNAL_HOLD"), "HOLD");
    await world.approve("restart-4", "alice");
    await eventually(async () => (await world.task("restart-4")).state === "TASK_STATE_RUNNING", "the grant");
    const granted = await world.task("restart-4");
    relay.close();
    await world.harness.kill();
    equal(job.runs, 0, "runs while the answer is not known");
    await world.startAgain();
    relay.mend();
    const result = await within(running, "the command after the repeated claim");
    equal([result.ending, job.runs], [Ending.RAN, 1], "the runner");
    equal(result.task.start.claim_id, granted.start.claim_id, "the claim");
    far.close();
    relay.end();
  },

  async "a token of another store is refused on every stream; a client that meets that begins anew"(world) {
    const other = await world.harness.other();
    const callers = ["orchestrator:ci", `runner:${RUNNER}`, "auditor:audit"];
    const [theirs, own] = [other, world.address].map((address) =>
      callers.map((it) => new Connection(world.api, address, it)),
    );
    // The other log is as long as to have a position that this one has, too.
    for (const id of ["other-1", "other-2", "other-3"]) {
      await theirs[0].changeRequests.CreateChangeRequest({ task: deployment(id, "staging") });
    }
    const [there, here] = [streams(theirs), streams(own)];
    for (const [name, open] of Object.entries(there)) {
      const token = (await new Tape(open).synced(1)).marks[0].resume_token;
      const again = await new Tape(open, { token }).synced(1);
      equal(again.token, token, `where the ${name} stream goes on in its own store`);
      await refused(first(here[name](token)), "INVALID_ARGUMENT", "RESUME_TOKEN_OF_ANOTHER_STORE");
      // As a client has it that kept a token while its gate was moved to another store.
      const moved = await new Tape(here[name], { token }).synced(1);
      equal(moved.token, "", `the token that the ${name} stream then begins with`);
    }
    for (const connection of [...theirs, ...own]) {
      connection.close();
    }
  },
};
