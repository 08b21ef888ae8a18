"""Landlock: a process permanently gives up rights that it does not need.

Linux has it since 5.13; the kernel's documentation lists the rights of each version
(userspace-api/landlock). The most used package on PyPI is a pre-release for the first version,
which does not cover connections, so this module makes the three system calls itself.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterable
from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG = 1
_PATH_BENEATH = 1
_PR_SET_NO_NEW_PRIVS = 38

_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
"""Number of file rights of each version; they are the lowest bits."""

TCP_VERSION = 4
"""First version that covers TCP connections."""

_LATEST = 6
"""Latest version used here; it added signals and abstract sockets."""

_TCP_RIGHTS = 0b11
"""Binding a port, and connecting to one."""

_SCOPES = 0b11
"""No abstract Unix sockets of, and no signals to, processes outside."""


class _Ruleset(ctypes.Structure):
    _fields_ = (
        ("files", ctypes.c_uint64),
        ("network", ctypes.c_uint64),
        ("scopes", ctypes.c_uint64),
    )


class _PathRule(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32))


def landlock_version() -> int:
    """Return the kernel's version of Landlock; 0 if it has none."""
    if not sys.platform.startswith("linux"):
        return 0
    version: int = _libc().syscall(_CREATE_RULESET, None, 0, _VERSION_FLAG)
    return max(0, version)


def restrict_to_read_only(paths: Iterable[Path]) -> int:
    """Restrict this process and its children to reading files beneath `paths`.

    They cannot write files or run programs, nor, if the kernel supports it, open TCP connections
    (version 4) or signal other processes (version 6). Missing paths are ignored. Returns the
    version in force; 0 if the kernel has no Landlock, so that nothing has changed. Raises OSError
    if the kernel refuses.
    """
    version = min(landlock_version(), _LATEST)
    if not version:
        return 0
    libc = _libc()
    handled = _Ruleset(
        (1 << _FILE_RIGHTS.get(version, 16)) - 1,
        _TCP_RIGHTS if version >= TCP_VERSION else 0,
        _SCOPES if version >= 6 else 0,
    )
    size = 24 if version >= 6 else 16 if version >= TCP_VERSION else 8
    ruleset = _checked(libc.syscall(_CREATE_RULESET, ctypes.byref(handled), size, 0))
    try:
        for path in paths:
            _add_read_rule(libc, ruleset, path)
        _checked(libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        _checked(libc.syscall(_RESTRICT_SELF, ruleset, 0))
    finally:
        os.close(ruleset)
    return version


def _add_read_rule(libc: ctypes.CDLL, ruleset: int, path: Path) -> None:
    try:
        folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        rights = _READ_FILE | _READ_DIR if path.is_dir() else _READ_FILE
        rule = _PathRule(rights, folder)
        _checked(libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0))
    finally:
        os.close(folder)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
