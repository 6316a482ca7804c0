#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The show of tools/quickstart: start sixgated in a private directory, ask it over its policy socket what
a real smtpd would ask, and show question and answer."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from show_dns import TXT, NameServer

DELAY_S = 3
TREE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# What Postfix 3.7 sends at RCPT TO, in its order.
REQUEST = """\
request=smtpd_access_policy
protocol_state=RCPT
protocol_name=ESMTP
client_address={address}
client_name={name}
client_port=40017
reverse_client_name={name}
server_address=2001:db8:53::25
server_port=25
helo_name={name}
sender={sender}
recipient={recipient}
recipient_count=0
queue_id=
instance={instance}
size=1723
etrn_domain=
stress=
sasl_method=
sasl_username=
sasl_sender=
ccert_subject=
ccert_issuer=
ccert_fingerprint=
ccert_pubkey_fingerprint=
encryption_protocol=TLSv1.3
encryption_cipher=TLS_AES_256_GCM_SHA384
encryption_keysize=256
policy_context=

"""

# Who may send for whom (SPF).  No address of the show has a name: what a client is called, smtpd has found out.
RECORDS = {
    ("example.org", TXT): "v=spf1 ip6:2001:db8:1::/48 -all",
    ("gmail.com", TXT): "v=spf1 ip4:192.0.2.0/24 ip6:2001:db8:4860::/48 ~all",
    ("partner.example", TXT): "v=spf1 ip4:198.51.100.0/24 -all",
}

TITLE = "\x1b[1m{}\x1b[0m" if sys.stdout.isatty() and "NO_COLOR" not in os.environ else "{}"


class Daemon:
    """sixgated on SQLite in a directory of its own."""

    def __init__(self, name_server):
        self.directory = tempfile.mkdtemp(prefix="sixgate-quickstart-")
        self.socket = os.path.join(self.directory, "policy")
        self.admin_socket = os.path.join(self.directory, "admin")
        self.port = free_port()
        self.log_name = os.path.join(self.directory, "log")
        shutil.copy(os.path.join(TREE, "etc", "farms"), self.directory)
        with open(os.path.join(self.directory, "sender_access"), "w") as table:
            table.write("# Mail from this domain, and from below it, is never greylisted.\n"
                        "partner.example   OK\n")
        self.settings = settings = {
            "policy_listen": f"unix:{self.socket} inet:127.0.0.1:{self.port}",
            "admin_listen": f"unix:{self.admin_socket}",
            "store": "sqlite:" + os.path.join(self.directory, "sixgate.db"),
            "farms": os.path.join(self.directory, "farms"),
            "sender_access": os.path.join(self.directory, "sender_access"),
            "recipient_access": "",
            "greylist_delay": f"{DELAY_S}s",
            "authserv_id": "mx.here.example",
            "dns_servers": name_server.address,
        }
        os.chmod(self.directory, 0o755)
        if os.getuid() == 0:
            settings["user"] = "nobody"
            nobody = pwd.getpwnam("nobody")
            os.chown(self.directory, nobody.pw_uid, nobody.pw_gid)
        self.config = os.path.join(self.directory, "sixgate.conf")
        self.write_settings()
        self.log = open(self.log_name, "w")
        self.process = subprocess.Popen(
            [os.path.join(TREE, "build", "sixgated"), "-c", self.config, "-v"], stderr=self.log,
            start_new_session=True)  # the terminal's signals are for us, who then end it

    def write_settings(self):
        with open(self.config, "w") as config:
            for name, value in self.settings.items():
                config.write(f"{name} = {value}\n")

    def use_real_dns(self):
        """From here on the questions are a real Postfix's."""
        del self.settings["dns_servers"], self.settings["authserv_id"]
        self.write_settings()
        self.process.send_signal(signal.SIGHUP)

    def connect(self):
        """A connection to the policy socket, as soon as there is one."""
        end = time.monotonic() + 30
        while True:
            connection = socket.socket(socket.AF_UNIX)
            try:
                connection.connect(self.socket)
                return connection
            except OSError as error:
                connection.close()
                if self.process.poll() is not None or time.monotonic() > end:
                    with open(self.log_name) as log:
                        sys.exit(f"sixgated did not start: {error}\n{log.read()}")
            time.sleep(0.02)

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        status = self.process.wait()
        self.log.close()
        shutil.rmtree(self.directory)
        return status


def free_port():
    """A TCP port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ask(connection, **attributes):
    """Send one request on the connection, as smtpd does, and read the action."""
    connection.sendall(REQUEST.format(**attributes).encode())
    answer = b""
    while not answer.endswith(b"\n\n"):
        piece = connection.recv(4096)
        if not piece:
            sys.exit("sixgated closed the connection without an answer")
        answer += piece
    return answer.decode()[len("action="):].strip()


def show(connection, number, title, expected, meaning, **attributes):
    """One question, its answer, and what that means; whether the answer is the expected one."""
    action = ask(connection, instance=f"show.{number}", **attributes)
    good = action.startswith(expected)
    print(TITLE.format(f"{number}. {title}"))
    print(f"   client   {attributes['name']}[{attributes['address']}]")
    print(f"   mail     from=<{attributes['sender']}> to=<{attributes['recipient']}>")
    print(f"   answer   action={action}")
    print(f"            {meaning}" if good else f"            expected was: {expected}")
    print()
    return good


def run_show(connection):
    """The whole tour; True when every answer was as expected."""
    anna = {"name": "mail.example.org", "sender": "anna@example.org", "recipient": "you@here.example"}
    gmail = {"sender": "bob@gmail.com", "recipient": "you@here.example"}
    deferred, passed, header = "DEFER_IF_PERMIT 4.7.1", "DUNNO", "PREPEND Authentication-Results: "
    good = [
        show(connection, 1, "A new sender", deferred,
             "Postfix says 450: come back later. A mail server does; most spam does not.",
             address="2001:db8:1::25", **anna),
        show(connection, 2, "The same again, too early", deferred,
             f"The delay ({DELAY_S} seconds here, 5 minutes by default) is not over.",
             address="2001:db8:1::25", **anna),
        show(connection, 3, "A big provider's first try", deferred,
             "Gmail is new here too, once for each sender and recipient.",
             name="mail-wr1-f41.google.com", address="192.0.2.41", **gmail),
    ]
    print(f"   ... {DELAY_S} seconds later ...\n")
    time.sleep(DELAY_S)
    good += [
        show(connection, 4, "The first sender comes back", header,
             "It waited, so it passes, with a header that tells who it proved to be.",
             address="2001:db8:1::25", **anna),
        show(connection, 5, "The same from another address of its /64", header,
             "An IPv6 client is its /64: one machine has all of these addresses.",
             address="2001:db8:1::dead:beef", **anna),
        show(connection, 6, "The provider comes back from quite another address", header,
             "It is the farm \"google\" of etc/farms: one client, whatever its address.",
             name="mail-ej1-f54.google.com", address="2001:db8:4860:4864::54", **gmail),
        show(connection, 7, "A whitelisted sender", passed,
             "partner.example is OK in sender_access: never greylisted.",
             name="mx.partner.example", address="198.51.100.9", sender="carla@partner.example",
             recipient="you@here.example"),
        show(connection, 8, "Somebody else under the same name", deferred,
             "partner.example's SPF record says no: the OK does not count, and it is greylisted.",
             name="host9.example.net", address="203.0.113.9", sender="carla@partner.example",
             recipient="you@here.example"),
        show(connection, 9, "An IPv6 host without a name", "550 5.7.25",
             "The gate: no reverse DNS. Over IPv6, Google refuses it as well.",
             name="unknown", address="2001:db8:bad::1", sender="dan@example.com",
             recipient="you@here.example"),
        show(connection, 10, "A forged sender over IPv6", "550 5.7.23",
             "The gate: example.org's SPF record does not name this host.",
             name="host7.example.net", address="2001:db8:bad::7", sender="anna@example.org",
             recipient="you@here.example"),
    ]
    return all(good)


def show_explanation(daemon):
    """Question 9 again, to sixgatectl, which tells the way to the answer; whether it could be asked."""
    command = [os.path.join(TREE, "build", "sixgatectl"), "--socket", daemon.admin_socket, "explain", "--client",
               "2001:db8:bad::1", "--sender", "dan@example.com", "--recipient", "you@here.example"]
    print("    " + " ".join([os.path.relpath(command[0], TREE), *command[1:4], "\\\n       ", *command[4:]]) + "\n", flush=True)
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    print("".join(f"    {line}\n" for line in done.stdout.splitlines()))
    return done.returncode == 0


def follow_log(daemon):
    """Print what the daemon logs, from here on, until interrupted."""
    with open(daemon.log_name) as log:
        log.seek(0, os.SEEK_END)
        while daemon.process.poll() is None:
            line = log.readline()
            if line:
                print(line, end="", flush=True)
            else:
                time.sleep(0.2)


def main():
    # Interrupted or terminated, the daemon is ended and its directory removed.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.default_int_handler)
    daemon = Daemon(NameServer(RECORDS))
    good = False
    try:
        connection = daemon.connect()
        print(f"\nsixgated runs in {daemon.directory}\n")
        good = run_show(connection)
        connection.close()
        daemon.use_real_dns()
        print("Ask it why, and what else it knows; sixgatectl --help lists what can be asked:\n")
        good = show_explanation(daemon) and good
        print("To let a Postfix on this machine ask it, put this into main.cf, in")
        print("smtpd_recipient_restrictions, behind reject_unauth_destination:\n")
        print(f"    check_policy_service {{ unix:{daemon.socket}, timeout=30s, default_action=DUNNO }}\n")
        print("An smtpd that is chrooted, as Debian's is, does not see that path; it takes\n")
        print(f"    check_policy_service {{ inet:127.0.0.1:{daemon.port}, timeout=30s, default_action=DUNNO }}\n")
        print("README.md tells how it is done for good.")
        if "--exit" not in sys.argv[1:]:
            print("\nIts log follows. Interrupt (Ctrl-C) to end.\n", flush=True)
            follow_log(daemon)
    except KeyboardInterrupt:
        pass
    except BrokenPipeError:
        # Nobody reads any more (quickstart | head); nothing is to be said at the end either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    finally:
        status = daemon.end()
    return 0 if good and status == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
