# SPDX-License-Identifier: BSD-2-Clause
"""outbound against a test's own DNS: each failure, what is to be mended, and what could not be told."""

import json
import os
import time

import behaviour
import pytest
from conftest import run
from name_server import NameServer

V6, V4 = "2001:db8::25", "192.0.2.25"
REVERSE_V6 = "5.2." + "0." * 22 + "8.b.d.0.1.0.0.2.ip6.arpa"
WELL = """
example.org       TXT   v=spf1 ip6:2001:db8::25 ip4:192.0.2.25 -all
mail.example.org  AAAA  2001:db8::25
mail.example.org  A     192.0.2.25
mail.example.org  TXT   v=spf1 a -all
2001:db8::25      PTR   mail.example.org
192.0.2.25        PTR   mail.example.org
"""


@pytest.fixture(autouse=True)
def no_postfix(tmp_path, monkeypatch):
    """This machine's own Postfix says nothing in the tests."""
    write_postconf(tmp_path, "exit 1")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")


def write_postconf(directory, commands):
    (directory / "postconf").write_text(f"#!/bin/sh\n{commands}\n")
    (directory / "postconf").chmod(0o755)


@pytest.fixture
def names():
    with NameServer(WELL) as server:
        yield server


@pytest.fixture
def postfix(tmp_path):
    """A postconf that says what a test wants."""
    def install(services="smtp  unix  -  -  y  -  -  smtp", overrides="", **values):
        values = {"config_directory": "/etc/postfix", "inet_protocols": "all", "transport_maps": "",
                  "smtp_helo_name": "mail.example.org", "myhostname": "mail.example.org",
                  "myorigin": "example.org", **values}
        text = "".join(f"{name} = {value}\n" for name, value in values.items())
        for name, content in ("values", text), ("services", services + "\n"), ("overrides", overrides):
            (tmp_path / name).write_text(content)
        write_postconf(tmp_path, f'case "$*" in -M) cat {tmp_path}/services ;; *-P*) cat {tmp_path}/overrides ;; '
                                 f'*) cat {tmp_path}/values ;; esac')
    return install


def ask(names, *arguments, ips=(V6, V4), sender="ann@example.org", helo="mail.example.org"):
    options = [option for ip in ips for option in ("--ip", ip)]
    for name, value in ("--from", sender), ("--helo", helo):
        options += [name, value] if value is not None else []
    return run("outbound", "--dns", names.address, *options, *arguments)


def report(names, status=1, **options):
    done = ask(names, "--json", **options)
    assert done.stderr == "" and status in (done.returncode, None), done.stdout
    return json.loads(done.stdout)


def checks(answer, address):
    [found] = [each for each in answer["addresses"] if each["address"] == address]
    return {check["check"]: check["result"] for check in found["checks"]}


def verdicts(answer, address):
    """(verdict, code) of Google and of Microsoft."""
    [found] = [each for each in answer["addresses"] if each["address"] == address]
    return [(found["verdicts"][name]["verdict"], (found["verdicts"][name]["reply"] or "")[:10])
            for name in ("google", "microsoft")]


def records(answer):
    return [item["record"] for item in answer["mend"]]


ALL_OK = {"ptr": "ok", "forward": "ok", "spf": "ok", "helo": "ok", "helo_spf": "ok"}
ACCEPTED = [("accepts", ""), ("accepts", "")]
UNKNOWN = [("unknown", ""), ("unknown", "")]


def test_all_is_well(names):
    answer = report(names, status=0)
    for address in V6, V4:
        assert checks(answer, address) == ALL_OK
        assert verdicts(answer, address) == ACCEPTED
    assert answer["accepts"] and answer["mend"] == [] and answer["better"] == [] and answer["postfix"] is None
    done = ask(names)
    assert done.returncode == 0
    assert done.stdout.count("Google: accepts\n") == done.stdout.count("Microsoft: accepts\n") == 2
    assert "DKIM" in done.stdout and "What to mend" not in done.stdout


def test_no_ptr_record(names):
    names.zone.remove(V6, "PTR")
    answer = report(names)
    assert checks(answer, V6) == {**ALL_OK, "ptr": "FAIL", "forward": "-"}
    assert verdicts(answer, V6) == [("refuses", "550 5.7.25"), ("refuses", "450 4.7.25")]
    assert verdicts(answer, V4) == ACCEPTED
    assert records(answer) == [f"{REVERSE_V6}. IN PTR mail.example.org."]


def test_no_ptr_record_over_ipv4(names):
    names.zone.remove(V4, "PTR")
    answer = report(names)
    assert verdicts(answer, V6) == ACCEPTED
    assert verdicts(answer, V4) == [("refuses", "550 5.7.25"), ("suspects", "")]
    assert records(answer) == ["25.2.0.192.in-addr.arpa. IN PTR mail.example.org."]
    assert answer["postfix"] is None, "IPv4 is no way around IPv4"


def test_name_does_not_lead_back(names):
    names.zone.remove(V6, "PTR")
    names.add("2001:db8::25 PTR c-25.provider.example\nc-25.provider.example AAAA 2001:db8::99")
    answer = report(names)
    assert checks(answer, V6) == {**ALL_OK, "forward": "FAIL"}
    assert verdicts(answer, V6) == [("refuses", "550 5.7.25"), ("refuses", "450 4.7.25")]
    assert records(answer) == [f"c-25.provider.example. IN AAAA {V6}",
                               f"{REVERSE_V6}. IN PTR mail.example.org."]
    [v6, _] = answer["addresses"]
    assert v6["names"] == [{"name": "c-25.provider.example", "leads_back": False, "addresses": ["2001:db8::99"]}]
    assert answer["postfix"] is not None


def test_more_names_than_anybody_looks_at(names):
    names.zone.remove(V6, "PTR")
    names.add("\n".join(f"{V6} PTR n{i}.example.org" for i in range(12)))
    answer = report(names)
    assert checks(answer, V6) == {**ALL_OK, "forward": "unknown"}
    assert verdicts(answer, V6) == UNKNOWN
    [item] = answer["mend"]
    assert "leave it one PTR record" in item["text"], "asking again would not help"
    assert item["record"] == f"{REVERSE_V6}. IN PTR mail.example.org."


def test_forward_record_is_missing(names):
    names.zone.remove("mail.example.org", "AAAA")
    answer = report(names)
    assert checks(answer, V6) == {"ptr": "ok", "forward": "FAIL", "spf": "ok", "helo": "note", "helo_spf": "FAIL"}
    assert f"mail.example.org. IN AAAA {V6}" in records(answer)


@pytest.mark.parametrize("present, mended", [
    ("v=spf1 ip4:192.0.2.25 -all", "v=spf1 ip4:192.0.2.25 ip6:2001:db8::25 -all"),
    ("v=spf1 ip4:192.0.2.25 redirect=_spf.example.org",
     "v=spf1 ip4:192.0.2.25 ip6:2001:db8::25 redirect=_spf.example.org"),
])
def test_spf_fails_for_one_family(names, present, mended):
    names.zone.remove("example.org", "TXT")
    names.add(f"example.org TXT {present}\nexample.org TXT another text\n_spf.example.org TXT v=spf1 -all")
    answer = report(names)
    assert checks(answer, V6) == {**ALL_OK, "spf": "FAIL"}
    assert verdicts(answer, V6) == [("refuses", "550 5.7.26"), ("needs_dkim", "450 4.7.26")]
    assert verdicts(answer, V4) == ACCEPTED
    assert records(answer) == [f'example.org. IN TXT "{mended}"']
    names.zone.remove("example.org", "TXT")
    names.add(f"example.org TXT {mended}")
    report(names, status=0)


@pytest.mark.parametrize("record, code", [("v=spf1 ~all", "softfail"), ("v=spf1 ?all", "neutral")])
def test_spf_does_not_list_the_addresses(names, record, code):
    names.zone.remove("example.org", "TXT")
    names.add(f"example.org TXT {record}")
    answer = report(names)
    assert verdicts(answer, V6) == [("needs_dkim", "550 5.7.26"), ("needs_dkim", "450 4.7.26")]
    assert verdicts(answer, V4) == [("needs_dkim", "550 5.7.26"), ("suspects", "")]
    assert records(answer) == [f'example.org. IN TXT "v=spf1 ip6:{V6} ip4:{V4} {record[7:]}"']
    assert code in ask(names).stdout


def test_no_spf_record(names):
    names.zone.remove("example.org", "TXT")
    answer = report(names)
    assert checks(answer, V6) == {**ALL_OK, "spf": "FAIL"}
    assert records(answer) == [f'example.org. IN TXT "v=spf1 ip6:{V6} ip4:{V4} ~all"']


def test_long_spf_record_is_printed_in_strings_that_fit(names):
    names.zone.remove("example.org", "TXT")
    terms = " ".join(f"ip4:198.51.100.{i}" for i in range(20))
    names.add(f"example.org TXT v=spf1 {terms} -all")
    [record] = records(report(names))
    strings = record.split('"')[1::2]
    assert max(map(len, strings)) <= 255 and "".join(strings).endswith(f"ip6:{V6} ip4:{V4} -all")


@pytest.mark.parametrize("text", ["v=spf1 nonsense -all", "v=spf1 -all\nexample.org TXT v=spf1 mx -all"])
def test_spf_record_cannot_be_interpreted(names, text):
    names.zone.remove("example.org", "TXT")
    names.add(f"example.org TXT {text}")
    answer = report(names)
    assert checks(answer, V6)["spf"] == "FAIL"
    [item] = answer["mend"]
    assert item["text"].startswith("Mend the SPF record of example.org:") and item["record"] == ""


def test_no_such_domain(names):
    answer = report(names, sender="ann@nowhere.example")
    assert checks(answer, V6) == {**ALL_OK, "spf": "FAIL"}
    assert [verdict for verdict, _ in verdicts(answer, V6)] == ["refuses", "refuses"]
    assert "IN TXT" not in str(records(answer)), "a domain that is not there gets no record"


@pytest.mark.parametrize("helo, records_needed", [
    ("mail", ["smtp_helo_name = mail.example.org", f"mail.example.org. IN AAAA {V6}"]),
    ("[192.0.2.25]", ["smtp_helo_name = mail.example.org"]),
    ("nowhere.example.org", [f"nowhere.example.org. IN AAAA {V6}", f"nowhere.example.org. IN A {V4}"]),
])
def test_helo_name_is_none(names, helo, records_needed):
    answer = report(names, helo=helo)
    assert checks(answer, V6)["helo"] == "FAIL"
    assert verdicts(answer, V6) == [("suspects", ""), ("suspects", "")]
    assert set(records_needed) <= set(records(answer))


def test_helo_name_leads_elsewhere(names):
    names.add("other.example.org A 192.0.2.99\nother.example.org TXT v=spf1 ip4:192.0.2.25 ip6:2001:db8::25 -all")
    answer = report(names, helo="other.example.org", status=0)
    assert checks(answer, V6)["helo"] == "note"
    assert f"other.example.org. IN AAAA {V6}" in [item["record"] for item in answer["better"]]


def test_spf_of_the_helo_name(names):
    names.zone.remove("mail.example.org", "TXT")
    answer = report(names, status=0)
    assert checks(answer, V6)["helo_spf"] == "note"
    assert [item["record"] for item in answer["better"]] == ['mail.example.org. IN TXT "v=spf1 a -all"']
    names.add("mail.example.org TXT v=spf1 -all")
    answer = report(names)
    assert checks(answer, V6)["helo_spf"] == "FAIL"
    assert records(answer) == [f"ip6:{V6}", f"ip4:{V4}"], "a second record would make both void"


@pytest.mark.parametrize("name, kind, check", [
    (V6, "PTR", "ptr"), ("mail.example.org", "AAAA", "forward"), ("example.org", "TXT", "spf"),
    ("mail.example.org", "TXT", "helo_spf"), ("mail.example.org", "AAAA", "helo")])
def test_what_dns_cannot_tell_is_no_failure(names, name, kind, check):
    names.behave(behaviour.fails("SERVFAIL"), name, kind)
    answer = report(names)
    found = checks(answer, V6)
    assert found[check] == "unknown" and "FAIL" not in found.values()
    assert verdicts(answer, V6) == UNKNOWN
    assert answer["mend"] == [] and answer["postfix"] is None
    assert "could not tell" in ask(names).stdout


def test_no_name_server_answers(names):
    names.otherwise = behaviour.never
    start = time.monotonic()
    answer = report(names)
    assert time.monotonic() - start < 40
    for address in V6, V4:
        assert "FAIL" not in checks(answer, address).values()
        assert verdicts(answer, address) == UNKNOWN
    assert answer["mend"] == []


def test_all_addresses_are_asked_about_at_once(names):
    names.otherwise = behaviour.delayed(0.3)
    start = time.monotonic()
    addresses = [f"2001:db8::{i:x}" for i in range(1, 61)]
    answer = report(names, ips=addresses)
    assert len(answer["addresses"]) == 60
    assert time.monotonic() - start < 10


def test_hostile_names_are_made_printable(names):
    names.zone.remove("example.org", "TXT")
    names.zone.add_record("example.org", "TXT", b"v=spf1 \x1b[31m\xff -all")
    done = ask(names)
    assert "\x1b" not in done.stdout and done.returncode == 1
    report(names)


@pytest.mark.parametrize("arguments, said", [
    (("--ip", "mail.example.org"), "expected an IPv4 or IPv6 address"),
    (("--ip", "10.0.0.5"), "public"), (("--ip", "::1"), "public"), (("--ip", "fd00::1"), "public"),
    (("--from", "example.org"), "user@domain"), (("--from", ""), "user@domain"), (("--from", "a@"), "user@domain"),
    (("--from", "@example.org"), "user@domain"), (("--dns", "ns.example.org"), "name server"),
    (("--nothing",), ""), (("2001:db8::1",), "options only"), (("--ip",), ""),
    (tuple(f"--ip=2001:db8::{i:x}" for i in range(1, 67)), "at most 64"),
])
def test_usage(arguments, said):
    done = run("outbound", *arguments)
    assert done.returncode == 2 and done.stdout == ""
    assert said in done.stderr and "Usage: sixgatectl outbound" in done.stderr


def test_no_daemon_and_no_settings_are_needed(names):
    done = run("-s", "/nonexistent/admin", "-c", "/nonexistent/sixgate.conf", "outbound", "--dns", names.address,
               "--ip", V6, "--from", "ann@example.org", "--helo", "mail.example.org")
    assert (done.returncode, done.stderr) == (0, "")


# What Postfix says of itself

def test_sender_and_helo_name_are_those_of_postfix(names, postfix):
    postfix()
    answer = report(names, sender=None, helo=None, status=0)
    assert (answer["sender"], answer["helo"]) == ("postmaster@example.org", "mail.example.org")


def test_myorigin_may_be_a_file(names, postfix, tmp_path):
    (tmp_path / "mailname").write_text("example.org\n")
    postfix(myorigin=tmp_path / "mailname")
    answer = report(names, sender=None, helo=None, status=0)
    assert answer["sender"] == "postmaster@example.org"


def test_bound_addresses_are_the_ones_to_check(names, postfix):
    postfix(smtp_bind_address=V4, overrides=f"smtp/unix/smtp_bind_address6 = {V6}\n")
    answer = report(names, ips=(), status=0)
    assert [each["address"] for each in answer["addresses"]] == [V6, V4]


def test_only_address_in_inet_interfaces_is_bound_to(names, postfix):
    postfix(inet_interfaces=f"{V4}, [{V6}]")
    assert [each["address"] for each in report(names, ips=(), status=0)["addresses"]] == [V6, V4]
    postfix(inet_interfaces=f"127.0.0.1, {V4}, [{V6}]", smtp_bind_address="192.0.2.26")
    assert [each["address"] for each in report(names, ips=())["addresses"]] == [V6, "192.0.2.26"]
    postfix(inet_interfaces=f"127.0.0.1, {V4}, [::1], [{V6}]", smtp_bind_address=V4)
    addresses = [each["address"] for each in report(names, ips=(), status=None)["addresses"]]
    assert V6 not in addresses, "of two it is none"


def test_family_that_postfix_does_not_use_is_not_checked(names, postfix):
    postfix(inet_protocols="ipv4", smtp_bind_address=V4, smtp_bind_address6=V6)
    answer = report(names, ips=(), status=0)
    assert [each["address"] for each in answer["addresses"]] == [V4]
    assert any("inet_protocols = ipv4" in note for note in answer["notes"])


def test_nat_hides_the_address(names, postfix):
    postfix(inet_protocols="ipv4", smtp_bind_address="10.0.0.5")
    answer = report(names, ips=())
    assert answer["addresses"] == []
    assert any("10.0.0.5" in note and "--ip" in note for note in answer["notes"])


def test_relayhost_is_told(names, postfix):
    postfix(smtp_bind_address=V4, smtp_bind_address6=V6, relayhost="[relay.example]")
    answer = report(names, ips=())
    assert any("[relay.example]" in note for note in answer["notes"])


def test_no_lines_lead_around_a_relay(names, postfix):
    names.zone.remove(V6, "PTR")
    postfix(smtp_bind_address=V4, smtp_bind_address6=V6, relayhost="[relay.example]")
    assert report(names, ips=())["postfix"] is None
    assert report(names, ips=(V6,))["postfix"] is None, "nor when it is the relay's address"


@pytest.mark.parametrize("services, master", [
    ("smtp  unix  -  -  y  -  -  smtp", ["smtp-ipv4 unix  -       -       y       -       -       smtp",
                                         "  -o inet_protocols=ipv4"]),
    ("smtp inet n - y - - smtpd\nsmtp unix - - n - 20 smtp -o smtp_tls_security_level=may\nrelay unix - - y - - smtp",
     ["smtp-ipv4 unix  -       -       n       -       20      smtp", "  -o smtp_tls_security_level=may",
      "  -o inet_protocols=ipv4"]),
    ("smtp unix - - - - - smtp\nsmtp-ipv4 unix - - - - - smtp", []),
])
def test_service_is_like_that_of_this_postfix(names, postfix, services, master):
    names.zone.remove(V6, "PTR")
    postfix(services=services, config_directory="/etc/postfix-out")
    answer = report(names)
    assert answer["postfix"]["master_cf"] == master
    assert answer["postfix"]["transport_file"] == "/etc/postfix-out/transport_ipv4"
    printed = ask(names).stdout.splitlines()
    assert all(line in printed for line in [*master, *answer["postfix"]["transport"], "postfix reload"])


@pytest.mark.parametrize("present, main_cf", [
    ("", ["transport_maps = texthash:/etc/postfix/transport_ipv4"]),
    ("hash:$config_directory/transport",
     ["transport_maps = hash:$config_directory/transport, texthash:/etc/postfix/transport_ipv4"]),
    ("texthash:/etc/postfix/transport_ipv4", []),
])
def test_transport_maps_that_are_there_stay(names, postfix, present, main_cf):
    names.zone.remove(V6, "PTR")
    postfix(transport_maps=present)
    assert report(names)["postfix"]["main_cf"] == main_cf


def test_ipv4_that_is_no_way_around(names):
    names.zone.remove(V6, "PTR")
    names.zone.remove(V4, "PTR")
    assert any("IPv4 is mended" in note for note in report(names)["notes"])


@pytest.mark.parametrize("commands", ["exec sleep 600", "while :; do echo x = y; done"])
def test_postconf_that_never_ends_is_not_waited_for(names, tmp_path, commands):
    write_postconf(tmp_path, commands)
    start = time.monotonic()
    answer = report(names, status=0)
    assert time.monotonic() - start < 15
    assert any("Postfix was not asked" in note for note in answer["notes"])
