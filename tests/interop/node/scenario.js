/**
 * Plays the stories of a gate against a real server: prints a line for each, and ends at the first that fails.
 *
 *     node scenario.js PROTO ADDRESS CONTROL
 *
 * PROTO is the directory with the proto files, and nothing here knows more of the gate than they say. ADDRESS is of an
 * empty `countersign serve --insecure-dev`; CONTROL is where it can be killed and started again, as
 * `tests/interop/control.rs` offers.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { loadApi } from "./api.js";
import { Failed } from "./expect.js";
import { Harness } from "./harness.js";
import { Refusal } from "./refusal.js";
import * as approval from "./stories/approval.js";
import * as doubts from "./stories/doubts.js";
import * as refusals from "./stories/refusals.js";
import * as restarts from "./stories/restarts.js";
import * as resume from "./stories/resume.js";
import { World } from "./world.js";

/** Name and story, in order: a story may need what those before it left. */
const STORIES = [approval, refusals, restarts, resume, doubts].flatMap((it) => Object.entries(it.stories));

/** True if every story went as it has to. */
async function play(proto, address, control) {
  const scratch = mkdtempSync(join(tmpdir(), "countersign-interop-"));
  const world = new World(loadApi(proto), address, new Harness(control), scratch);
  try {
    for (const [name, story] of STORIES) {
      try {
        await story(world);
      } catch (error) {
        console.log(`FAILED  ${name}\n        ${explain(error)}`);
        return false;
      }
      console.log(`ok      ${name}`);
    }
  } finally {
    world.close();
    rmSync(scratch, { recursive: true });
  }
  console.log(`${STORIES.length} stories`);
  return true;
}

/** What a reader needs to find the fault. */
function explain(error) {
  if (error instanceof Failed || error.code === undefined) {
    return error.stack;
  }
  return `refused: ${error.path} ${new Refusal(error)}\n${error.stack}`;
}

const args = process.argv.slice(2);
if (args.length !== 3) {
  console.error("usage: node scenario.js PROTO ADDRESS CONTROL");
  process.exit(2);
}
// What a failed story left open must not keep the program.
process.exit((await play(...args)) ? 0 : 1);
