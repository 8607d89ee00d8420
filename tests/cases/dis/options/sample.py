def greet(names, greeting="Hello"):
    total = 0
    for name in names:
        try:
            print(f"{greeting}, {name.title()}!")
            total += len(name)
        except AttributeError as error:
            raise TypeError(name) from error
    return {name: total for name in names}
