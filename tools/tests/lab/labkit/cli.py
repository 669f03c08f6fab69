# SPDX-License-Identifier: LGPL-2.1-only
"""The command `lab`: reads its arguments and calls lab.py.

Never decides anything about the hosts itself.  Exit codes: the remote
command's for sh and client, 0 done, 1 failed, 2 wrong usage, 124 timed out,
255 host lost.
"""
from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from typing import Any, Callable, Dict, List

from . import agent, client, guests, net, power
from .errors import LabError
from .lab import DEFAULTS, Lab, complain

HELP = """usage: lab [--run DIR] COMMAND [ARGUMENTS]

  up [--verbose] [--memory MB] [--dom0-memory MB] [--nic MODEL]
                         boot two Xen hosts, a and b
  down                   end them and remove every trace but the logs
  status [-j]            what is running
  sh [-n] [--timeout S] HOST CMD...
                         run CMD in the host's dom0, as it is (no shell)
  put HOST FILE DEST     copy a file into a dom0
  get HOST FILE DEST     copy a file out of it
  refresh                give the hosts the build/xl of now
  kill HOST              cut its power
  boot HOST              boot it again
  freeze HOST            it hangs: sockets stay open, its clock goes on
  thaw HOST              let it go on
  link HOST up|down|slow|oneway|noaddr [--delay-ms N] [--rate-mbit N]
        [--loss PERCENT]
                         its replication link (clients still reach it)
  guest pvh|hvm|pv [--name N] [--memory MB] [--host a|b] [--dirty PAGES]
        [--warm]         create a guest and wait until it answers; warm:
                         from a state saved the first time (for hvm)
  destroy NAME           destroy a guest wherever it is
  gaps NAME              the guest's own stalls since last asked, as JSON
  control NAME poweroff|reboot|crash|id
                         tell the guest to do it
  client CMD...          run CMD in the clients' network namespace
  write ADDRESS|NAME [--seconds S] [--pace-ms MS] [--reply-timeout S]
                         write until told to stop; report losses as JSON
  console HOST           print what its serial console said
  help                   this text

--run DIR, or the environment's LAB_RUN, is where a lab keeps its things;
copies with different folders don't meet.  Hosts see it as /host.
"""


def _parser(name: str) -> argparse.ArgumentParser:
    return argparse.ArgumentParser(prog="lab " + name, add_help=False,
                                   allow_abbrev=False)


def _parse(parser: argparse.ArgumentParser, args: List[str]) -> Any:
    def error(text: str) -> None:
        raise LabError("%s: %s" % (parser.prog[4:], text), 2)
    parser.error = error  # type: ignore
    return parser.parse_args(args)


def _host_only(name: str, args: List[str]) -> str:
    parser = _parser(name)
    parser.add_argument("host")
    return _parse(parser, args).host


def do_up(run: str, args: List[str]) -> int:
    parser = _parser("up")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--memory", type=int, default=DEFAULTS["memory"])
    parser.add_argument("--dom0-memory", type=int,
                        default=DEFAULTS["dom0_memory"])
    parser.add_argument("--nic", default=DEFAULTS["nic"])
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGHUP, _interrupt)
    Lab(run, **vars(_parse(parser, args))).up()
    return 0


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def do_down(run: str, args: List[str]) -> int:
    _parse(_parser("down"), args)
    net.check_root()
    Lab(run).down()
    return 0


def _host_status(lab: Lab, name: str) -> Dict[str, Any]:
    host = lab.host(name)
    entry: Dict[str, Any] = {
        "state": host.state(), "pid": host.entry().get("pid"),
        "address": host.address,
        "link": lab.run.load("links").get(name, "up"), "domains": []}
    if entry["state"] == "running":
        lines = lab.sh(name, guests.XL, "list", timeout=20).text.splitlines()
        for line in lines[2:]:
            words = line.split()
            entry["domains"].append({"name": words[0], "id": int(words[1]),
                                     "state": words[4]})
    return entry


def do_status(run: str, args: List[str]) -> int:
    parser = _parser("status")
    parser.add_argument("-j", action="store_true")
    as_json = _parse(parser, args).j
    lab = Lab.attach(run)
    value = {"run": str(lab.run.path), "namespace": lab.run.namespace,
             "power": power.running(lab.run), "guests": guests.known(lab),
             "hosts": {h: _host_status(lab, h) for h in lab.hosts}}
    if as_json:
        print(json.dumps(value, indent=1))
        return 0
    print("lab in %s, namespace %s, power switch %s" % (
        value["run"], value["namespace"], "on" if value["power"] else "OFF"))
    for name, entry in value["hosts"].items():
        print("host %s: %s, pid %s, %s, link %s" % (
            name, entry["state"], entry["pid"], entry["address"],
            entry["link"]))
        for domain in entry["domains"]:
            print("  domain %(name)s id=%(id)d state=%(state)s" % domain)
    for name, guest in value["guests"].items():
        print("guest %s: %s, %s, created on %s" % (
            name, guest["kind"], guest["address"], guest["host"]))
    return 0


def do_sh(run: str, args: List[str]) -> int:
    parser = _parser("sh")
    parser.add_argument("-n", action="store_true")
    parser.add_argument("--timeout", type=float)
    parser.add_argument("host")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = _parse(parser, args)
    command = options.command
    if command[:1] == ["--"]:
        command = command[1:]
    if not command:
        raise LabError("sh: no command", 2)
    lab = Lab(run)
    call = lab.call(options.host, command)
    status = agent.run_attached(call, None if options.n else 0,
                                options.timeout,
                                lab.host(options.host).alive)
    if status == agent.STATUS_TIMEOUT and options.timeout is not None:
        complain("timed out, or the command said 124")
    os._exit(status)  # a thread may still be reading our stdin


def _copy(name: str, args: List[str], act: Callable[..., None]) -> int:
    parser = _parser(name)
    for word in ("host", "source", "target"):
        parser.add_argument(word)
    options = _parse(parser, args)
    act(options.host, options.source, options.target)
    return 0


def do_put(run: str, args: List[str]) -> int:
    return _copy("put", args, Lab(run).put)


def do_get(run: str, args: List[str]) -> int:
    return _copy("get", args, Lab(run).get)


def do_refresh(run: str, args: List[str]) -> int:
    _parse(_parser("refresh"), args)
    if not Lab(run).refresh():
        complain("no build/xl: xl is the stock one")
    return 0


def _simple(name: str) -> Callable[[str, List[str]], int]:
    def act(run: str, args: List[str]) -> int:
        getattr(Lab(run), name)(_host_only(name, args))
        return 0
    return act


def do_link(run: str, args: List[str]) -> int:
    parser = _parser("link")
    parser.add_argument("host")
    parser.add_argument("state")
    parser.add_argument("--delay-ms", type=float, default=50)
    parser.add_argument("--rate-mbit", type=float, default=10)
    parser.add_argument("--loss", type=float, default=0)
    o = _parse(parser, args)
    Lab(run).link(o.host, o.state, o.delay_ms, o.rate_mbit, o.loss)
    return 0


def do_guest(run: str, args: List[str]) -> int:
    parser = _parser("guest")
    parser.add_argument("kind")
    parser.add_argument("--name")
    parser.add_argument("--memory", type=int)
    parser.add_argument("--host", default="a")
    parser.add_argument("--dirty", type=int, default=0)
    parser.add_argument("--warm", action="store_true")
    options = _parse(parser, args)
    started = time.monotonic()
    guest = Lab(run).guest(options.kind, name=options.name,
                           memory=options.memory, host=options.host,
                           is_warm=options.warm)
    if options.dirty:
        guest.dirty(options.dirty)
    print("%s %s" % (guest.name, guest.address))
    complain("guest %s answers after %.1f s" % (
        guest.name, time.monotonic() - started))
    return 0


def do_destroy(run: str, args: List[str]) -> int:
    guests.destroy(Lab.attach(run), _host_only("destroy", args))
    return 0


def do_gaps(run: str, args: List[str]) -> int:
    guest = guests.find(Lab.attach(run), _host_only("gaps", args))
    print(json.dumps(guest.gaps()))
    return 0


def do_control(run: str, args: List[str]) -> int:
    parser = _parser("control")
    parser.add_argument("name")
    parser.add_argument("what")
    options = _parse(parser, args)
    print(guests.find(Lab.attach(run), options.name).control(options.what))
    return 0


def do_client(run: str, args: List[str]) -> int:
    if not args:
        raise LabError("client: no command", 2)
    lab = Lab.attach(run)
    argv = net.command(lab.run.namespace, args)
    os.execvp(argv[0], argv)


def do_write(run: str, args: List[str]) -> int:
    parser = _parser("write")
    parser.add_argument("address")
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--pace-ms", type=float)
    parser.add_argument("--reply-timeout", type=float)
    options = _parse(parser, args)
    given = {k: v for k, v in vars(options).items()
             if v is not None and k != "address"}
    lab = Lab.attach(run)
    address = options.address
    if address in guests.known(lab):
        address = guests.find(lab, address).address
    argv = net.command(lab.run.namespace, [
        sys.executable, sys.argv[0], "--run", str(lab.run.path), "_write",
        address, str(client.log_path(lab.run)), json.dumps(given)])
    os.execvp(argv[0], argv)


def do_console(run: str, args: List[str]) -> int:
    host = Lab(run).host(_host_only("console", args))
    sys.stdout.write(host.console_tail(1 << 30) + "\n")
    return 0


def do_write_process(_run: str, args: List[str]) -> int:
    return client.main(args[0], json.loads(args[2]), args[1])


def do_power_process(run: str, _args: List[str]) -> int:
    power.serve(Lab(run).run)
    return 0


COMMANDS: Dict[str, Callable[[str, List[str]], int]] = {
    "up": do_up, "down": do_down, "status": do_status, "sh": do_sh,
    "put": do_put, "get": do_get, "refresh": do_refresh,
    "kill": _simple("kill"), "boot": _simple("boot"),
    "freeze": _simple("freeze"), "thaw": _simple("thaw"), "link": do_link,
    "guest": do_guest, "destroy": do_destroy, "gaps": do_gaps,
    "control": do_control, "client": do_client, "write": do_write,
    "console": do_console, "_write": do_write_process,
    "_power": do_power_process}


def main(args: List[str]) -> int:
    run = ""
    while args and args[0].startswith("--run"):
        if args[0] == "--run" and len(args) > 1:
            run, args = args[1], args[2:]
        elif args[0].startswith("--run="):
            run, args = args[0][6:], args[1:]
        else:
            break
    if not args or args[0] in ("help", "-h", "--help"):
        print(HELP, end="")
        return 0 if args else 2
    act = COMMANDS.get(args[0])
    try:
        if not act:
            raise LabError("no command '%s' (lab help)" % args[0], 2)
        return act(run, args[1:])
    except LabError as e:
        complain(str(e))
        return e.status
    except KeyboardInterrupt:
        complain("interrupted")
        return 130
    except subprocess.SubprocessError as e:
        complain(str(e))
        return 1
    except OSError as e:
        complain("%s: %s" % (args[0], e))
        return 1
