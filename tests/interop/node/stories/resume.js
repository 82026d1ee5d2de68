/** Streams that are interrupted in the middle go on where they were. */

import { check, equal, eventually } from "../expect.js";
import { entries } from "../journal.js";
import { Stage } from "../stage.js";
import { Tape } from "../tape.js";

/** What can happen to a stream, with a story that goes on while the client is away. */
const INTERRUPTIONS = {
  async cut(_, relay, meanwhile) {
    relay.cut();
    await meanwhile();
    relay.mend();
  },

  async restart(world, relay, meanwhile) {
    // The client cannot come back before the story wants it to; what breaks its streams is the server's death.
    relay.close();
    await world.harness.kill();
    await world.startAgain();
    await meanwhile();
    relay.mend();
  },
};

/** Up to `synced`: the signal of each task. */
const signals = (stage, stretch) =>
  stage.byTask(stretch.snapshot("signals"), (it) => it.task_id, (it) => it.signal);

/** Up to `synced`: the state of each task. */
const states = (stage, stretch) =>
  stage.byTask(stretch.snapshot("change_requests"), (it) => it.tasks[0].id, (it) => it.tasks[0].state);

/** What a reader is told about one thing never goes back. */
function inOrder(told, name) {
  const newest = new Map();
  for (const it of told) {
    const sequence = BigInt(it.sequence);
    check(sequence >= (newest.get(name(it)) ?? 0n), `${name(it)} went back to ${sequence}`);
    newest.set(name(it), sequence);
  }
}

async function signalsResume(world, kind) {
  const stage = await Stage.setUp(world, `signals-${kind}`);
  await stage.ask("held", "cleared", "approved", "rejected");
  await stage.approve("cleared");
  const before = {
    held: "SIGNAL_HOLD",
    cleared: "SIGNAL_PROCEED",
    approved: "SIGNAL_HOLD",
    rejected: "SIGNAL_HOLD",
  };
  const ids = Object.keys(before).map((it) => stage.id(it));
  const byName = new Tape((token) => stage.web.runners.WatchSignals({ task_ids: ids, resume_token: token }));
  const byRunner = new Tape((token) => stage.web.runners.WatchSignals({ resume_token: token }));
  for (const tape of [byName, byRunner]) {
    equal(signals(stage, await tape.synced(1)), before, "signals");
  }
  await INTERRUPTIONS[kind](world, stage.relay, async () => {
    await stage.approve("approved");
    await stage.reject("rejected");
  });
  const after = { ...before, approved: "SIGNAL_PROCEED", rejected: "SIGNAL_TERMINATE" };
  for (const tape of [byName, byRunner]) {
    equal(signals(stage, await tape.resumed()), after, "signals, again");
  }

  await stage.approve("held");
  for (const tape of [byName, byRunner]) {
    const isNext = (it) => it.task_id === stage.id("held") && it.signal === "SIGNAL_PROCEED";
    await tape.until(() => tape.all("signals").some(isNext), "the next signal");
    equal(tape.stretches.length, 2, "connections that signals came on");
    inOrder(tape.all("signals"), (it) => it.task_id);
  }
  stage.end();
}

async function statusResumes(world, kind) {
  const stage = await Stage.setUp(world, `status-${kind}`);
  await stage.ask("held", "approved", "rejected", "running");
  await stage.approve("running");
  await stage.start("running");
  const before = {
    held: "TASK_STATE_PAUSED",
    approved: "TASK_STATE_PAUSED",
    rejected: "TASK_STATE_PAUSED",
    running: "TASK_STATE_RUNNING",
  };
  const watch = (which, options) =>
    new Tape((token) => stage.ci.changeRequests.WatchStatus({ ...which, resume_token: token }), options);
  const named = (...tasks) => ({ change_requests: tasks.map((it) => stage.id(it)) });
  const byName = watch(named(...Object.keys(before)));
  const byEnvironment = watch({ project: "web", environment: stage.name });
  const toItsEnd = watch({ ...named("rejected", "running"), end_when_done: true }, { untilOk: true });
  for (const tape of [byName, byEnvironment]) {
    equal(states(stage, await tape.synced(1)), before, "states");
  }
  await toItsEnd.synced(1);

  await INTERRUPTIONS[kind](world, stage.relay, async () => {
    await stage.approve("approved");
    await stage.reject("rejected");
  });
  const changed = { approved: "TASK_STATE_CLEARED", rejected: "TASK_STATE_TERMINATED" };
  equal(states(stage, await byName.resumed()), { ...before, ...changed }, "states by name, again");
  const [first] = byEnvironment.stretches;
  for (const it of first.all("change_requests")) {
    // What is newer than the token counts as changed, though it has been sent.
    if (BigInt(it.sequence) > first.position) {
      const name = it.tasks[0].id.slice(stage.name.length + 1);
      changed[name] ??= before[name];
    }
  }
  equal(states(stage, await byEnvironment.resumed()), changed, "states that changed meanwhile");

  await toItsEnd.resumed();
  await stage.finish("running");
  await toItsEnd.ended();
  equal(toItsEnd.stretches.length, 2, "connections that states came on");
  const last = Object.fromEntries(toItsEnd.all("change_requests").map((it) => [it.tasks[0].id, it.tasks[0].state]));
  const ends = { [stage.id("rejected")]: changed.rejected, [stage.id("running")]: "TASK_STATE_SUCCEEDED" };
  equal(last, ends, "the last states on the stream that ended");
  inOrder(byName.all("change_requests"), (it) => it.id);
  stage.end();
}

async function logResumes(world, kind) {
  const stage = await Stage.setUp(world, `log-${kind}`);
  const open = (token) => stage.auditor.log.WatchLog(token ? { resume_token: token } : {});
  const found = [];
  const reading = (async () => {
    for await (const entry of entries(open)) {
      found.push(entry);
    }
  })();
  // A broken chain shows in the story, not as an error that nobody caught.
  let broken;
  reading.catch((error) => (broken = error));
  const caughtUp = async () => {
    const head = await world.head();
    await eventually(() => broken || found.length >= head, "the end of the log");
    if (broken) {
      throw broken;
    }
    return head;
  };
  const tape = new Tape(open);
  const first = await tape.synced(1);
  // So that more has come than the newest mark tells.
  await stage.ask("before");
  const middle = await caughtUp();
  await tape.until(() => newest(first) === middle, "entries after the mark");

  await INTERRUPTIONS[kind](world, stage.relay, () => stage.ask("one", "two", "three"));
  const second = await tape.resumed();
  const head = await caughtUp();
  await tape.until(() => newest(second) === head, "the newest entry");
  const expected = Array.from({ length: head - Number(first.position) }, (_, it) => Number(first.position) + 1 + it);
  equal(second.all("entries").map((it) => Number(it.sequence)), expected, "what came on the second connection");
  check(expected.length >= 6, "nothing was written while the client was away");
  equal(found.length, head, "entries that a client had, each once");
  equal(found.at(-1).hash, (await world.log.GetHead({})).hash, "the hash that the chain ends with");
  stage.end();
}

const newest = (stretch) => Number(stretch.all("entries").at(-1)?.sequence ?? 0);


const SAID = { cut: "a cut connection", restart: "a restart of the server" };

export const stories = Object.fromEntries(
  Object.keys(INTERRUPTIONS).flatMap((kind) => [
    [`over ${SAID[kind]}: the present signal of each task comes again, then newer ones`, (it) => signalsResume(it, kind)],
    [`over ${SAID[kind]}: the status goes on, and a watch that is to end does`, (it) => statusResumes(it, kind)],
    [`over ${SAID[kind]}: the log goes on, nothing missed and nothing twice`, (it) => logResumes(it, kind)],
  ]),
);
