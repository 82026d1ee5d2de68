"""Whatever a runner does not know means "do not start": values of a newer gate, odd answers, errors of all kinds."""

from __future__ import annotations

import grpc
from connection import TRANSIENT, Connection
from countersign.v1.runner_service_pb2 import StartTaskRequest, StartTaskResponse, TaskSignal
from countersign.v1.task_pb2 import (
    SIGNAL_HOLD,
    SIGNAL_PROCEED,
    SIGNAL_TERMINATE,
    TASK_STATE_CLEARED,
    TASK_STATE_PAUSED,
    TASK_STATE_RUNNING,
    TASK_STATE_TERMINATED,
    Permit,
    Task,
    TaskStart,
)
from expect import check, equal, within
from impostor import Answer, Impostor, refuse
from runner import Ending, NotUnderstood, Result, Runner
from world import World

UNKNOWN = 99
CODE = grpc.StatusCode

PROCEED = TaskSignal(
    task_id="doubt", signal=SIGNAL_PROCEED, state=TASK_STATE_CLEARED, permit=Permit(generation=1)
)
TERMINATE = TaskSignal(task_id="doubt", signal=SIGNAL_TERMINATE, state=TASK_STATE_TERMINATED)
NEVER = refuse(CODE.FAILED_PRECONDITION, "START_NEVER")


async def attempt(world: World, gate: Impostor, name: str) -> tuple[Result | Exception, int]:
    """How an attempt ends at this gate, and how often the command ran."""
    connection = Connection(gate.address, "runner:web-1")
    job = world.job(f"doubt-{name}")
    try:
        ending = await within(Runner(connection).run("doubt", job.command), name)
    except (grpc.aio.AioRpcError, NotUnderstood) as error:
        ending = error
    finally:
        await connection.close()
    return ending, job.runs


def grant(request: StartTaskRequest, **other: object) -> StartTaskResponse:
    """What a gate answers to a claim that it grants, with what is other than that."""
    start = TaskStart(claim_id=request.claim_id, generation=request.generation)
    fields = {"id": request.task_id, "state": TASK_STATE_RUNNING, "start": start}
    return StartTaskResponse(task=Task(**(fields | other)))


async def control(world: World) -> None:
    """the control of the stories below: at a gate that grants the claim, the command runs"""
    async with Impostor([PROCEED], [grant]) as gate:
        ending, runs = await attempt(world, gate, "control")
        equal((ending.ending, runs, len(gate.claims)), (Ending.RAN, 1, 1), "the runner")


async def unknown_signals(world: World) -> None:
    """a signal or a state that the runner does not know is waited through, without a claim"""
    strange = [
        TaskSignal(task_id="doubt", signal=UNKNOWN, state=TASK_STATE_CLEARED, permit=Permit(generation=1)),
        TaskSignal(task_id="doubt", signal=SIGNAL_HOLD, state=UNKNOWN),
        TaskSignal(task_id="doubt", state=UNKNOWN, permit=Permit(generation=1)),
        TaskSignal(task_id="doubt", signal=UNKNOWN, state=TASK_STATE_PAUSED),
    ]
    async with Impostor([*strange, TERMINATE]) as gate:
        ending, runs = await attempt(world, gate, "signals")
        equal((ending.ending, runs, gate.claims), (Ending.TERMINATED, 0, []), "the runner")


async def odd_grants(world: World) -> None:
    """an OK that grants another task, another claim, or no start is no grant"""
    odd: dict[str, Answer] = {
        "empty": lambda _: StartTaskResponse(),
        "another task": lambda it: grant(it, id="another"),
        "another claim": lambda it: grant(it, start=TaskStart(claim_id="another")),
        "not running": lambda it: grant(it, state=TASK_STATE_CLEARED),
        "unknown state": lambda it: grant(it, state=UNKNOWN),
    }
    for name, answer in odd.items():
        async with Impostor([PROCEED], [answer]) as gate:
            ending, runs = await attempt(world, gate, name)
            check(isinstance(ending, NotUnderstood), f"{name}: {ending}")
            equal((runs, len(gate.claims)), (0, 1), f"runs and claims: {name}")


async def errors(world: World) -> None:
    """no error starts anything, and only one that may pass is followed by the same claim again"""
    reasons = {CODE.FAILED_PRECONDITION: "OF_A_NEWER_GATE", CODE.INTERNAL: "INTERNAL", CODE.UNKNOWN: "OF_A_NEWER_GATE"}
    for code in CODE:
        if code is CODE.OK:
            continue
        first = refuse(code, reasons.get(code, ""))
        async with Impostor([PROCEED], [lambda _, first=first: first, lambda _: NEVER]) as gate:
            ending, runs = await attempt(world, gate, code.name)
            equal(runs, 0, f"runs after {code.name}")
            claims = {it.claim_id for it in gate.claims}
            equal(len(claims), 1, f"claims after {code.name}")
            if code in TRANSIENT or code is CODE.CANCELLED:
                equal((ending.ending, len(gate.claims)), (Ending.TERMINATED, 2), f"a repeat after {code.name}")
            else:
                check(isinstance(ending, grpc.aio.AioRpcError), f"{code.name}: {ending}")
                equal(len(gate.claims), 1, f"claims after {code.name}")


STORIES = (control, unknown_signals, odd_grants, errors)
