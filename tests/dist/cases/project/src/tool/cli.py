import importlib.metadata
import pathlib
import sys


def main():
    print(sys.argv[1:], importlib.metadata.version("my-tool"), __file__)
    print(importlib.metadata.metadata("my-tool")["Summary"])
    for point in importlib.metadata.entry_points():
        print(point)
    print(pathlib.Path(__file__).with_name("data.txt").read_text(), end="")
    return 3


class Other:
    @staticmethod
    def run():
        print("other")
