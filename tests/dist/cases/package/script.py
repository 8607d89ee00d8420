import sys, pkg; print("script", sys.argv, pkg.__name__)
