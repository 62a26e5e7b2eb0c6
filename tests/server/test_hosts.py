"""Which hosts the service answers to."""

import json

import pytest
from server_for_tests import serving, statuses

from servier.errors import ServierError
from servier.server.hosts import allow_hosts

HERE = allow_hosts("127.0.0.1", "127.0.0.1", [])
EVERYWHERE = allow_hosts("0.0.0.0", "0.0.0.0", ["Bücher.example.", "scores:8080", "2001:db8::7"])


@pytest.mark.parametrize(
    ("hosts", "authority", "is_allowed"),
    [
        (HERE, "localhost", True),
        (HERE, "LocalHost.:5000", True),
        (HERE, "localhost:", True),
        (HERE, "127.0.0.1:5000", True),
        (HERE, "127.0.0.2", False),
        (HERE, "[::1]", False),
        (HERE, "[::ffff:127.0.0.1]:80", True),
        (HERE, "localhost.evil.example", False),
        (HERE, "evil.example", False),
        (allow_hosts("::1", "::1", []), "[0:0::0001]:5000", True),
        (allow_hosts("fe80::1%eth0", "fe80::1%eth0", []), "[FE80::1]", True),
        (allow_hosts("here.example", "192.0.2.1", []), "HERE.example:1", True),
        (allow_hosts("here.example", "192.0.2.1", []), "192.0.2.1", True),
        (allow_hosts("", "::", []), "[2001:db8::1]", True),
        (EVERYWHERE, "198.51.100.7:5000", True),
        (EVERYWHERE, "[2001:db8::1]", True),
        (EVERYWHERE, "xn--bcher-kva.EXAMPLE", True),
        (EVERYWHERE, "scores", True),
        (EVERYWHERE, "evil.example", False),
        (EVERYWHERE, "0x7f.1", False),
        (EVERYWHERE, "2130706433", False),
        (allow_hosts("127.0.0.1", "127.0.0.1", ["*"]), "evil.example", True),
    ],
)
def test_hosts_are_compared_as_browsers_mean_them(hosts, authority, is_allowed):
    """Ports, final dots, upper case and the ways to write an address do not count; all else does."""
    assert hosts.allow(authority) is is_allowed


@pytest.mark.parametrize(
    "authority",
    [
        "", ":80", ".", "a..b", "localhost..", "user@localhost", "localhost, evil.example", "localhost evil",
        "[::1", "[::1]x", "::1", "[fe80::1%25eth0]", "localhost:80:80", "localhost:http", "localhost/",
        "b\xfccher.example", "localhost\t", "[127.0.0.1]", "localhost:\u0663",
    ],
)  # fmt: skip
def test_what_is_no_host_is_never_allowed(authority):
    """Whatever two programs might read differently is no host, even where any host will do."""
    with pytest.raises(ValueError, match="neither a name nor an address"):
        allow_hosts("::", "::", ["*"]).allow(authority)


@pytest.mark.parametrize(
    "name", ["http://here.example", "here.example/", "a b", "", "faß.example", "a..b", "[::1"]
)
def test_names_that_cannot_be_hosts_are_refused_at_the_start(name):
    """One line says what to give instead; so it is where older and newer rules differ on a letter."""
    with pytest.raises(ServierError, match="cannot be the name of a host"):
        allow_hosts("127.0.0.1", "127.0.0.1", [name])


def request(target="/health", host="localhost", version="1.1", more=""):
    field = "" if host is None else f"Host: {host}\r\n"
    return f"GET {target} HTTP/{version}\r\n{field}{more}Connection: close\r\n\r\n".encode("latin-1")


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (request(), 200),
        (request(host="LOCALHOST.:1"), 200),
        (request(host="evil.example"), 421),
        (request("/", "evil.example"), 421),
        (request("/static/page.js", "evil.example"), 421),
        (request("/nothing", "evil.example"), 421),
        (request(host="198.51.100.7"), 421),
        (request(host=None), 400),
        (request(host=None, version="1.0"), 200),
        (request(host="evil.example", version="1.0"), 421),
        (request(more="Host: localhost\r\n"), 400),
        (request(more="Host: evil.example\r\n"), 400),
        (request(host="evil.example", more="X-Forwarded-Host: localhost\r\n"), 421),
        (request(host="evil.example", more="Forwarded: host=localhost\r\n"), 421),
        (request("http://localhost/health"), 200),
        (request("http://evil.example/health"), 421),
        (request("http://localhost/health", "evil.example"), 421),
        (request("http://evil.example/health", None, "1.0"), 421),
        (request("http://localhost@evil.example/health"), 400),
        (request("//evil.example/health"), 404),
        (request("ftp://localhost/health"), 400),
    ],
)
def test_other_hosts_are_refused(server, content, status):
    """A request for another host is a 421, whatever it asks for, in its field or in its target."""
    assert statuses(server.exchange(content)) == [status]


def test_the_refusal_comes_before_the_body_and_says_what_to_do(server):
    """A client that waits to be told to go on is told to go away, and how to be let in."""
    fields = "Host: evil.example\r\nContent-Length: 9\r\nExpect: 100-continue\r\n"
    answered = server.exchange(f"POST /predict HTTP/1.1\r\n{fields}\r\n".encode())
    assert statuses(answered) == [421]
    answer = json.loads(answered.partition(b"\r\n\r\n")[2])
    assert answer["success"] is False
    assert "--allowed_hosts" in answer["error"]
    assert b"X-Content-Type-Options: nosniff" in answered


@pytest.mark.slow
def test_names_are_added_by_an_option_and_any_address_will_do_for_all(models_dir):
    """As in the image: on all addresses any address is a host, and names are those that were given."""
    options = ("--host", "0.0.0.0", "--allowed_hosts", "scores.example,other.example")
    with serving(models_dir, *options) as server:
        expected = {
            "scores.example": 200,
            "OTHER.example:80": 200,
            "198.51.100.7": 200,
            "[::1]": 200,
            "x": 421,
        }
        found = {host: statuses(server.exchange(request(host=host))) for host in expected}
        assert found == {host: [status] for host, status in expected.items()}


def test_an_impossible_name_is_one_line(command, models_dir):
    """The service does not start with an option that could not mean anything."""
    done = command("serve", "--models_dir", models_dir, "--port", 0, "--allowed_hosts", "http://x", status=1)
    assert done.stderr.startswith("Error: 'http://x' cannot be the name of a host")
