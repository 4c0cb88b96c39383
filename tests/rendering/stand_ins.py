"""Renderers that do on demand what a parser does when it fails: harmless stand-ins."""

from pathlib import Path

from webapp.rendering import Renderers
from webapp.rendering.pool import Bounds

# A text is a command; any other text comes back in capitals.
PROGRAM = """
import gc, os, signal, time

def render(text, language):
    command, _, argument = text.strip().partition(" ")
    if command == "burn":
        while True:
            pass
    if command == "wait":
        while not os.path.exists(argument):
            time.sleep(0.01)
    if command == "sleep":
        time.sleep(600)
    if command == "allocate":
        bytearray(4_000_000_000)
    if command == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if command == "fail":
        raise RecursionError("too deep")
    if command == "exit":
        raise SystemExit(0)
    if command == "refuse":
        return None
    facts = {
        "pid": os.getpid(),
        "environment": sorted(os.environ),
        "files": len(os.listdir("/proc/self/fd")) - 1,  # without that of the listing
        "collector": gc.isenabled(),
    }
    return f"<p>{facts.get(command, text.upper())}</p>"
"""
QUICK = Bounds(cpu_s=0.2)


def stand_in(folder: Path, bounds: Bounds = QUICK, most: int = 1) -> Renderers:
    """Children that obey texts."""
    program = folder / "stand_in.py"
    program.write_text(PROGRAM)
    return Renderers(program, most, bounds)
