import sys

from helpers import text


def main():
    print("in", __name__, text.shout(" ".join(sys.argv[1:])))
    print(__file__.replace("\\", "/").rpartition("/")[2], sys.argv[0])


def fail():
    text.shout(None)
