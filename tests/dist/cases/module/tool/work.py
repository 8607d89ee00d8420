import argparse
import multiprocessing

from . import part


def double(number):
    return part.TWO * number


if __name__ == "__main__":
    print(__spec__.name, __package__)
    argparse.ArgumentParser().print_usage()
    for method in ("spawn", "forkserver"):
        with multiprocessing.get_context(method).Pool(2) as pool:
            print(method, pool.map(double, range(4)))
