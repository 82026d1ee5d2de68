/** Refusals: a program decides by code and reason, and finds the facts in the metadata. */

import { equal, first, refused } from "../expect.js";
import { deployment } from "../world.js";

export const stories = {
  async "without a credential, or with one that lacks the role, nothing is answered"(world) {
    const request = { task_id: "deploy-1" };
    await refused(world.as().changeRequests.GetTask(request), "UNAUTHENTICATED", "UNAUTHENTICATED");
    await refused(first(world.as().runners.WatchSignals({})), "UNAUTHENTICATED", "UNAUTHENTICATED");
    const facts = { allowed: "auditor, operator", found: "none" };
    await refused(world.as("alice").log.GetHead({}), "PERMISSION_DENIED", "ROLE_REQUIRED", facts);
  },

  async "strangers, services and the creator do not decide, and the log has nothing of it"(world) {
    const creator = { person: { subject: "carol" } };
    const { change_request: own } = await world.ask(deployment("deploy-3", "production", { creator }));
    const head = await world.head();
    for (const [caller, reason] of [
      ["mallory", "NOT_AN_APPROVER"],
      ["Alice", "NOT_AN_APPROVER"],
      ["orchestrator:ci", "CANNOT_DECIDE"],
      ["runner:web-1", "CANNOT_DECIDE"],
      ["carol", "CREATOR_BLOCKED"],
    ]) {
      const call = world.as(caller).changeRequests.Approve({ change_request: own.id });
      await refused(call, "PERMISSION_DENIED", reason, { rule: "D1" });
    }
    equal(await world.head(), head, "the log after refusals");
  },

  async "what a program has to tell apart has a reason of its own"(world) {
    const { changeRequests } = world.as("alice");
    const other = deployment("deploy-3", "production", { release: "1.4.3" });
    await refused(world.ask(other), "ALREADY_EXISTS", "TASK_ID_TAKEN", { rule: "C2", task: "deploy-3" });
    const stale = { change_request: "deploy-3", etag: "what somebody else saw" };
    await refused(changeRequests.Approve(stale), "ABORTED", "ETAG_MISMATCH", { named: stale.etag });
    await refused(world.approve("deploy-2", "carol"), "FAILED_PRECONDITION", "CHANGE_REQUEST_ENDED", {
      found: "REJECTED",
    });
    const missing = { kind: "task", id: "no-such" };
    await refused(world.ci.GetTask({ task_id: "no-such" }), "NOT_FOUND", "NOT_FOUND", missing);
    const stream = world.web1.WatchSignals({ task_ids: ["no-such"] });
    await refused(first(stream), "NOT_FOUND", "NOT_FOUND", missing);
  },

  async "a start is refused with not now, never, or taken"(world) {
    const claim = (task, generation, id) =>
      world.web1.StartTask({ task_id: task, generation, claim_id: id });
    const held = { found: "HELD", waiting_for: "approval" };
    await refused(claim("deploy-3", 1, "early"), "FAILED_PRECONDITION", "START_NOT_NOW", held);
    await refused(claim("deploy-2", 1, "late"), "FAILED_PRECONDITION", "START_NEVER", { found: "TERMINATED" });

    await world.ask(deployment("claim-1", "staging"));
    await world.approve("claim-1", "alice");
    const stale = { found: "STALE_GENERATION", named_generation: "2", generation: "1" };
    await refused(claim("claim-1", 2, "ahead"), "FAILED_PRECONDITION", "START_NOT_NOW", stale);
    const claims = Array.from({ length: 16 }, (_, number) => claim("claim-1", 1, `claim ${number}`));
    const results = await Promise.allSettled(claims);
    const lost = results.filter((it) => it.status === "rejected");
    equal(lost.length, 15, "claims that were refused");
    for (const { reason } of lost) {
      await refused(Promise.reject(reason), "ALREADY_EXISTS", "CLAIM_TAKEN", { rule: "P3", task: "claim-1" });
    }
  },

  async "a bad field is named in both places where a client may look"(world) {
    for (const [field, task] of [
      ["task.id", deployment("", "production")],
      ["task.kind", deployment("bad", "production", { kind: 99 })],
      ["task.environment", deployment("bad", "e".repeat(201))],
    ]) {
      const refusal = await refused(world.ask(task), "INVALID_ARGUMENT", "INVALID_FIELD", { field });
      equal(refusal.fields, [field], "the field violations of BadRequest");
    }
  },
};
