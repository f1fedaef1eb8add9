"""Disks that refuse: a preloaded library lets system calls on files fail while a file says so.

The failures are what the operating system itself would answer, below SQLite and Python: EIO from
fsync, ENOSPC from write, EROFS from write and open. Only files fail whose path holds a given text,
``log.db`` where none is given.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

FLAG = "TESTS_FAULT_FLAG"
"""Environment variable: the file that says which fault there is, and on which files."""

FAULTS = ("fsync", "full", "read-only")
"""An fsync that fails, a full disk, a file system that was mounted again for reading only."""

POSSIBLE = sys.platform == "linux" and shutil.which("cc") is not None
REASON = "failing system calls are injected by a preloaded library: needs Linux and a C compiler"

_SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/syscall.h>

/* the flag's file: the first letter of the fault, and the text that the path must hold */
static char fault(char *held, size_t most) {
    const char *flag = getenv("TESTS_FAULT_FLAG");
    char said[257];
    int fd = flag ? syscall(SYS_openat, AT_FDCWD, flag, O_RDONLY) : -1;
    if (fd < 0) return 0;
    ssize_t n = syscall(SYS_read, fd, said, sizeof said - 1);
    syscall(SYS_close, fd);
    if (n < 2) return 0;
    said[n] = 0;
    snprintf(held, most, "%s", said + 1);
    return said[0];
}
static int is_of(const char *held, int fd) {
    char link[32], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n < 0) return 0;
    path[n] = 0;
    return strstr(path, held) != NULL;
}
static int refuses_sync(int fd) {
    char held[256];
    return fault(held, sizeof held) == 'f' && is_of(held, fd) ? EIO : 0;
}
static int refuses_write(int fd) {
    char held[256], letter = fault(held, sizeof held);
    if ((letter != 'n' && letter != 'r') || !is_of(held, fd)) return 0;
    return letter == 'n' ? ENOSPC : EROFS;
}
#define PASS(check, real, call) do { \
    int refused = check; \
    if (refused) { errno = refused; return -1; } \
    if (!real) real = dlsym(RTLD_NEXT, __func__); \
    return call; } while (0)

int fsync(int fd) {
    static int (*real)(int); PASS(refuses_sync(fd), real, real(fd)); }
int fdatasync(int fd) {
    static int (*real)(int); PASS(refuses_sync(fd), real, real(fd)); }
ssize_t write(int fd, const void *from, size_t n) {
    static ssize_t (*real)(int, const void *, size_t);
    PASS(refuses_write(fd), real, real(fd, from, n)); }
ssize_t pwrite(int fd, const void *from, size_t n, off_t at) {
    static ssize_t (*real)(int, const void *, size_t, off_t);
    PASS(refuses_write(fd), real, real(fd, from, n, at)); }
ssize_t pwrite64(int fd, const void *from, size_t n, off64_t at) {
    static ssize_t (*real)(int, const void *, size_t, off64_t);
    PASS(refuses_write(fd), real, real(fd, from, n, at)); }
static int refuses_open(const char *path, int flags) {
    char held[256];
    if (!(flags & (O_WRONLY | O_RDWR)) || fault(held, sizeof held) != 'r') return 0;
    return strstr(path, held) ? EROFS : 0; }
static int mode_of(int flags, va_list rest) {
    return flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, int) : 0; }
int open(const char *path, int flags, ...) {
    static int (*real)(const char *, int, ...);
    va_list rest; va_start(rest, flags); int mode = mode_of(flags, rest); va_end(rest);
    PASS(refuses_open(path, flags), real, real(path, flags, mode)); }
int open64(const char *path, int flags, ...) {
    static int (*real)(const char *, int, ...);
    va_list rest; va_start(rest, flags); int mode = mode_of(flags, rest); va_end(rest);
    PASS(refuses_open(path, flags), real, real(path, flags, mode)); }
"""


def environment(folder: Path) -> dict[str, str]:
    """Build the library in ``folder``; return what a process needs in its environment."""
    source, library = folder / "shim.c", folder / "shim.so"
    source.write_text(_SHIM)
    command = ["cc", "-O1", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"]
    subprocess.run(command, check=True)
    return {"LD_PRELOAD": str(library), FLAG: str(folder / "fault")}


def inject(name: str, files: str = "log.db", flag: str | None = None) -> None:
    """Let the fault begin on `files`, in every process that has this flag in its environment.

    `flag`: by default that of this process.
    """
    letter = {"fsync": "f", "full": "n", "read-only": "r"}[name]
    place = Path(flag or os.environ[FLAG])
    beside = place.with_suffix(".new")
    beside.write_text(letter + files)
    beside.replace(place)  # never half of it


def mend(flag: str | None = None) -> None:
    """End the fault."""
    if place := flag or os.environ.get(FLAG):
        Path(place).unlink(missing_ok=True)
