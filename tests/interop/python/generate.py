"""Generates the Python stubs of the API from its proto files.

usage: generate.py OUT [PROTO]

OUT is a directory that then goes into PYTHONPATH; PROTO is the directory with the proto files, by default the one
of this repository. The stubs are made anew wherever they are needed and kept nowhere: they fit the installed
grpcio, and the proto files stay the only thing that two programs have to agree on.
"""

import sys
from importlib import resources
from pathlib import Path

from grpc_tools import protoc

PROTO = Path(__file__).resolve().parents[3] / "proto"


def generate(out: Path, proto: Path = PROTO) -> None:
    """Writes a module for every proto file into `out`, with a `.pyi` beside it for editors and type checkers."""
    out.mkdir(parents=True, exist_ok=True)
    # The well-known types (timestamps and the like) come with grpcio-tools.
    well_known = resources.files("grpc_tools") / "_proto"
    files = sorted(str(file.relative_to(proto)) for file in proto.rglob("*.proto"))
    if not files:
        raise SystemExit(f"generate.py: no proto file in {proto}")
    arguments = [
        "protoc",
        f"--proto_path={proto}",
        f"--proto_path={well_known}",
        f"--python_out={out}",
        f"--pyi_out={out}",
        f"--grpc_python_out={out}",
        *files,
    ]
    if protoc.main(arguments) != 0:
        raise SystemExit("generate.py: protoc refused the proto files; what it said stands above")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        raise SystemExit(__doc__)
    generate(*map(Path, sys.argv[1:]))
