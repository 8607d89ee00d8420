# Lines and rows under every way to quote, with and without escapes, in narrow and wide characters.
import csv
import io
import itertools

LINES = ['a,b,"c,d"\r\n', '"say ""hi""",x"y,\'z\'\n', 'one\\,two,"in\\"quotes",3.5\n', '"two\n', 'lines" ,, 7\n', ' spaced, "q" ,\n',
         '"é漢😀";漢,"\n', "\r\n", '"end"x,y', "\\\n", "last\\"]
ROWS = [["a", "", None, 1, 2.5], ['with "quotes"', "comma, and\nline", "é漢😀"], [""], [None], ["\\", "'", "x;y", " "], ["END|", "\r"]]
OPTIONS = [{}, {"escapechar": "\\"}, {"doublequote": False, "escapechar": "\\"}, {"skipinitialspace": True}, {"strict": True},
           {"quotechar": "'", "delimiter": ";"}, {"delimiter": "漢", "escapechar": "😀"}, {"delimiter": " ", "skipinitialspace": True},
           {"lineterminator": "END|\n"}]


def attempt(function, *args):
    try:
        return function(*args)
    except (csv.Error, ValueError, TypeError) as error:
        return f"{type(error).__name__}: {error}"


for options, quoting in itertools.product(OPTIONS, range(6)):
    print(options, quoting)
    for start in range(len(LINES)):
        reader = csv.reader(LINES[start:], quoting=quoting, **options)
        print(" ", ascii(attempt(next, reader, None)), ascii(attempt(next, reader, None)), reader.line_num)
    for row in ROWS:
        file = io.StringIO()
        failed = attempt(csv.writer(file, quoting=quoting, **options).writerow, row)
        print(" ", ascii(file.getvalue()), failed)

csv.field_size_limit(3)
for line in ("abc,d", "abcd,e", '"abc",d', '"abcd",e', '"a""b",c', '"a""bc",d', "d,abcd", '"abcd'):
    print(line, attempt(list, csv.reader([line])))
