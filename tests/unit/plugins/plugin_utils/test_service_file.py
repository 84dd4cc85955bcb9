"""Service files: what is read, and everything that is refused, in its words."""

from __future__ import annotations

import pytest
from ansible_collections.homelab.pve.plugins.plugin_utils.service_file import (
    Service,
    ServiceFileError,
    parse,
    read_environment,
)
from hypothesis import given
from hypothesis import strategies as st

RUN = {"command": "run"}
DOLLAR = "variables are not filled in: write the value, or '$$' for a dollar sign"


def file_of(**service: object) -> dict[str, object]:
    return {"services": {"web": {**RUN, **service}}}


def the_only(document: object) -> Service:
    (service,) = parse(document)
    return service


def refusal(document: object) -> list[str]:
    with pytest.raises(ServiceFileError) as caught:
        parse(document)
    return [line.removeprefix("- ") for line in str(caught.value).splitlines()]


def test_a_whole_service() -> None:
    document = {
        "version": "3",
        "name": "shop",
        "x-anything": {"a": 1},
        "services": {
            "web": {
                "command": "python3 -m http.server '80 80' $$HOME",
                "working_dir": "www",
                "environment": {"WORD": "a$$b", "PORT": 8080, "RATIO": 0.5},
                "env_file": ["a.env", "/etc/b.env"],
                "user": "www-data",
                "restart": "unless-stopped",
                "depends_on": ["db"],
                "x-note": "kept for others",
            },
            "db": {
                "command": ["sh", "-c", "echo '$$X'"],
                "environment": ["A=1=2", "B="],
                "user": 1000,
                "restart": False,
            },
        },
    }
    assert parse(document) == [
        Service("db", ("sh", "-c", "echo '$X'"), environment={"A": "1=2", "B": ""}, user="1000", restart="no"),
        Service(
            "web",
            ("python3", "-m", "http.server", "80 80", "$HOME"),
            "www",
            {"WORD": "a$b", "PORT": "8080", "RATIO": "0.5"},
            ("a.env", "/etc/b.env"),
            "www-data",
            "unless-stopped",
            ("db",),
        ),
    ]


@pytest.mark.parametrize("entry", [["db"], {"db": None}, {"db": {"condition": "service_started"}}], ids=str)
def test_what_a_service_depends_on(entry: object) -> None:
    services = parse({"services": {"db": RUN, "web": {**RUN, "depends_on": entry}}})
    assert services[1].depends_on == ("db",)


@pytest.mark.parametrize(
    ("service", "message"),
    [
        (
            {"image": "nginx"},
            "services.web.image: not supported; a container of Proxmox VE is no image: put the program into the "
            "source, or install it (container bootstrap --packages), and say how it is started with 'command'",
        ),
        (
            {"ports": ["80:80"]},
            "services.web.ports: not supported; a service listens in the container itself, at the container's address: "
            "remove it",
        ),
        (
            {"cap_add": ["ALL"]},
            "services.web.cap_add: not supported; remove it. Supported are command, depends_on, env_file, environment, "
            "restart, user, working_dir",
        ),
        ({"command": ""}, "services.web.command: it has to begin with the path or name of a program"),
        ({"command": ["-x"]}, "services.web.command: it has to begin with the path or name of a program"),
        ({"command": "echo 'a"}, "services.web.command: No closing quotation"),
        ({"command": "echo $HOME"}, f"services.web.command: {DOLLAR}"),
        ({"command": ["echo", "$$$X"]}, f"services.web.command: {DOLLAR}"),
        ({"command": ["echo", 1]}, "services.web.command: text is needed"),
        ({"command": ["echo", "a\0b"]}, "services.web.command: a NUL byte is in it"),
        ({"working_dir": "${HERE}"}, f"services.web.working_dir: {DOLLAR}"),
        ({"working_dir": "a\nb"}, "services.web.working_dir: one line of text is needed"),
        ({"user": "a:b"}, "services.web.user: the name or id of a user is needed; its own group is taken"),
        (
            {"restart": "on-failure:3"},
            "services.web.restart: 'on-failure:3' is none of no, always, on-failure, unless-stopped",
        ),
        ({"restart": True}, "services.web.restart: 'True' is none of no, always, on-failure, unless-stopped"),
        ({"environment": {"A": True}}, "services.web.environment: A is a boolean: write 'true' or 'false' in quotes"),
        (
            {"environment": {"A": None}},
            "services.web.environment: A has no value, and none is taken from the controller: write it, or name a file "
            "(env_file)",
        ),
        (
            {"environment": ["A"]},
            "services.web.environment: A has no value, and none is taken from the controller: write it, or name a file "
            "(env_file)",
        ),
        ({"environment": {"A-B": "x"}}, "services.web.environment: 'A-B' is no name of an environment variable"),
        ({"environment": "A=1"}, "services.web.environment: a mapping or a list of NAME=VALUE is needed"),
        ({"env_file": [{"path": "a"}]}, "services.web.env_file: a path or a list of paths is needed"),
        ({"depends_on": "db"}, "services.web.depends_on: a list of services is needed"),
        ({"depends_on": ["db"]}, "services.web.depends_on: there is no service 'db'"),
        ({"depends_on": ["web"]}, "services.web.depends_on: 'web' needs 'web' as well"),
        (
            {"depends_on": {"db": {"condition": "service_healthy"}}},
            "services.web.depends_on: of 'db' it can only be told when it was started (condition: service_started)",
        ),
    ],
)
def test_what_is_refused(service: dict[str, object], message: str) -> None:
    assert refusal(file_of(**service)) == [message]


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (None, "services: a mapping of names to services is needed"),
        ({"services": []}, "services: a mapping of names to services is needed"),
        ({"services": {"web": "run"}}, "services.web: a mapping with 'command' is needed"),
        ({"services": {"web": {}}}, "services.web.command: needed: the program and its arguments"),
        ({"services": {"a b": RUN}}, "services.a b: a name has letters, digits, '-' and '_' only"),
        (
            {"services": {}, "volumes": {}},
            "volumes: not supported; files of the container are there already: give the container a mount point (mp0) "
            "for others",
        ),
    ],
)
def test_files_that_are_refused(document: object, message: str) -> None:
    assert refusal(document) == [message]


def test_everything_that_is_wrong_is_said_at_once() -> None:
    document = {"services": {"b": {"image": "x", "restart": "maybe"}, "a": {**RUN, "ports": []}}, "networks": {}}
    assert [line.partition(":")[0] for line in refusal(document)] == [
        "networks",
        "services.a.ports",
        "services.b.image",
        "services.b.command",
        "services.b.restart",
    ]


def test_a_circle_is_refused() -> None:
    needs = {name: {**RUN, "depends_on": [other]} for name, other in ("ab", "bc", "ca")}
    assert refusal({"services": needs})[0] == "services.a.depends_on: 'b' needs 'a' as well"


def test_an_environment_file() -> None:
    text = (
        '# comment\n\nA=1\nexport B = two words # and a comment\nC=\'single $X \\n\'\nD="a\\nb \\"q\\" \\$ #" # c\nE=\n'
        "F=a#b\nG=x=y\n"
    )
    assert read_environment(text) == {
        "A": "1",
        "B": "two words",
        "C": "single $X \\n",
        "D": 'a\nb "q" $ #',
        "E": "",
        "F": "a#b",
        "G": "x=y",
    }


def test_a_refused_environment_file_tells_no_value() -> None:
    with pytest.raises(ServiceFileError) as caught:
        read_environment('A=1\nsecret1\nB-C=secret2\nD="secret3\n')
    assert str(caught.value) == (
        "- line 2: NAME=VALUE is needed\n- line 3: NAME=VALUE is needed\n"
        "- line 4: a quote is not closed, or something follows it"
    )


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1))
def test_a_doubled_dollar_sign_is_one(text: str) -> None:
    document = {"services": {"web": {"command": ["echo", text.replace("$", "$$")]}}}
    assert the_only(document).command[1] == text
