/** What the stories check with. */

import { setTimeout as pauseFor } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";

import { status } from "@grpc/grpc-js";

import { Refusal } from "./refusal.js";

const DOMAIN = "countersign.dev";

/** Nothing in the scenario takes longer; whatever does has hung. */
const LIMIT_MS = 30_000;

/** How often to look where nobody tells. */
const LOOK_MS = 10;

/** The gate did not do what it promises. */
export class Failed extends Error {}

/** Fails the story with `otherwise` unless the fact holds. */
export function check(fact, otherwise) {
  if (!fact) {
    throw new Failed(otherwise);
  }
}

export function equal(found, expected, what) {
  if (!isDeepStrictEqual(found, expected)) {
    throw new Failed(`${what}: found ${JSON.stringify(found)}, expected ${JSON.stringify(expected)}`);
  }
}

/** Waits for something that has to happen, but not for ever. */
export async function within(promise, what) {
  const abort = new AbortController();
  const limit = pauseFor(LIMIT_MS, undefined, { signal: abort.signal }).then(() => {
    throw new Failed(`${what}: did not happen in ${LIMIT_MS} ms`);
  });
  // Aborted when the other one was first, which is nobody's failure.
  limit.catch(() => {});
  try {
    return await Promise.race([promise, limit]);
  } finally {
    abort.abort();
  }
}

/** Waits for a fact that nobody tells. */
export async function eventually(fact, what) {
  const until = Date.now() + LIMIT_MS;
  while (!(await fact())) {
    check(Date.now() < until, `${what}: did not happen in ${LIMIT_MS} ms`);
    await pauseFor(LOOK_MS);
  }
}

/** The call must be refused with this code and reason, and name the rule and these facts. */
export async function refused(call, code, reason, facts = {}) {
  const what = `${code} ${reason}`;
  let answer;
  try {
    answer = await within(call, what);
  } catch (error) {
    if (error instanceof Failed) {
      throw error;
    }
    const refusal = new Refusal(error);
    equal([status[refusal.code], refusal.reason], [code, reason], `a refusal (${refusal.message})`);
    equal(refusal.domain, DOMAIN, "the domain of ErrorInfo");
    check(refusal.message !== "", `${what} says nothing to people`);
    check(refusal.metadata.rule, `${what} names no rule`);
    for (const [key, value] of Object.entries(facts)) {
      equal(refusal.metadata[key], value, `\`${key}\` of ${what}`);
    }
    return refusal;
  }
  throw new Failed(`expected ${what}, found an answer: ${JSON.stringify(answer)}`);
}

/** The first message of a stream, or the error it ends with; for streams that are to be refused. */
export async function first(call) {
  try {
    const { value } = await call[Symbol.asyncIterator]().next();
    return value;
  } finally {
    call.cancel();
  }
}
