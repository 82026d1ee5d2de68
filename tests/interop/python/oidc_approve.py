"""Approves as somebody who signs in at a provider of OpenID Connect, over TLS.

    python oidc_approve.py --address 127.0.0.1:7733 --authority authority.pem \
        --issuer http://127.0.0.1:4000 --user alice --task web-1

Prints one line of JSON: who the gate says that the caller is, the approved change request or why it was refused, and
the token.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path

import grpc
from connection import DEADLINE_SECONDS, Refusal
from countersign.v1 import access_service_pb2_grpc, change_request_service_pb2_grpc
from countersign.v1.access_service_pb2 import WhoAmIRequest
from countersign.v1.change_request_service_pb2 import ApproveRequest
from google.protobuf.json_format import MessageToDict
from oidc_login import login


def connect(address: str, authority: Path, token: str) -> grpc.aio.Channel:
    """The token goes along with every call, and over TLS alone: gRPC refuses to send it in the clear."""
    transport = grpc.ssl_channel_credentials(root_certificates=authority.read_bytes())
    caller = grpc.access_token_call_credentials(token)
    return grpc.aio.secure_channel(address, grpc.composite_channel_credentials(transport, caller))


async def approve(channel: grpc.aio.Channel, task: str) -> dict:
    """The change request as it is then, or the refusal."""
    change_requests = change_request_service_pb2_grpc.ChangeRequestServiceStub(channel)
    request = ApproveRequest(change_request=task, comment="read it")
    try:
        answer = await change_requests.Approve(request, timeout=DEADLINE_SECONDS)
    except grpc.aio.AioRpcError as error:
        refusal = Refusal.of(error)
        return {"refused": {"code": refusal.code.name, "reason": refusal.reason, "metadata": refusal.metadata}}
    return {"approved": MessageToDict(answer.change_request)}


async def run(arguments: argparse.Namespace) -> dict:
    token = login(arguments.issuer, arguments.user).access_token
    async with connect(arguments.address, arguments.authority, token) as channel:
        access = access_service_pb2_grpc.AccessServiceStub(channel)
        who = await access.WhoAmI(WhoAmIRequest(), timeout=DEADLINE_SECONDS)
        told = await approve(channel, arguments.task)
    return {"who": MessageToDict(who), "token": token, **told}


def main() -> None:
    parser = argparse.ArgumentParser(description="Signs a person in and approves; prints what became of it as JSON.")
    parser.add_argument("--address", required=True)
    parser.add_argument("--authority", required=True, type=Path)
    parser.add_argument("--issuer", required=True)
    parser.add_argument("--user", required=True)
    parser.add_argument("--task", required=True)
    print(json.dumps(asyncio.run(run(parser.parse_args()))))


if __name__ == "__main__":
    main()
