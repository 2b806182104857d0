"""A loop that stops when it is asked to. Run as a child by the signal tests; says on stdout what it is doing."""

import hashlib
import multiprocessing
import sys
import time

from mlcore.signals import StopSignals


def say(text: str) -> None:
    print(text, flush=True)


def in_a_worker() -> None:
    say("worker ready")
    time.sleep(30)
    say("worker ended by itself")


def main(kind: str) -> int:
    with StopSignals() as stop:
        worker = None
        if kind == "worker":
            worker = multiprocessing.get_context("fork").Process(target=in_a_worker, daemon=True)
            worker.start()
        for step in range(200):
            say(f"step {step} begins")
            if kind == "deaf":  # a long operation in C that lets no Python handler run
                hashlib.pbkdf2_hmac("sha256", b"", b"", 400_000_000)
            else:
                time.sleep(0.1)
            say(f"step {step} done")
            if stop.requested is not None:
                say(f"saved after {stop.requested.name}")
                break
        if worker is not None:
            say(f"worker alive: {worker.is_alive()}")
            worker.terminate()
            worker.join(10)
            say(f"worker ended with {worker.exitcode}")
    return stop.exit_code or 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
