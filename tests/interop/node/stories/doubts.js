/** Whatever a runner does not know means "do not start": values of a newer gate, odd answers, errors of all kinds. */

import { status } from "@grpc/grpc-js";

import { Connection } from "../connection.js";
import { check, equal, within } from "../expect.js";
import { grant, Impostor, refusal } from "../impostor.js";
import { Refusal, TRANSIENT } from "../refusal.js";
import { Ending, NotUnderstood, Runner } from "../runner.js";
import { RUNNER } from "../world.js";

const UNKNOWN = 99;

const permit = { generation: "1" };
const PROCEED = { task_id: "doubt", signal: "SIGNAL_PROCEED", state: "TASK_STATE_CLEARED", permit };
const TERMINATE = { task_id: "doubt", signal: "SIGNAL_TERMINATE", state: "TASK_STATE_TERMINATED" };

/** How an attempt ends at a gate that sends these signals and answers: its result or error, with runs and claims. */
async function attempt(world, name, signals, answers) {
  const gate = await Impostor.start(world.api, signals, answers);
  const connection = new Connection(world.api, gate.address, `runner:${RUNNER}`);
  const job = world.job(`doubt-${name}`);
  let ending;
  try {
    ({ ending } = await within(new Runner(connection).run("doubt", job.command), name));
  } catch (error) {
    ending = error;
  }
  connection.close();
  gate.end();
  return { ending, runs: job.runs, claims: gate.claims };
}

export const stories = {
  async "the control of those below: at a gate that grants the claim, the command runs"(world) {
    const { ending, runs, claims } = await attempt(world, "control", [PROCEED], [grant]);
    equal([ending, runs, claims.length], [Ending.RAN, 1, 1], "the runner");
  },

  async "a signal or a state that the runner does not know is waited through, without a claim"(world) {
    const strange = [
      { task_id: "doubt", signal: UNKNOWN, state: "TASK_STATE_CLEARED", permit },
      { task_id: "doubt", signal: "SIGNAL_HOLD", state: UNKNOWN },
      { task_id: "doubt", state: UNKNOWN, permit },
    ];
    const { ending, runs, claims } = await attempt(world, "signals", [...strange, TERMINATE]);
    equal([ending, runs, claims], [Ending.TERMINATED, 0, []], "the runner");
  },

  async "an OK that grants another task, another claim, or no start is no grant"(world) {
    const odd = {
      empty: () => ({}),
      "another task": (it) => grant(it, { id: "another" }),
      "another claim": (it) => grant(it, { start: { claim_id: "another" } }),
      "not running": (it) => grant(it, { state: "TASK_STATE_CLEARED" }),
      "unknown state": (it) => grant(it, { state: UNKNOWN }),
    };
    for (const [name, answer] of Object.entries(odd)) {
      const { ending, runs, claims } = await attempt(world, name, [PROCEED], [answer]);
      check(ending instanceof NotUnderstood, `${name}: ${ending}`);
      equal([runs, claims.length], [0, 1], `runs and claims: ${name}`);
    }
  },

  async "no error starts anything, and only one that may pass is followed by the same claim again"(world) {
    const reasons = {
      [status.FAILED_PRECONDITION]: "OF_A_NEWER_GATE",
      [status.INTERNAL]: "INTERNAL",
      [status.UNKNOWN]: "OF_A_NEWER_GATE",
    };
    const never = refusal(status.FAILED_PRECONDITION, "START_NEVER");
    const codes = Object.values(status).filter((it) => typeof it === "number" && it !== status.OK);
    equal(codes.length, 16, "codes of errors");
    for (const code of codes) {
      const name = status[code];
      const answers = [() => refusal(code, reasons[code]), () => never];
      const { ending, runs, claims } = await attempt(world, name, [PROCEED], answers);
      equal([runs, new Set(claims.map((it) => it.claim_id)).size], [0, 1], `runs and claims after ${name}`);
      if (TRANSIENT.has(code) || code === status.CANCELLED) {
        equal([ending, claims.length], [Ending.TERMINATED, 2], `a repeat after ${name}`);
      } else {
        equal(claims.length, 1, `claims after ${name}`);
        equal([ending.code, new Refusal(ending).reason], [code, reasons[code] ?? ""], "why the runner gave up");
      }
    }
  },
};
