"""How deep inlined comprehensions may be nested, alone and among other blocks."""


def nested(depth, around=0, block="for q in w:"):
    expression = "i for i in r"
    for _ in range(depth - 1):
        expression = "[" + expression + "] for i in r"
    lines = [" " * number + block for number in range(around)]
    return "\n".join([*lines, " " * around + "x = [" + expression + "]"])


def tried(source):
    try:
        compile(source, "<sample>", "exec")
        return "compiles"
    except SyntaxError as error:
        return error.msg, error.lineno, error.offset, error.end_lineno, error.end_offset


for block in "for q in w:", "while 1:", "with a:", "if a:", "try:":
    for around in 0, 5, 19, 20, 21:
        if block == "try:":
            sources = {depth: nested(depth, around, block) + "".join(
                "\n" + " " * number + "finally: pass" for number in reversed(range(around))) for depth in range(1, 24)}
        else:
            sources = {depth: nested(depth, around, block) for depth in range(1, 24)}
        outcomes = {depth: tried(source) for depth, source in sources.items()}
        print(block, around, next(((d, o) for d, o in outcomes.items() if o != "compiles"), "all compile"))
for opening in "[i for i in r if ", "{i: 1 for i in r if ", "{i for i in r if ":
    closing = "]" if opening[0] == "[" else "}"
    for depth in 21, 22:
        print(opening, depth, tried("x = " + opening * depth + "1" + closing * depth))
for depth in 10, 11:
    print(depth, tried("async def f():\n  x = " + "[i async for i in r if " * depth + "1" + "]" * depth))
print(tried("x = " + "[i for i in " * 22 + "r" + "]" * 22), tried("class C:\n " + nested(22)), tried("def f():\n " + nested(21)))
