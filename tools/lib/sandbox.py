"""Running a program that is not trusted: limits, no network, nothing left behind.

run() starts the program in a session of its own, inside new mount, process, network and IPC
namespaces where the kernel permits them (as root, or through a user namespace):
  - the file system is read-only but for a private /tmp, and `hide` (the course's tree, which holds
    the solutions) is empty;
  - there is no network; the processes outside are out of reach of signals;
  - when the program is over, the end of its process namespace ends every process in it.
Where namespaces are not permitted, a seccomp filter refuses sockets other than local ones, and the
supervisor, a "child subreaper", hunts down what was left behind; files are then protected by
permissions only. Root gives up its identity for that of nobody in either case.

  the caller --- supervisor --- init (process 1 of the namespace) --- the program
"""

import ctypes
import json
import os
import resource
import select
import signal
import socket
import struct
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field

CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWUSER = 0x00020000, 0x08000000, 0x10000000
CLONE_NEWPID, CLONE_NEWNET = 0x20000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 1, 2, 4, 32, 4096, 16384, 1 << 18
PR_SET_PDEATHSIG, PR_SET_SECCOMP, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 1, 22, 36, 38
SYS_MOUNT_SETATTR, AT_RECURSIVE, AT_FDCWD, MOUNT_ATTR_RDONLY = 442, 0x8000, -100, 1
NOBODY = 65534
START_FAILED = 126  # the program could not be started; what went wrong is in its output

libc = ctypes.CDLL(None, use_errno=True)
forking = threading.Lock()  # held while a pipe's writing end is open here: no other child may inherit it


@dataclass
class Limits:
    seconds: float = 10.0
    memory: int = 1 << 30       # address space of each process, bytes; 0: no limit
    output: int = 256 << 10     # bytes on its standard output and error together
    file: int = 64 << 20        # size of a file
    processes: int = 256


@dataclass
class Outcome:
    status: int = -1         # exit status, or minus the signal
    stopped: str = ""        # why it was stopped before its end
    output: bytes = b""
    messages: list = field(default_factory=list)  # what came over the record socket
    seconds: float = 0.0
    peak: int = 0            # the largest address space seen, bytes


def call(function, *arguments):
    if function(*arguments) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def mount(source, target, kind, flags, data=None):
    call(libc.mount, source.encode() if source else None, target.encode(), kind.encode() if kind else None,
         ctypes.c_ulong(flags), data.encode() if data else None)


def enter_namespaces():
    """Move the calling process (its children, for the process namespace) into new namespaces.
    Returns whether it could."""
    flags = CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET
    uid, gid = os.geteuid(), os.getegid()
    try:
        if uid == 0:
            call(libc.unshare, flags)
        else:
            call(libc.unshare, flags | CLONE_NEWUSER)
            for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
                with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                    file.write(text)
        mount(None, "/", None, MS_REC | MS_PRIVATE)
        return True
    except OSError:
        return False


def can_isolate():
    """Whether this machine permits the namespaces (tried in a child)."""
    pid = os.fork()
    if pid == 0:
        try:
            os._exit(0 if enter_namespaces() else 1)
        finally:
            os._exit(1)
    return os.waitpid(pid, 0)[1] == 0


def arrange_files(tree, writable, hide):
    """In a new mount namespace: a private /tmp that shows `tree`, everything else read-only."""
    tree_fd = os.open(tree, os.O_RDONLY | os.O_DIRECTORY)
    tmp = os.path.realpath("/tmp")
    mount("tmpfs", tmp, "tmpfs", MS_NOSUID | MS_NODEV, "size=256m,mode=1777")
    os.makedirs(tree, exist_ok=True)
    mount(f"/proc/self/fd/{tree_fd}", tree, None, MS_BIND | MS_REC)
    os.close(tree_fd)
    for directory in hide:
        if os.path.isdir(directory) and not within(tree, directory):
            mount("tmpfs", directory, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV, "size=4k,mode=555")
    set_read_only("/", True)
    set_read_only(tmp, False)
    set_read_only(tree, not writable)


def set_read_only(path, on):
    """Change the whole mount tree below `path` if it is read-only and all below it; or only the
    mount at `path`, to be writable."""
    on_bits, off_bits = (MOUNT_ATTR_RDONLY, 0) if on else (0, MOUNT_ATTR_RDONLY)
    attributes = ctypes.create_string_buffer(struct.pack("=QQQQ", on_bits, off_bits, 0, 0), 32)
    libc.syscall(SYS_MOUNT_SETATTR, AT_FDCWD, os.fsencode(path), AT_RECURSIVE if on else 0,
                 ctypes.byref(attributes), ctypes.c_size_t(32))
    # Linux before 5.12 has no mount_setattr: there, only the tree is protected.
    if on and ctypes.get_errno() == 38 and path != "/":
        mount(None, path, None, MS_BIND | MS_REMOUNT | MS_RDONLY)


def within(path, directory):
    path, directory = os.path.realpath(path), os.path.realpath(directory)
    return path == directory or path.startswith(directory.rstrip("/") + "/")


def refuse_sockets():
    """A seccomp filter: socket() of another family than AF_UNIX fails with EACCES."""
    allow, deny, kill = 0x7FFF0000, 0x00050000 | 13, 0x80000000
    load, equal, back = 0x20, 0x15, 0x06  # BPF_LD|W|ABS, BPF_JMP|JEQ|K, BPF_RET|K
    program = [(load, 0, 0, 4), (equal, 1, 0, 0xC000003E), (back, 0, 0, kill),  # x86-64 only
               (load, 0, 0, 0), (equal, 0, 3, 41),                              # socket
               (load, 0, 0, 16), (equal, 1, 0, socket.AF_UNIX), (back, 0, 0, deny),
               (back, 0, 0, allow)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *row) for row in program))
    header = ctypes.create_string_buffer(struct.pack("@HxxxxxxP", len(program), ctypes.addressof(code)))
    call(libc.prctl, PR_SET_SECCOMP, 2, ctypes.byref(header), 0, 0)


def set_limits(limits):
    seconds = int(limits.seconds) + 2
    pairs = [(resource.RLIMIT_CPU, seconds), (resource.RLIMIT_FSIZE, limits.file), (resource.RLIMIT_CORE, 0),
             (resource.RLIMIT_NOFILE, 1024)]
    if limits.memory:
        pairs.append((resource.RLIMIT_AS, limits.memory))
    if os.geteuid() == 0:
        pairs.append((resource.RLIMIT_NPROC, limits.processes))
    for kind, value in pairs:
        hard = resource.getrlimit(kind)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (value, value))


def drop_root():
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)


def become_program(argv, cwd, environment, limits, isolated, output, keep):
    """In the last child: give up everything and become the program."""
    try:
        os.setsid()
        null = os.open("/dev/null", os.O_RDONLY)
        os.dup2(null, 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        if keep is not None and keep != 3:
            os.dup2(keep, 3)
        first = 3 if keep is None else 4
        os.closerange(first, 4096)
        if keep is not None:
            os.set_inheritable(3, True)
        for number in (signal.SIGPIPE, signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        set_limits(limits)
        drop_root()
        call(libc.prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        if not isolated:
            refuse_sockets()
        os.chdir(cwd)
        os.execvpe(argv[0], argv, environment)
    except BaseException as error:  # whatever it is, this process must not return
        try:
            os.write(1, f"cannot start {argv[0]}: {error}\n".encode())
        finally:
            os._exit(START_FAILED)


def reap_children():
    """Kill and collect every child of this process, which as a subreaper inherits the orphans."""
    while True:
        try:
            with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:
                children = [int(pid) for pid in file.read().split()]
        except OSError:
            children = []
        for pid in children:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
        try:
            os.waitpid(-1, 0 if children else os.WNOHANG)
        except ChildProcessError:
            return
        if not children:
            return


def init(argv, cwd, environment, limits, isolated, files, output, keep, report):
    """The first process of the namespace: starts the program and reports its status."""
    try:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        if isolated:
            arrange_files(*files)
        program = os.fork()
        if program == 0:
            become_program(argv, cwd, environment, limits, isolated, output, keep)
        os.write(report, b"P%d\n" % program)
        while True:
            pid, status = os.waitpid(-1, 0)
            if pid == program:
                break
        os.write(report, b"S%d\n" % os.waitstatus_to_exitcode(status))
        reap_children()
    except BaseException as error:
        os.write(output, f"sandbox: {error}\n".encode())
        os.write(report, b"S%d\n" % START_FAILED)
    finally:
        os._exit(0)


def address_space(pid):
    """The present address space of a process in bytes, or 0."""
    try:
        with open(f"/proc/{pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[0]) * resource.getpagesize()
    except (OSError, ValueError, IndexError):
        return 0


def outer_pid(init_pid):
    """The program's number as seen from here: the first child of init."""
    try:
        with open(f"/proc/{init_pid}/task/{init_pid}/children", encoding="ascii") as file:
            return int(file.read().split()[0])
    except (OSError, ValueError, IndexError):
        return 0


def supervise(argv, cwd, environment, limits, files, isolate, record_messages):
    """Runs in a child of the caller; returns an Outcome."""
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    isolated = isolate and enter_namespaces()
    out_read, out_write = os.pipe()
    report_read, report_write = os.pipe()
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for message in record_messages:
        ours.send(message)
    began = time.monotonic()
    pid = os.fork()
    if pid == 0:
        keep = theirs.fileno() if record_messages else None
        init(argv, cwd, environment, limits, isolated, files, out_write, keep, report_write)
    os.close(out_write)
    os.close(report_write)
    theirs.close()
    outcome = watch(pid, limits, out_read, report_read, began)
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError:
        pass
    reap_children()
    outcome.seconds = time.monotonic() - began
    read_rest(out_read, outcome, limits)
    ours.setblocking(False)
    try:
        while len(outcome.messages) < 16:
            message = ours.recv(4096)
            if not message:
                break
            outcome.messages.append(message)
    except OSError:
        pass
    ours.close()
    return outcome


def watch(pid, limits, out_read, report_read, began):
    """Follow the program until it has ended or must be stopped."""
    outcome, report, output_open = Outcome(), b"", True
    poller = select.poll()
    poller.register(out_read, select.POLLIN)
    poller.register(report_read, select.POLLIN)
    program = 0
    while True:
        left = began + limits.seconds - time.monotonic()
        if left <= 0:
            outcome.stopped = f"time limit of {limits.seconds:g} s"
            return outcome
        for descriptor, _ in poller.poll(max(1, min(left, 0.02) * 1000)):
            data = os.read(descriptor, 65536)
            if descriptor == report_read:
                report += data
                if not data or b"S" in report:
                    status = report.rpartition(b"S")[2].strip() if b"S" in report else b""
                    outcome.status = int(status) if status else -signal.SIGKILL
                    return outcome
            elif not data:
                poller.unregister(out_read)
                output_open = False
            else:
                outcome.output += data
                if len(outcome.output) > limits.output:
                    outcome.output = outcome.output[:limits.output]
                    outcome.stopped = f"output limit of {limits.output >> 10} KiB"
                    return outcome
        program = program or (outer_pid(pid) if b"P" in report else 0)
        if program:
            outcome.peak = max(outcome.peak, address_space(program))


def read_rest(descriptor, outcome, limits):
    """What was still in the pipe when the program ended."""
    os.set_blocking(descriptor, False)
    while len(outcome.output) < limits.output:
        try:
            data = os.read(descriptor, 65536)
        except BlockingIOError:
            break
        if not data:
            break
        outcome.output += data
    outcome.output = outcome.output[:limits.output]


def start_supervisor(argv, cwd, environment, limits, files, isolate, record):
    """Fork the supervisor. Returns (its pid, a pipe from which to read the outcome)."""
    out_read, out_write = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(out_read)
            os.setsid()
            outcome = supervise(argv, cwd, environment, limits, files, isolate, record)
            fields = dict(vars(outcome), output=outcome.output.decode("latin-1"),
                          messages=[message.decode("latin-1") for message in outcome.messages])
            with os.fdopen(out_write, "w", encoding="ascii") as file:
                json.dump(fields, file)
        except BaseException as error:
            os.write(2, f"sandbox: {error!r}\n".encode())
        finally:
            os._exit(0)
    os.close(out_write)
    return pid, out_read


def run(argv, *, tree, cwd, limits, environment=None, writable=False, hide=(), record=(), isolate=True):
    """Run `argv` with `cwd` (below `tree`) as its directory and return an Outcome. `tree` is
    read-only unless `writable`. `record` are messages that wait on a socket, descriptor 3 of the
    program. Never raises for what the program does."""
    environment = environment or clean_environment()
    with forking:
        pid, out_read = start_supervisor(argv, cwd, environment, limits, (tree, writable, hide), isolate, record)
    try:
        with os.fdopen(out_read, encoding="ascii") as file:
            text = file.read()
    finally:
        try:
            os.kill(pid, signal.SIGKILL)
        except OSError:
            pass
        os.waitpid(pid, 0)
    if not text:
        return Outcome(stopped="its supervisor was killed")
    fields = json.loads(text)
    fields["output"] = fields["output"].encode("latin-1")
    fields["messages"] = [message.encode("latin-1") for message in fields["messages"]]
    return Outcome(**fields)


def clean_environment():
    return {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/tmp", "TMPDIR": "/tmp", "LC_ALL": "C.UTF-8",
            "LANG": "C.UTF-8"}


def make_tree(prefix):
    """A new directory that nobody else can write, and that the program may read."""
    path = os.path.realpath(tempfile.mkdtemp(prefix=prefix, dir="/tmp"))
    os.chmod(path, 0o755)
    return path
