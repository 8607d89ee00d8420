"""An exception through three library modules, with causes, notes and a group."""

import configparser
import functools
import json


class Refused(Exception):
    pass


@functools.singledispatch
def read(text):
    raise NotImplementedError(type(text))


@read.register
def _(text: str):
    return json.loads(text, object_pairs_hook=check)


@read.register
def _(number: int):
    parser = configparser.ConfigParser()
    parser.read_string("[part]\nkey = %(other)s\n")
    return parser.get("part", "key")


def check(pairs):
    for name, value in pairs:
        if value is None:
            raise Refused(f"{name} is empty")
    return dict(pairs)


def collect(inputs):
    errors = []
    for item in inputs:
        try:
            read(item)
        except Exception as error:
            error.add_note(f"while reading {item!r}")
            errors.append(error)
    raise ExceptionGroup("some inputs were refused", errors)


def main():
    try:
        collect(['{"a": 1}', '{"b": {"c": null}}', "[1, 2", 7, 2.5])
    except ExceptionGroup as group:
        try:
            group.missing
        except AttributeError:
            raise RuntimeError("cannot go on") from group


main()
