# SPDX-License-Identifier: BSD-2-Clause
"""Each command: what it shows, and what it refuses."""

import json
import time

import pytest
from conftest import run

NOW = int(time.time())


def entry(**changes):
    return {"key": "2001:db8::/64", "sender": "a@b.example", "recipient": "c@d.example",
            "state": "waiting", "first_seen": NOW - 200, "last_seen": NOW - 190, "passes": 0,
            "expires": NOW + 7300, **changes}


def pages(total):
    """A daemon with so many entries, by pages."""
    def reply(handler):
        query = dict(pair.split("=") for pair in handler.path.split("?")[1].split("&"))
        start, limit = int(query.get("cursor", 0)), int(query["limit"])
        rows = [entry(sender=f"u{i}@b.example") for i in range(start, min(total, start + limit))]
        end = start + len(rows)
        return 200, {"entries": rows, "next": str(end) if end < total else None}
    return reply


def test_health_is_one_line_and_a_status(daemon):
    daemon.replies["GET", "/health"] = 200, {"healthy": True, "line": "OK: 5 entries"}
    done = daemon.run("health")
    assert (done.returncode, done.stdout, done.stderr) == (0, "OK: 5 entries\n", "")
    daemon.replies["GET", "/health"] = 503, {"healthy": False, "line": "FAILING: the store"}
    done = daemon.run("health")
    assert (done.returncode, done.stdout) == (1, "FAILING: the store\n")


def test_list_shows_words(daemon):
    daemon.replies["GET", "/entries"] = 200, {"entries": [entry(), entry(sender="")], "next": None}
    done = daemon.run("list", "--client", "2001:db8::/32", "--state", "waiting")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0].split("  ")[0] == "STATE"
    assert "3 min ago" in lines[1] and "in 2 h" in lines[1]
    assert "<>" in lines[2]
    assert daemon.asked[0][1] == "/entries?client=2001%3Adb8%3A%3A%2F32&state=waiting&limit=100"


@pytest.mark.parametrize("arguments, shown", [((), 100), (("--limit", "1500"), 1500),
                                              (("--all",), 2500)])
def test_list_follows_the_pages(daemon, arguments, shown):
    daemon.replies["GET", "/entries"] = pages(2500)
    done = daemon.run("list", *arguments)
    assert len(done.stdout.splitlines()) == shown + 1
    assert ("There are more" in done.stderr) == (shown < 2500)


def test_list_of_nothing(daemon):
    daemon.replies["GET", "/entries"] = 200, {"entries": [], "next": None}
    done = daemon.run("list")
    assert done.returncode == 1 and "no such entry" in done.stderr and done.stdout == ""


def test_forget(daemon):
    daemon.replies["DELETE", "/entries"] = 200, {"removed": 1200}
    done = daemon.run("forget", "--sender", "b.example")
    assert (done.returncode, done.stdout) == (0, "1,200 entries forgotten.\n")
    assert daemon.asked == [("DELETE", "/entries?sender=b.example", "")]
    daemon.run("forget", "--all")
    assert daemon.asked[1][1] == "/entries?all=yes"


def test_forget_nothing_matched(daemon):
    daemon.replies["DELETE", "/entries"] = 404, {"error": "no entry matches", "status": 404}
    done = daemon.run("forget", "--sender", "x.example")
    assert (done.returncode, done.stderr) == (1, "sixgatectl: no entry matches\n")


@pytest.mark.parametrize("arguments", [(), ("--all", "--sender", "x"), ("--state", "gone"),
                                       ("--nothing",), ("x.example",)])
def test_forget_is_not_guessed(daemon, arguments):
    assert daemon.run("forget", *arguments).returncode == 2
    assert daemon.asked == []


def test_forget_dry_run_removes_nothing(daemon):
    daemon.replies["GET", "/entries"] = pages(2500)
    done = daemon.run("forget", "--all", "--dry-run")
    assert (done.returncode, done.stdout) == (0, "2,500 entries would be forgotten.\n")
    assert {method for method, _, _ in daemon.asked} == {"GET"}


def test_clients(daemon):
    daemon.replies["GET", "/clients"] = 200, {"clients": [
        {"client": "2001:db8::/64", "state": "known", "by": "allow", "passes": 1000000, "counted": 1,
         "last_seen": NOW - 10, "expires": NOW + 86400 * 10}], "next": None}
    assert daemon.run("known").stdout.splitlines()[1].split()[:4] == ["known", "2001:db8::/64", "allow", "-"]
    daemon.replies["POST", "/clients"] = 200, {"client": "2001:db8::/64", "state": "known"}
    assert daemon.run("allow", "2001:db8::1").stdout.startswith("2001:db8::/64 is known now")
    assert json.loads(daemon.asked[-1][2]) == {"client": "2001:db8::1"}
    daemon.replies["DELETE", "/clients"] = 200, {"removed": 1}
    assert daemon.run("forget-client", "2001:db8::1").stdout == "1 client forgotten.\n"
    assert daemon.run("forget-client").returncode == 2
    assert daemon.run("allow").returncode == 2


EXPLAINED = 200, {"steps": [{"step": "iprev", "result": "fail", "text": "it has no name",
                             "details": ["asked: PTR"]}],
                  "verdict": {"action": "reject", "reason": "gate", "answer": "550 5.7.25 no"}}
LINE = ("action=greylist, reason=new, client_name=unknown, client_address=2001:db8::1, "
        "sender=a\\x2cb@c.example, recipient=d@e.example, delay=0")


def test_explain(daemon):
    daemon.replies["POST", "/explain"] = EXPLAINED
    done = daemon.run("explain", "--client", "2001:db8::1", "--sender", "<>",
                      "--recipient", "d@e.example", "--helo", "mx.example")
    assert done.returncode == 0
    assert "iprev  fail  it has no name" in done.stdout
    assert "Then:" not in done.stdout and "Now: reject (gate)" in done.stdout
    assert json.loads(daemon.asked[0][2]) == {
        "client_address": "2001:db8::1", "sender": "", "recipient": "d@e.example",
        "helo_name": "mx.example"}


def test_explain_tells_what_is_dry(daemon):
    status, answer = EXPLAINED
    daemon.replies["POST", "/explain"] = status, {**answer, "verdict": {**answer["verdict"], "dry": True}}
    done = daemon.run("explain", "--log", LINE + ", greylist=dry")
    assert [line.split(";")[1:] for line in done.stdout.splitlines() if line.startswith(("Then", "Now"))] == [
        [" not done, as greylist = dry: the mail passes"]] * 2


@pytest.mark.parametrize("prefix", ["", "Nov 25 20:00:00 mx sixgated[7]: "])
def test_explain_past_mail(daemon, prefix):
    daemon.replies["POST", "/explain"] = EXPLAINED
    done = daemon.run("explain", "--log", "-", stdin=prefix + LINE + "\n")
    assert done.stdout.index("Then: greylist (new)") < done.stdout.index("Now: reject")
    assert json.loads(daemon.asked[0][2]) == {
        "client_address": "2001:db8::1", "client_name": "unknown", "sender": "a,b@c.example",
        "recipient": "d@e.example"}


@pytest.mark.parametrize("line, said", [
    ("connect from unknown", "no action="),
    (LINE.replace("2001:db8::1", "h:00"), "privacy"),
    (LINE.replace("recipient=", "rcpt="), "no recipient="),
    (LINE.replace("x2c", "xzz"), "two digits")])
def test_explain_refuses_lines(daemon, line, said):
    done = daemon.run("explain", "--log", line)
    assert done.returncode == 1 and said in done.stderr and daemon.asked == []


def test_config(daemon):
    daemon.replies["GET", "/config"] = 200, {"settings": [
        {"name": "greylist", "value": "dry", "is_default": False, "waits_for_restart": False},
        {"name": "store", "value": "sqlite:/x", "is_default": False, "waits_for_restart": True},
        {"name": "gate", "value": "enforce", "is_default": True, "waits_for_restart": False}]}
    done = daemon.run("config")
    assert done.stdout.splitlines() == [
        "greylist = dry", "# changed in the file, but it waits for a restart:", "store = sqlite:/x"]
    assert daemon.run("config", "--all").stdout.endswith("# gate = enforce\n")


def test_reload(daemon):
    daemon.replies["POST", "/reload"] = 200, {"reloaded": True, "messages": ["farms:3: warning"]}
    assert daemon.run("reload").stdout.startswith("farms:3: warning\n")
    daemon.replies["POST", "/reload"] = 422, {
        "error": "nothing was changed", "status": 422, "messages": ["x:1: greylst: unknown"]}
    done = daemon.run("reload")
    assert done.returncode == 1
    assert done.stderr.splitlines() == ["sixgatectl: nothing was changed",
                                        "sixgatectl: x:1: greylst: unknown"]


def test_metrics(daemon):
    daemon.replies["GET", "/metrics"] = 200, b"# HELP a b\na 1\n"
    assert daemon.run("metrics").stdout == "# HELP a b\na 1\n"


def test_json_is_what_the_socket_said(daemon):
    said = b'{"healthy":true,  "line":"OK"}\n'
    daemon.replies["GET", "/health"] = 200, said
    assert daemon.run("--json", "health").stdout == said.decode()
    assert daemon.run("health", "--json").stdout == said.decode()


def test_usage():
    assert run().returncode == 2
    assert run("nothing").returncode == 2
    assert "there is no such option" in run("--nothing").stderr
    assert run("--version").stdout.startswith("sixgatectl 0.")
    assert "--dry-run" in run("forget", "--help").stdout
    assert run("help", "forget").stdout == run("forget", "--help").stdout


def test_stats_tell_what_a_dry_mode_would_have_done(daemon):
    daemon.replies["GET", "/stats"] = 200, {"counters": [
        {"name": "sixgate_requests_total", "type": "counter", "help": "Requests.", "series": [
            {"labels": {"verdict": "greylist", "reason": "new", "mode": "dry"}, "since_start": 2, "total": 25},
            {"labels": {"verdict": "pass", "reason": "mynetworks", "mode": "enforce"}, "since_start": 9, "total": 75}]},
        {"name": "sixgate_gate_judgements_total", "type": "counter", "help": "Gate.", "series": [
            {"labels": {"rule": "spf fail", "mode": "dry"}, "since_start": 1, "total": 5},
            {"labels": {"rule": "iprev fail", "mode": "enforce"}, "since_start": 1, "total": 7}]}]}
    lines = [line.split() for line in daemon.run("stats").stdout.splitlines()]
    assert "deferred by greylisting new 2 25 25.0%".split() in lines
    assert "refused by the gate spf fail 1 5 5.0%".split() in lines
    assert not any("iprev" in line and "refused" in line for line in lines), "what is enforced is no dry run"
    assert "SENDER'S DOMAIN" not in daemon.run("stats").stdout, "no head without a row"
    assert "may be in both" in daemon.run("stats").stdout, "both rows count mail that both would have stopped"
