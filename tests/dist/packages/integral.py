from sympy import symbols, integrate, sin, exp
x = symbols("x")
print(integrate(exp(x) * sin(x), x))
