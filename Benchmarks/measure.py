"""Runs a command and measures it: seconds, largest memory, and when its output came.

By a process of its own, which is this file and imports next to nothing: what Linux reports as a child's largest memory
is never less than that of the process it was started from.
"""
import collections, json, os, sys, time

Run = collections.namedtuple("Run", "seconds memory_MiB output arrivals")
"""memory_MiB: ru_maxrss of the command and what it waited for. arrivals: seconds after the start at which the first and
the last bytes of its standard output were there; None without output."""


def run(command, environment=None):
    """Exits with the command's last words if it fails."""
    import subprocess
    command = [str(part) for part in command]
    watcher = subprocess.run(
        [sys.executable, "-IS", __file__, *command], env=environment, capture_output=True, text=True)
    if watcher.returncode:
        sys.exit(f"could not start {command[0]}: {watcher.stderr.strip().splitlines()[-1]}")
    status, errors, *measured = json.loads(watcher.stdout)
    if status:
        sys.exit(f"{' '.join(command)}\nended with status {status}:\n{errors}")
    return Run(*measured)


def watch(command):
    reader, writer = os.pipe()
    errors = os.memfd_create("errors")
    start = time.perf_counter()
    child = os.posix_spawnp(
        command[0], command, os.environ,
        file_actions=[(os.POSIX_SPAWN_DUP2, writer, 1), (os.POSIX_SPAWN_DUP2, errors, 2)])
    os.close(writer)
    output, arrivals = [], None
    while part := os.read(reader, 1 << 16):
        output.append(part)
        now = time.perf_counter() - start
        arrivals = (arrivals[0] if arrivals else now, now)
    _, status, usage = os.wait4(child, 0)
    seconds = time.perf_counter() - start
    os.lseek(errors, -min(2000, os.fstat(errors).st_size), os.SEEK_END)
    print(json.dumps([
        os.waitstatus_to_exitcode(status), os.read(errors, 2000).decode(errors="replace"), seconds,
        usage.ru_maxrss / 1024, b"".join(output).decode(errors="replace"), arrivals]))


if __name__ == "__main__":
    watch(sys.argv[1:])
