def down(number):
    return down(number + 1) if number else down(
        number + 1,
    )


class Node:
    def __repr__(self):
        return f"<{self!r}>"


try:
    repr(Node())
except RecursionError as error:
    print(error)
down(0)
