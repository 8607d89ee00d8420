import beside
print(__name__, __package__, __file__, beside.X)
