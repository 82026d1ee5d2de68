"""What the stories check with."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import grpc
from connection import Refusal

T = TypeVar("T")

DOMAIN = "countersign.dev"

# Nothing in the scenario takes longer; whatever does has hung.
LIMIT_SECONDS = 30.0

# How often to look where nobody tells.
LOOK_SECONDS = 0.01


class Failed(Exception):
    """The gate did not do what it promises."""


def check(fact: bool, otherwise: object) -> None:
    """Fails the story with `otherwise` unless the fact holds."""
    if not fact:
        raise Failed(str(otherwise))


def equal(found: object, expected: object, what: str) -> None:
    check(found == expected, f"{what}: found {found!r}, expected {expected!r}")


async def within(awaitable: Awaitable[T], what: str, limit: float = LIMIT_SECONDS) -> T:
    """Waits for something that has to happen, but not for ever."""
    try:
        return await asyncio.wait_for(awaitable, limit)
    except asyncio.TimeoutError:
        raise Failed(f"{what}: did not happen in {limit} s") from None


async def eventually(fact: Callable[[], bool], what: str) -> None:
    """Waits for something that happens outside of this program, which tells nobody."""

    async def look() -> None:
        while not fact():
            await asyncio.sleep(LOOK_SECONDS)

    await within(look(), what)


async def refused(
    call: Awaitable[object],
    code: grpc.StatusCode,
    reason: str,
    rule: str | None = None,
    **metadata: str,
) -> Refusal:
    """The call must be refused with this code and reason, and name the rule and these facts."""
    what = f"{code.name} {reason}"
    try:
        answer = await within(call, what)
    except grpc.aio.AioRpcError as error:
        refusal = Refusal.of(error)
    else:
        raise Failed(f"expected {what}, found an answer: {answer}")
    equal((refusal.code, refusal.reason), (code, reason), f"a refusal ({refusal.message})")
    equal(refusal.domain, DOMAIN, "the domain of ErrorInfo")
    check(refusal.message != "", f"{what} says nothing to people")
    check(refusal.metadata.get("rule"), f"{what} names no rule")
    if rule is not None:
        equal(refusal.metadata["rule"], rule, f"the rule of {what}")
    for key, value in metadata.items():
        equal(refusal.metadata.get(key), value, f"`{key}` of {what}")
    return refusal


async def bad_field(call: Awaitable[object], field: str, rule: str | None = None) -> Refusal:
    """The call must be refused because of this field, in both places where a client may look."""
    refusal = await refused(call, grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", rule, field=field)
    equal(refusal.fields, (field,), "the field violations of BadRequest")
    check(refusal.metadata.get("found"), f"{field}: does not say what was found")
    check(refusal.metadata.get("allowed"), f"{field}: does not say what is allowed")
    return refusal
