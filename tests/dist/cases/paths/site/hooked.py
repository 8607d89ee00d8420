import csv, sys


def install():
    sys.hooked = getattr(sys, "hooked", "") + csv.excel.delimiter
