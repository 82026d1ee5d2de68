/**
 * The runner's side: waits for a signal, claims the start, and runs a command only if the start is granted.
 *
 * PROCEED is not a start. The one thing that is: an OK of StartTask for one's own claim. Whatever else comes, be it an
 * error, a time-out, a lost connection or a value that this program does not know, means "do not start".
 */

import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { setTimeout as pauseFor } from "node:timers/promises";

import { Refusal } from "./refusal.js";
import { follow } from "./streams.js";

/** How long to wait before a call without a known outcome is repeated. */
const PAUSE_MS = 500;

const STARTED = new Set(["TASK_STATE_RUNNING", "TASK_STATE_SUCCEEDED", "TASK_STATE_FAILED"]);

/** What became of the attempt to run a task. */
export const Ending = Object.freeze({
  RAN: "the start was granted, and the command ran here",
  TERMINATED: "it will never start",
  STARTED_ELSEWHERE: "the start was granted to another claim",
});

/** The gate said what this program does not know; so nothing is started. */
export class NotUnderstood extends Error {}

/** Executes tasks. `heard` is told every signal that arrives. */
export class Runner {
  #gate;
  #heard;

  constructor(connection, heard = () => {}) {
    this.#gate = connection.runners;
    this.#heard = heard;
  }

  /**
   * Waits until the task may start, and runs the command if this attempt is the one that may start it.
   *
   * `artifactDigest` is of what the command would run, as found here; never what the signal says it should be.
   */
  async run(taskId, command, artifactDigest = "") {
    const claimId = randomUUID();
    const ending = await this.#claimWhenCleared(taskId, claimId, artifactDigest);
    if (ending !== Ending.RAN) {
      return { ending };
    }
    const exitCode = await execute(command);
    return { ending, exitCode, task: await this.#finish(taskId, claimId, exitCode) };
  }

  async #claimWhenCleared(taskId, claimId, artifactDigest) {
    const open = (token) => this.#gate.WatchSignals({ task_ids: [taskId], resume_token: token });
    for await (const { signals } of follow(open)) {
      for (const told of signals) {
        this.#heard(told);
        if (told.signal === "SIGNAL_PROCEED") {
          const ending = await this.#claim({
            task_id: taskId,
            generation: told.permit?.generation,
            artifact_digest: artifactDigest,
            claim_id: claimId,
          });
          if (ending !== undefined) {
            return ending;
          }
        } else if (told.signal === "SIGNAL_TERMINATE") {
          return Ending.TERMINATED;
        } else if (STARTED.has(told.state)) {
          return Ending.STARTED_ELSEWHERE;
        }
        // HOLD, and any signal that only a newer server knows: wait for the next one.
      }
    }
    throw new NotUnderstood("the signals ended");
  }

  /** Claims the start. Undefined: not now, wait for the next signal. */
  async #claim(request) {
    for (;;) {
      try {
        const { task } = await this.#gate.StartTask(request);
        if (!isGranted(task, request)) {
          throw new NotUnderstood(`an OK that grants something else: ${JSON.stringify(task)}`);
        }
        return Ending.RAN;
      } catch (error) {
        if (error instanceof NotUnderstood) {
          throw error;
        }
        const refusal = new Refusal(error);
        if (refusal.reason === "START_NOT_NOW") {
          return undefined;
        } else if (refusal.reason === "START_NEVER") {
          return Ending.TERMINATED;
        } else if (refusal.reason === "CLAIM_TAKEN") {
          return Ending.STARTED_ELSEWHERE;
        } else if (!refusal.isTransient) {
          throw error;
        }
      }
      // The start may have been granted and the answer lost; the same claim again tells.
      await pauseFor(PAUSE_MS);
    }
  }

  /** Reports the outcome until the gate has it: nobody else will, and the task stays RUNNING until then. */
  async #finish(taskId, claimId, exitCode) {
    const outcome = exitCode === 0 ? "TASK_OUTCOME_SUCCEEDED" : "TASK_OUTCOME_FAILED";
    const request = { task_id: taskId, claim_id: claimId, outcome, comment: `exit code ${exitCode}` };
    for (;;) {
      try {
        return (await this.#gate.FinishTask(request)).task;
      } catch (error) {
        if (!new Refusal(error).isTransient) {
          throw error;
        }
      }
      await pauseFor(PAUSE_MS);
    }
  }
}

function isGranted(task, request) {
  return (
    task?.id === request.task_id && task.state === "TASK_STATE_RUNNING" && task.start?.claim_id === request.claim_id
  );
}

/** Runs a command to its end; 127, as in a shell, if there is no such command, 1 if a signal ended it. */
async function execute([program, ...args]) {
  const child = spawn(program, args, { stdio: ["ignore", "inherit", "inherit"] });
  try {
    const [code] = await once(child, "exit");
    return code ?? 1;
  } catch {
    return 127;
  }
}
