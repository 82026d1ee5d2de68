"""Before the first call: health, reflection, credentials."""

from __future__ import annotations

import grpc
from countersign.v1.change_request_service_pb2 import GetTaskRequest
from countersign.v1.log_service_pb2 import GetHeadRequest
from countersign.v1.team_service_pb2 import CreateTeamRequest, Team
from expect import check, equal, refused, within
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionRequest, ServerReflectionResponse
from world import World

SERVICES = frozenset(
    f"countersign.v1.{name}"
    for name in ("ChangeRequestService", "RunnerService", "PolicyService", "TeamService", "LogService")
)


async def healthy(world: World) -> None:
    """health says SERVING"""
    health = health_pb2_grpc.HealthStub(world.as_(None).channel)
    answer = await health.Check(health_pb2.HealthCheckRequest(), timeout=10)
    equal(answer.status, health_pb2.HealthCheckResponse.SERVING, "health")


async def reflection(world: World) -> None:
    """reflection v1 and v1alpha list the services, and show their methods"""
    for version in ("v1", "v1alpha"):
        # The messages of both versions are the same on the wire.
        call = world.as_(None).channel.stream_stream(
            f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
            request_serializer=ServerReflectionRequest.SerializeToString,
            response_deserializer=ServerReflectionResponse.FromString,
        )
        asked = [
            ServerReflectionRequest(list_services="*"),
            ServerReflectionRequest(file_containing_symbol="countersign.v1.RunnerService"),
        ]
        stream = call(iter(asked))
        listed = await within(stream.read(), f"the list of services from {version}")
        names = {service.name for service in listed.list_services_response.service}
        check(SERVICES <= names, f"{version} does not list {sorted(SERVICES - names)}")

        shown = await within(stream.read(), f"a file from {version}")
        files = [FileDescriptorProto.FromString(it) for it in shown.file_descriptor_response.file_descriptor_proto]
        methods = {
            method.name
            for file in files
            for service in file.service
            if service.name == "RunnerService"
            for method in service.method
        }
        equal(methods, {"WatchSignals", "StartTask", "FinishTask"}, f"methods that {version} shows")
        stream.cancel()


async def credentials(world: World) -> None:
    """without a credential, or with one that lacks the role, nothing is answered"""
    nobody, alice = world.as_(None), world.as_("alice")
    request = GetTaskRequest(task_id="any")
    await refused(
        nobody.change_requests.GetTask(request, timeout=10), grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED"
    )
    denied = grpc.StatusCode.PERMISSION_DENIED, "ROLE_REQUIRED"
    await refused(alice.log.GetHead(GetHeadRequest()), *denied)
    await refused(alice.teams.CreateTeam(CreateTeamRequest(team=Team(id="mine"))), *denied)


STORIES = (healthy, reflection, credentials)
