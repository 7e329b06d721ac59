# SPDX-License-Identifier: GPL-2.0-only
"""The command line: scripts/testbed."""
import argparse
import os
import signal
import sys

from . import cases, icount, kernel, manual, runner, wire
from .bed import Bed
from .link import GuestDied, JobTimeout
from .proc import BedError

# Exit codes of "run" beside those of its command, as timeout(1) has them.
EXIT_TIMEOUT = 124
EXIT_BROKEN = 125


def _stream(kind, payload):
    out = sys.stdout if kind == wire.STDOUT else sys.stderr
    out.buffer.write(payload)
    out.buffer.flush()


def _spec_arguments(parser):
    parser.add_argument("--kernel", default="debian",
                        help="debian, debug, or the path of an image")
    parser.add_argument("--cpus", type=int, default=2)
    parser.add_argument("--mem", default="1G")
    parser.add_argument("--disk", action="append", default=[],
                        metavar="SIZE[,cache=MODE]|pmem:SIZE")
    parser.add_argument("--append", default="",
                        help="more for the kernel's command line")


def _spec(args):
    return {"kernel": args.kernel, "cpus": args.cpus, "mem": args.mem,
            "disks": args.disk, "cmdline": args.append.split()}


def cmd_run(args):
    """Boot a guest, run one command in it, end with its exit code."""
    if args.icount:
        return _run_icount(args)
    with Bed(keep=args.keep, **_spec(args)) as bed:
        guest = bed.node(1)
        for module in args.module:
            guest.run(["insmod", os.path.abspath(module)])
        job = guest.spawn(args.command, sink=_stream)
        job.close_input()
        try:
            return job.wait(args.timeout).code
        except GuestDied as err:
            raise GuestDied(f"{err}\nend of its console:\n" +
                            guest.console.last_words()) from err
        except JobTimeout as err:
            raise JobTimeout(f"{err}\nend of its console:\n" +
                             guest.console.last_words()) from err


def _run_icount(args):
    options = {"CPUS": args.cpus, "MEM": args.mem, "CMDLINE": args.append,
               "MODULES": " ".join(args.modprobe),
               "PROGRAMS": " ".join(args.program)}
    if args.disk or args.module:
        raise BedError("--icount: no --disk and no --module; qbd's modules "
                       "are in $QBD_BUILD, others come by --modprobe")
    result = icount.run_command(args.command, args.kernel, args.seed,
                                args.timeout, options)
    print(result.output, flush=True)
    if result.why:
        raise BedError(f"{result.why}\nlogs: {result.where}")
    return result.code


def cmd_cases(args):
    """Run cases of tests/vm/cases: KTAP; exit code 0, 1 or 4."""
    if args.long:
        os.environ["QBD_LONG"] = "1"    # and so on into the guests
    if args.seed is not None:
        os.environ["QBD_SEED"] = str(args.seed)
    found = cases.load(args.case, args.long or args.list, args.directory)
    if args.list:
        runner.list_cases(found)
        return 0
    if args.mode:
        found = [one for one in found if one.mode == args.mode]
    if not found:
        raise BedError(f"no case matches {args.case!r}")
    kernels = args.kernel or ["debian", "debug"]
    kernels = [name for name in kernels if kernel.available(name)]
    if not kernels:
        print(f"1..0 # SKIP no {' or '.join(args.kernel)} kernel here")
        return runner.SKIP
    return runner.Run(args.seed, args.verbose, args.share).all(found, kernels)


def cmd_up(args):
    """Boot guests on one Ethernet and leave them running."""
    manual.up(args.bed or manual.DEFAULT, args.guests, _spec(args))
    return 0


def cmd_down(args):
    """End a bed and remove its directory."""
    manual.down(manual.pick(args.bed), args.keep)
    return 0


def cmd_status(_args):
    """List the beds that run."""
    manual.status()
    return 0


def cmd_shell(args):
    """A shell in a guest of a running bed (also that of a running case)."""
    return manual.attach(manual.pick(args.bed),
                         manual.node_number(args.node), args.command)


def cmd_node(args):
    """Do something to a machine of a bed made by "up"."""
    manual.order(manual.pick(args.bed), args.action,
                 manual.node_number(args.node))
    return 0


def _manual_verbs(verbs):
    up = verbs.add_parser("up", help=cmd_up.__doc__)
    _spec_arguments(up)
    up.add_argument("--guests", type=int, default=1)
    up.set_defaults(call=cmd_up)
    down = verbs.add_parser("down", help=cmd_down.__doc__)
    down.add_argument("--keep", action="store_true",
                      help="keep the bed's directory")
    down.set_defaults(call=cmd_down)
    status = verbs.add_parser("status", help=cmd_status.__doc__)
    status.set_defaults(call=cmd_status)
    shell = verbs.add_parser("shell", help=cmd_shell.__doc__)
    shell.add_argument("node", nargs="?", default="n1")
    shell.set_defaults(call=cmd_shell, command=[])
    execute = verbs.add_parser("exec", help="run a command in a guest")
    execute.add_argument("node")
    execute.add_argument("command", nargs=argparse.REMAINDER)
    execute.set_defaults(call=cmd_shell)
    node = verbs.add_parser("node", help=cmd_node.__doc__)
    node.add_argument("action", choices=manual.VERBS)
    node.add_argument("node")
    node.set_defaults(call=cmd_node)
    for parser in (up, down, shell, execute, node):
        parser.add_argument("--bed", help="name of the bed")


def build_parser():
    """All verbs and their options."""
    parser = argparse.ArgumentParser(
        prog="testbed", description="Boot machines for tests of qbd.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    _manual_verbs(verbs)
    many = verbs.add_parser("cases", help=cmd_cases.__doc__)
    many.add_argument("--kernel", action="append",
                      choices=("debian", "debug"),
                      help="default: all there are")
    many.add_argument("--case", default="*", metavar="GLOB",
                      help="name or number")
    many.add_argument("--directory", default=cases.CASES,
                      help="where the cases are, instead of tests/vm/cases")
    many.add_argument("--mode", choices=("guest", "host", "icount"))
    many.add_argument("--share", metavar="DIR",
                      help="leave out what others with this empty directory "
                      "have begun, as long as there is something left")
    many.add_argument("--list", action="store_true")
    many.add_argument("--long", action="store_true",
                      help="also those of TIER=long")
    many.add_argument("--seed", type=int,
                      help="of all that is random: virtual time, $QBD_SEED")
    many.add_argument("--verbose", action="store_true",
                      help="output of all cases, not only of failed ones")
    many.set_defaults(call=cmd_cases)
    run = verbs.add_parser("run", help=cmd_run.__doc__)
    _spec_arguments(run)
    run.add_argument("--timeout", type=float, default=300)
    run.add_argument("--module", action="append", default=[],
                     help="insmod this first")
    run.add_argument("--icount", action="store_true",
                     help="in virtual time, from an initramfs")
    run.add_argument("--seed", type=int, help="of virtual time")
    run.add_argument("--modprobe", action="append", default=[],
                     metavar="NAME", help="--icount: load this module")
    run.add_argument("--program", action="append", default=[],
                     metavar="NAME", help="--icount: bring this program")
    run.add_argument("--keep", action="store_true",
                     help="keep the bed's directory")
    run.add_argument("command", nargs=argparse.REMAINDER)
    run.set_defaults(call=cmd_run)
    return parser


def main():
    """Entry point; every error a person can understand is one message."""
    args = build_parser().parse_args()
    if getattr(args, "command", None) and args.command[0] == "--":
        args.command = args.command[1:]
    # A polite kill unwinds like Ctrl-C: beds are closed on the way.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        return args.call(args)
    except JobTimeout as err:
        print(f"testbed: {err}", file=sys.stderr)
        return EXIT_TIMEOUT
    except BedError as err:
        print(f"testbed: {err}", file=sys.stderr)
        return EXIT_BROKEN
    except KeyboardInterrupt:
        return 130
