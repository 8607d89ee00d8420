"""The programs that are measured, by name."""

programs = {}


def program(function):
    programs[function.__name__] = function
    return function
