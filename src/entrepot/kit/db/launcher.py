"""Starts a program of PostgreSQL as somebody other than root, and detached from its starter where that is asked.

    launcher.py WAY UID GID run|detach DIRECTORY PROGRAM [ARGUMENT …]

Run as a script, with the standard library only, in a process of its own: a user namespace can be made by a process
with one thread only. PostgreSQL refuses to run as root. WAY says how it does not:

- `self`: nothing changes.
- `namespace`: the program runs in a user namespace in which root is called UID. It is not root to itself, and still
  is the owner of root's files to the kernel, without any capability: a home that only root can enter serves as it is.
- `capability`: the program runs as UID, and may pass through directories as root does (CAP_DAC_OVERRIDE, where this
  process holds it). For containers whose rules forbid user namespaces.

DIRECTORY is proven to be usable before PROGRAM is started. The exit code is 77 where the kernel refuses, otherwise
the program's (0 when detached).
"""

import ctypes
import os
import sys
from typing import NoReturn

REFUSED = 77

CLONE_NEWUSER = 0x10000000
PR_SET_KEEPCAPS = 8
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAPABILITY_VERSION = 0x20080522
CAP_DAC_OVERRIDE = 1 << 1
CAP_DAC_READ_SEARCH = 1 << 2


class CapabilityHeader(ctypes.Structure):
    """`struct __user_cap_header_struct` of capset(2)."""

    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class CapabilitySets(ctypes.Structure):
    """`struct __user_cap_data_struct` of capset(2)."""

    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


def enter_namespace(uid: int, gid: int) -> None:
    """Move this process to a user namespace in which its user is called `uid`."""
    outer_uid, outer_gid = os.geteuid(), os.getegid()
    call("unshare", CLONE_NEWUSER)
    write("/proc/self/setgroups", "deny")
    write("/proc/self/uid_map", f"{uid} {outer_uid} 1")
    write("/proc/self/gid_map", f"{gid} {outer_gid} 1")


def become(uid: int, gid: int) -> None:
    """Turn this process into `uid`, keeping the right to pass through directories over the exec to come."""
    call("prctl", PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    header = CapabilityHeader(CAPABILITY_VERSION, 0)
    sets = (CapabilitySets * 2)()
    call("capget", ctypes.byref(header), sets)
    held = sets[0].permitted & (CAP_DAC_OVERRIDE | CAP_DAC_READ_SEARCH)
    wanted = (CapabilitySets * 2)(CapabilitySets(held, held, held), CapabilitySets(0, 0, 0))
    call("capset", ctypes.byref(header), wanted)
    for bit in (1, 2):
        if held & (1 << bit):
            call("prctl", PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, bit, 0, 0)


def detach() -> None:
    """Leave the starter's session and its children, so that neither its end nor its Ctrl-C is ours."""
    if os.fork():
        os._exit(0)
    os.setsid()
    if os.fork():
        os._exit(0)


def prove(directory: str) -> None:
    """Read and write `directory`, since access(2) does not know what capabilities allow."""
    os.listdir(directory)  # noqa: PTH208
    mark = os.path.join(directory, f".probe-{os.getpid()}")  # noqa: PTH118 - pathlib doubles the start-up time
    os.close(os.open(mark, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    os.unlink(mark)  # noqa: PTH108


def call(name: str, *arguments: object) -> None:
    """Call libc; raise OSError where it fails."""
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), name)


def write(path: str, text: str) -> None:
    """Write a file of /proc in one call, as the kernel wants it."""
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def main(arguments: list[str]) -> NoReturn:
    """Do what the module's docstring says."""
    way, uid, gid, manner, directory, program, *rest = arguments
    try:
        if way == "namespace":
            enter_namespace(int(uid), int(gid))
        elif way == "capability":
            become(int(uid), int(gid))
        os.chdir("/")
        os.umask(0o077)
        if way != "self":
            prove(directory)
        if not os.access(program, os.X_OK) and way != "capability":
            raise PermissionError(13, "Permission denied", program)
        if manner == "detach":
            detach()
        os.execv(program, [program, *rest])  # noqa: S606 - there is no shell on purpose
    except (OSError, AttributeError) as error:
        sys.stderr.write(f"{error}\n")
        sys.stderr.flush()
        os._exit(REFUSED)


if __name__ == "__main__":
    main(sys.argv[1:])
