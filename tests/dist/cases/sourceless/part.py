def fail():
    raise ValueError(1)
