"""Connects to the gate with a credential, and reads why a call was refused."""

from __future__ import annotations

from dataclasses import dataclass, field

import grpc
from countersign.v1 import (
    change_request_service_pb2_grpc,
    log_service_pb2_grpc,
    policy_service_pb2_grpc,
    runner_service_pb2_grpc,
    team_service_pb2_grpc,
)
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status

# How long an answer may take. A call without a deadline can wait for ever.
DEADLINE_SECONDS = 10.0

# The gate took nothing on, or cannot say what became of it. Repeating the call is safe, and tells.
TRANSIENT = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
    }
)

# The same, where it was not the gate that said so but the connection that broke.
BROKEN = frozenset({grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.CANCELLED})

# A lost connection is tried again after this long at most; left alone, gRPC waits for up to two minutes.
OPTIONS = (("grpc.initial_reconnect_backoff_ms", 50), ("grpc.max_reconnect_backoff_ms", 2_000))


def _with_credential(details: grpc.aio.ClientCallDetails, bearer: str) -> grpc.aio.ClientCallDetails:
    metadata = grpc.aio.Metadata(*(details.metadata or ()))
    metadata.add("authorization", f"Bearer {bearer}")
    return details._replace(metadata=metadata)


class _CredentialOnCalls(grpc.aio.UnaryUnaryClientInterceptor):
    def __init__(self, bearer: str) -> None:
        self._bearer = bearer

    async def intercept_unary_unary(self, continuation, details, request):
        details = _with_credential(details, self._bearer)
        if details.timeout is None:
            details = details._replace(timeout=DEADLINE_SECONDS)
        return await continuation(details, request)


class _CredentialOnStreams(grpc.aio.UnaryStreamClientInterceptor):
    def __init__(self, bearer: str) -> None:
        self._bearer = bearer

    async def intercept_unary_stream(self, continuation, details, request):
        return await continuation(_with_credential(details, self._bearer), request)


class Connection:
    """One channel with one credential, and the services of the gate on it.

    The channel is plain text, as a server on the same machine may be. Over TLS the interceptors are not needed:
    `grpc.composite_channel_credentials(grpc.ssl_channel_credentials(), grpc.access_token_call_credentials(token))`.
    """

    def __init__(self, address: str, bearer: str | None) -> None:
        interceptors = [_CredentialOnCalls(bearer), _CredentialOnStreams(bearer)] if bearer else []
        self.channel = grpc.aio.insecure_channel(address, options=OPTIONS, interceptors=interceptors)
        self.change_requests = change_request_service_pb2_grpc.ChangeRequestServiceStub(self.channel)
        self.runners = runner_service_pb2_grpc.RunnerServiceStub(self.channel)
        self.policies = policy_service_pb2_grpc.PolicyServiceStub(self.channel)
        self.teams = team_service_pb2_grpc.TeamServiceStub(self.channel)
        self.log = log_service_pb2_grpc.LogServiceStub(self.channel)

    async def reconnected(self) -> None:
        """Waits until the gate answers again after it was away."""
        health = health_pb2_grpc.HealthStub(self.channel)
        while True:
            try:
                # The first one may still go out on the connection that is about to be found dead.
                await health.Check(health_pb2.HealthCheckRequest(), wait_for_ready=True)
                return
            except grpc.aio.AioRpcError as error:
                if not Refusal.of(error).is_transient:
                    raise

    async def close(self) -> None:
        await self.channel.close()


@dataclass(frozen=True)
class Refusal:
    """Why a call ended without an answer. Decide by `code` and `reason`; `message` is for people."""

    code: grpc.StatusCode
    message: str
    domain: str = ""
    # A name of the enum ErrorReason, without its prefix. Empty: the call did not reach the gate.
    reason: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    # The bad fields of an INVALID_ARGUMENT.
    fields: tuple[str, ...] = ()

    @property
    def is_transient(self) -> bool:
        """True: repeat the call. False: the gate has decided."""
        return self.code in TRANSIENT or (self.code in BROKEN and not self.reason)

    @classmethod
    def of(cls, error: grpc.aio.AioRpcError) -> Refusal:
        """Reads the details that the gate packs into `google.rpc.Status`."""
        info = error_details_pb2.ErrorInfo()
        bad_request = error_details_pb2.BadRequest()
        status = rpc_status.from_call(error)
        for detail in status.details if status else ():
            # Unpack answers whether it was this kind of detail, and leaves the message alone if not.
            detail.Unpack(info) or detail.Unpack(bad_request)
        return cls(
            code=error.code(),
            message=error.details() or "",
            domain=info.domain,
            reason=info.reason,
            metadata=dict(info.metadata),
            fields=tuple(violation.field for violation in bad_request.field_violations),
        )
