import csv, sys


def install():
    sys.hooked = csv.excel.delimiter
