/** A whole approval: blocked, approved, run; and one that is rejected. */

import { check, equal, eventually, within } from "../expect.js";
import { Ending } from "../runner.js";
import { Tape } from "../tape.js";
import { deployment, policy } from "../world.js";

export const stories = {
  async "policies are created; a repeat with the same request id has one effect"(world) {
    const { policies } = world.as("admin:root");
    const fourEyes = policy("prod-four-eyes", "production", ["alice", "bob", "carol"], 2, { block_creator: true });
    for (const wanted of [fourEyes, policy("staging", "staging", ["alice"], 1)]) {
      const request = { policy: wanted, request_id: `create ${wanted.id}` };
      const created = await policies.CreatePolicy(request);
      equal(created.policy.revision, "1", "the revision of a new policy");
      const head = await world.head();
      equal(await policies.CreatePolicy(request), created, "the answer to a repeat");
      equal(await world.head(), head, "the log after a repeat");
    }
  },

  async "two people approve: PROCEED, and the command runs exactly once"(world) {
    const asked = await world.ask(deployment("deploy-1", "production"));
    const { id } = asked.change_request;
    equal(
      asked.message,
      `Deployment blocked by change request ${id}: requires approval from 2 approvers`,
      "the line for the orchestrator's log",
    );
    const [blocker] = asked.task.blockers;
    equal([blocker.kind, blocker.detail], ["BLOCKER_KIND_APPROVAL", "approval"], "the blocker");
    equal(
      blocker.approval.people.map((it) => it.subject),
      ["alice", "bob", "carol"],
      "people who could approve",
    );

    const job = world.job("deploy-1");
    const { heard, running } = world.startRunner("deploy-1", job);
    const watch = new Tape(
      (token) => world.ci.WatchStatus({ change_requests: [id], resume_token: token, end_when_done: true }),
      { untilOk: true },
    );
    await watch.synced(1);
    await eventually(() => heard.includes("SIGNAL_HOLD"), "HOLD");

    const first = await world.approve(id, "alice");
    equal([first.approvals_counted, first.approvals_missing], [1, 1], "counted and missing");
    equal((await world.approve(id, "alice")).approvals_counted, 1, "approvals after one person approved twice");
    equal(job.runs, 0, "runs before the second approval");
    const second = await world.approve("deploy-1", "bob");
    equal(second.state, "CHANGE_REQUEST_STATE_APPROVED", "the change request");

    const result = await within(running, "the command");
    equal([result.ending, result.exitCode, job.runs], [Ending.RAN, 0, 1], "the runner's result");
    equal(result.task.state, "TASK_STATE_SUCCEEDED", "the task");
    check(!heard.includes("SIGNAL_TERMINATE"), "TERMINATE for a task that ran");

    await watch.ended();
    const states = watch.all("change_requests");
    equal(states[0].tasks[0].state, "TASK_STATE_PAUSED", "the first state on the status stream");
    equal(states.at(-1).tasks[0].state, "TASK_STATE_SUCCEEDED", "the last state on the status stream");
    equal(watch.stretches.length, 1, "connections of a stream that nothing broke");
  },

  async "one rejection ends it: TERMINATE, and the command never runs"(world) {
    await world.ask(deployment("deploy-2", "production"));
    const job = world.job("deploy-2");
    const { heard, running } = world.startRunner("deploy-2", job);
    await eventually(() => heard.includes("SIGNAL_HOLD"), "HOLD");
    await world.approve("deploy-2", "alice");
    const answer = await world.reject("deploy-2", "bob");
    equal(answer.change_request.state, "CHANGE_REQUEST_STATE_REJECTED", "the change request");
    equal(answer.terminated_task_ids, ["deploy-2"], "what the rejection stopped");

    const result = await within(running, "TERMINATE");
    equal([result.ending, heard.at(-1)], [Ending.TERMINATED, "SIGNAL_TERMINATE"], "the runner's result");
    const task = await world.task("deploy-2");
    equal(task.termination_reason, "TERMINATION_REASON_REJECTED", "why it ended");
    equal(job.runs, 0, "runs");
  },

  async "a command that fails, or cannot be run, is reported as FAILED"(world) {
    const none = { command: ["no-such-command"], runs: 1 };
    for (const [id, job, exitCode] of [
      ["failing-1", world.job("failing-1", 3), 3],
      ["failing-2", none, 127],
    ]) {
      await world.ask(deployment(id, "staging"));
      await world.approve(id, "alice");
      const result = await within(world.startRunner(id, job).running, "the report");
      equal([result.exitCode, job.runs, result.task.state], [exitCode, 1, "TASK_STATE_FAILED"], "the result");
    }
  },
};
