"""A Python that is warm: one process has imported what every module imports, and runs each script in a fork of itself.

Ansible starts a Python for each task, which compiles Ansible's files and ours anew, as they come in an archive: half a
second of CPU a task. The examples of all modules are some eight hundred tasks. What is in the archive, and that it is
complete, is seen by the integration tests, which run modules the usual way.

``python warm_python.py SOCKET`` serves; the file that :func:`interpreter` writes is what Ansible is told to run.
"""

from __future__ import annotations

import array
import importlib
import json
import os
import pkgutil
import runpy
import signal
import socket
import stat
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

PRELOADED = ("ansible.module_utils.basic", "ansible.module_utils._internal._ansiballz._loader", "requests", "proxmoxer")
OURS = "ansible_collections.homelab.pve.plugins.module_utils"
SIZE = 1 << 20

CLIENT = """\
#!{python} -IS
import array, json, os, socket, sys
server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
server.connect({address!r})
call = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
server.sendmsg([call], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0, 1, 2]))])
sys.exit(int(server.recv(16) or b"1"))
"""


def preload() -> None:
    """Import what modules import. What can't be imported here will say so in the module that needs it."""
    package = importlib.import_module(OURS)
    ours = [item.name for item in pkgutil.walk_packages(package.__path__, f"{OURS}.")]
    for name in (*PRELOADED, *ours):
        importlib.import_module(name)


def serve(address: str) -> None:
    """Run one script after the other as they come, each in a process of its own."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as door:
        door.bind(address)
        preload()
        door.listen(16)
        print("ready", flush=True)
        while True:
            caller, _ = door.accept()
            if os.fork() == 0:
                door.close()
                os._exit(answer(caller))
            caller.close()


def answer(caller: socket.socket) -> int:
    """Run the caller's script with its files, directory and environment; tell its exit code."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    message, ancillary, _, _ = caller.recvmsg(SIZE, socket.CMSG_SPACE(3 * array.array("i").itemsize))
    ((_, _, descriptors),) = ancillary
    for number, descriptor in enumerate(array.array("i", descriptors[: 3 * array.array("i").itemsize])):
        os.dup2(descriptor, number)
    arguments, directory, environment = json.loads(message)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(directory)
    code = run(arguments)
    sys.stdout.flush()
    sys.stderr.flush()
    caller.send(str(code).encode())
    return code


def run(arguments: list[str]) -> int:
    """The exit code of a script that is run here."""
    sys.argv = arguments
    try:
        runpy.run_path(arguments[0], run_name="__main__")
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


@contextmanager
def interpreter(folder: Path, inside: Callable[[list[str]], list[str]] = list) -> Iterator[Path]:
    """The path of an interpreter that is warm as long as the block runs; ``inside`` puts what starts it before it."""
    address, client = folder / "warm", folder / "python"
    client.write_text(CLIENT.format(python=sys.executable, address=str(address)), encoding="utf-8")
    client.chmod(client.stat().st_mode | stat.S_IXUSR)
    command = inside([sys.executable, __file__, str(address)])
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            if not server.stdout or server.stdout.readline() != "ready\n":
                raise RuntimeError("the warm Python did not start")
            yield client
        finally:
            server.terminate()


if __name__ == "__main__":
    serve(sys.argv[1])
