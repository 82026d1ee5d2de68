"""Who must approve: teams and policies, and how policies merge."""

from __future__ import annotations

import grpc
from countersign.v1.policy_pb2 import Approvers, Policy, Scope, ScopeSide
from countersign.v1.policy_service_pb2 import CreatePolicyRequest, GetPolicyRequest, UpdatePolicyRequest
from countersign.v1.team_service_pb2 import CreateTeamRequest, Team
from expect import bad_field, check, equal, refused
from google.protobuf.field_mask_pb2 import FieldMask
from world import World, deployment, person

FOUR_EYES = Policy(
    id="prod-four-eyes",
    name="Production needs four eyes",
    scopes=[Scope(projects=ScopeSide(ids=["web"]), environments=ScopeSide(ids=["production"]))],
    approvers=Approvers(users=[person("alice")], teams=["release-managers"]),
    minimum_approvals=2,
    block_creator=True,
)

CRITICAL = Policy(
    id="critical-projects",
    scopes=[Scope(projects=ScopeSide(tags=["tier/critical"]), environments=ScopeSide(ids=["*"]))],
    approvers=Approvers(users=[person("dave")]),
    minimum_approvals=1,
)

STAGING = Policy(
    id="staging",
    scopes=[Scope(projects=ScopeSide(ids=["web"]), environments=ScopeSide(ids=["staging"]))],
    approvers=Approvers(users=[person("alice")]),
    minimum_approvals=1,
)


async def team(world: World) -> None:
    """a team is created; its id is then taken"""
    members = [person("bob"), person("carol")]
    request = CreateTeamRequest(team=Team(id="release-managers", name="Release managers", members=members))
    answer = await world.admin.teams.CreateTeam(request)
    equal(answer.team.revision, 1, "the revision of a new team")
    equal({it.issuer for it in answer.team.members}, {"local"}, "the issuer that the server fills in")
    again = CreateTeamRequest(team=Team(id="release-managers"))
    await refused(
        world.admin.teams.CreateTeam(again),
        grpc.StatusCode.ALREADY_EXISTS,
        "TEAM_ID_TAKEN",
        "M1",
        team="release-managers",
    )


async def policies(world: World) -> None:
    """policies are created; a repeat with the same request id has one effect"""
    for policy in (FOUR_EYES, CRITICAL, STAGING):
        request = CreatePolicyRequest(policy=policy, request_id=f"create {policy.id}")
        first = await world.admin.policies.CreatePolicy(request)
        equal(first.policy.revision, 1, "the revision of a new policy")
        head = await world.head()
        again = await world.admin.policies.CreatePolicy(request)
        equal(again.policy.etag, first.policy.etag, "the policy after a repeat")
        equal(await world.head(), head, "the log after a repeat")


async def bad_policies(world: World) -> None:
    """a policy that would open the gate by an omission is refused, and names the field"""

    def create(**fields: object):
        policy = Policy(id="careless", approvers=FOUR_EYES.approvers, **fields)
        return world.admin.policies.CreatePolicy(CreatePolicyRequest(policy=policy))

    head = await world.head()
    await bad_field(create(scopes=FOUR_EYES.scopes), "policy.minimum_approvals", "M5")
    half = Scope(projects=ScopeSide(ids=["web"]), environments=ScopeSide())
    await bad_field(create(scopes=[half], minimum_approvals=1), "policy.scopes[0].environments", "M2")
    equal(await world.head(), head, "the log after refusals")


async def merged(world: World) -> None:
    """two policies merge: approvers are the union, the minimum is the highest"""
    head = await world.head()
    task = deployment("preview", project_tags=["tier/critical"])
    found = (await world.orchestrator.preview(task)).change_request
    equal(found.id, "", "the number of a preview")
    resultant = found.resultant_policy
    equal([it.id for it in resultant.policies], ["critical-projects", "prod-four-eyes"], "matched policies")
    equal(resultant.minimum_approvals, 2, "the merged minimum")
    check(resultant.block_creator, "the merged creator block is lost")
    named = {it.team or it.user.subject: list(it.policies) for it in resultant.approvers}
    equal(
        named,
        {
            "alice": ["prod-four-eyes"],
            "release-managers": ["prod-four-eyes"],
            "dave": ["critical-projects"],
        },
        "approvers, with the policies that brought them",
    )
    equal(await world.head(), head, "the log after a preview")


async def policy_etag(world: World) -> None:
    """a policy that changed since it was read is not overwritten"""
    read = (await world.admin.policies.GetPolicy(GetPolicyRequest(policy_id="staging"))).policy
    mask = FieldMask(paths=["description"])

    def update(description: str):
        policy = Policy(id="staging", description=description)
        return world.admin.policies.UpdatePolicy(
            UpdatePolicyRequest(policy=policy, update_mask=mask, etag=read.etag)
        )

    kept = (await update("One pair of eyes")).policy
    equal((kept.revision, kept.minimum_approvals), (2, 1), "revision and minimum after the edit")
    aborted = grpc.StatusCode.ABORTED, "ETAG_MISMATCH"
    await refused(update("Nobody saw the edit before"), *aborted, named=read.etag, found=kept.etag)


STORIES = (team, policies, bad_policies, merged, policy_etag)
