"""Ctrl-C and SIGTERM: the first asks the loop to finish its step and save, the second leaves at once.

::

    with StopSignals() as stop:
        for batch in loader:
            step(batch)
            if stop.requested:
                save()
                break
    sys.exit(stop.exit_code or 0)

The first signal only sets a flag, so nothing is ever interrupted half-way, least of all a save. The second is
acted upon by a thread of its own, even while the main thread sits in a long operation where Python's handlers
do not run. Leaving so is as abrupt as a kill, and checkpoints and logs are written to survive that.
"""

import contextlib
import os
import signal
import socket
import threading
from types import FrameType, TracebackType
from typing import Any, Self

_WATCHED = (signal.SIGINT, signal.SIGTERM)
_STOP_WATCHING = b"\0"  # no signal has the number 0

_active: "StopSignals | None" = None
_registered_at_fork = False


class StopSignals:
    """While it is open, SIGINT and SIGTERM ask instead of interrupting.

    Opened inside another one, it shows the outer one's state. Outside the main thread, where Python allows no
    handlers, it changes nothing and ``requested`` stays None.

    Args:
        announce: say on stderr, at the first signal, that a second one leaves at once.
    """

    def __init__(self, *, announce: bool = True) -> None:
        self._announce = announce
        self._requested: signal.Signals | None = None
        self._outer: StopSignals | None = None
        self._previous: dict[signal.Signals, Any] = {}
        self._previous_wakeup = -1
        self._sockets: tuple[socket.socket, socket.socket] | None = None
        self._watcher: threading.Thread | None = None

    @property
    def requested(self) -> signal.Signals | None:
        """The signal that asked to stop; None as long as none did."""
        return self._outer.requested if self._outer is not None else self._requested

    @property
    def exit_code(self) -> int | None:
        """130 after SIGINT, 143 after SIGTERM, None otherwise."""
        requested = self.requested
        return None if requested is None else 128 + requested

    def __enter__(self) -> Self:
        global _active
        if threading.current_thread() is not threading.main_thread():
            return self
        if _active is not None:
            self._outer = _active
            return self
        _register_at_fork()
        self._start_watching()
        for number in _WATCHED:
            self._previous[number] = signal.signal(number, self._handle)
        _active = self
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        global _active
        if self._outer is not None:
            self._requested, self._outer = self._outer.requested, None
            return
        if _active is not self:
            return
        _active = None
        for number, handler in self._previous.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        self._stop_watching()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        """Runs in the main thread between two bytecodes. Only notes the first signal."""
        if self._requested is None:
            self._requested = signal.Signals(number)

    def _start_watching(self) -> None:
        """Python writes the number of each signal into the socket from C, whatever the main thread is
        doing."""
        reader, writer = socket.socketpair()
        writer.setblocking(False)
        self._sockets = (reader, writer)
        self._watcher = threading.Thread(target=self._watch, args=(reader,), name="stop-signals", daemon=True)
        self._watcher.start()
        self._previous_wakeup = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)

    def _stop_watching(self) -> None:
        assert self._sockets is not None
        assert self._watcher is not None
        reader, writer = self._sockets
        signal.set_wakeup_fd(self._previous_wakeup)
        writer.send(_STOP_WATCHING)
        self._watcher.join()
        reader.close()
        writer.close()

    def _watch(self, reader: socket.socket) -> None:
        num_signals = 0
        while True:
            for number in reader.recv(64):
                if number == _STOP_WATCHING[0]:
                    return
                if number not in _WATCHED:
                    continue
                num_signals += 1
                if num_signals > 1:
                    _tell("\nstopped at once\n")
                    os._exit(128 + number)
                if self._announce:
                    _tell("\nstopping after this step; once more to leave at once\n")


def _tell(text: str) -> None:
    with contextlib.suppress(OSError):  # stderr may be closed; there is nobody to tell then
        os.write(2, text.encode())


def _register_at_fork() -> None:
    global _registered_at_fork
    if not _registered_at_fork and hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_forget_in_child)
        _registered_at_fork = True


def _forget_in_child() -> None:
    """A forked data worker has no watcher and must not write into the parent's socket.

    Ctrl-C reaches the whole process group: workers ignore it, since the parent needs them to finish its step.
    SIGTERM ends them, since that is how their parent ends them.
    """
    global _active
    if _active is None:
        return
    _active = None
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
